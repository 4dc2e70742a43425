"""Locals that were dead some time before the snapshot, which it does not see: the peak without them is between bounds."""
import json
import sys

N = 24 << 20
ROWS = 20000
EXPECT = {
    "parsed": {
        "first": {"is": "local data in parsed", "verdict": "dead", "bytes": "N"},
        "dead": ["data in parsed"],
        "between": ["parsed_cured"],
    },
    "parsed_cured": {"dead": []},
    "two": {
        "some": [{"is": "local first in two", "verdict": "dead", "bytes": "N // 2"},
                 {"is": "local second in two", "verdict": "dead", "bytes": "N // 2"}],
        "dead": ["first in two", "second in two"],
        "between": ["two_cured"],
    },
    "two_cured": {"dead": []},
    "beside_cache": {
        "some": [{"is": "global CACHE", "bytes": "N // 2", "verdict": "not dead"},
                 {"is": "local data in beside_cache", "verdict": "dead", "bytes": "N"}],
        "dead": ["data in beside_cache"],
        "between": ["beside_cache_cured"],
    },
    "beside_cache_cured": {"dead": []},
    "of_small": {
        "some": [{"is": "local data in of_small", "verdict": "dead"}],
        "dead": ["data in of_small"],
        "between": ["of_small_cured"],
    },
    "of_small_cured": {"dead": []},
    "in_turns": {
        "some": [{"is": "local data in turn", "verdict": "dead", "bytes": "N"}],
        "dead": ["data in turn"],
        "between": ["in_turns_cured"],
    },
    "in_turns_cured": {"dead": []},
    "one_line": {
        "some": [{"is": "local data in one_line", "verdict": "dead", "bytes": "N"}],
        "dead": ["data in one_line"],
        "between": ["one_line_cured"],
    },
    "one_line_cured": {"dead": []},
    "handed_on": {
        "some": [{"is": "local data in handed_on", "verdict": "dead", "bytes": "N"}],
        "dead": ["data in handed_on"],
        "between": ["handed_on_cured"],
    },
    "handed_on_cured": {"dead": []},
}
CACHE = []
TEXT = "[" + ",".join('{"id": %d, "name": "row %d", "tags": ["a%d", "b%d"]}' % (i, i, i, i) for i in range(ROWS)) + "]"


def work():
    return json.loads(TEXT)  # @peak


def parsed(cured=False):
    data = bytearray(N)
    size = len(data)
    if cured:
        del data
    rows = work()
    return size, rows


def parsed_cured():
    parsed(True)


def two(cured=False):
    first = bytearray(N // 2)
    size = len(first)
    if cured:
        del first
    second = bytearray(N // 2)
    size += len(second)
    if cured:
        del second
    rows = work()
    return size, rows


def two_cured():
    two(True)


def beside_cache(cured=False):
    CACHE.append(bytearray(N // 2))
    data = bytearray(N)
    size = len(data)
    if cured:
        del data
    rows = work()
    return size, rows


def beside_cache_cured():
    beside_cache(True)


def of_small(cured=False):
    data = json.loads(TEXT)
    size = len(data)
    if cured:
        del data
    rows = work()
    return size, rows


def of_small_cured():
    of_small(True)


def turn(size, cured):
    """In its second turn it comes back to the line of the first one, and what is dead there was in use meanwhile."""
    data = bytearray(size)
    half = data[:size // 8]
    size = len(half)
    del half
    if cured:
        del data
    rows = work()
    return size, rows


def in_turns(cured=False):
    for size in (N // 8, N):
        turn(size, cured)


def in_turns_cured():
    in_turns(True)


def keep(part):
    rows = work()
    return len(part), rows


def one_line():
    """The slice is made in the line of the call, and reads what is dead in the call."""
    data = bytearray(N)
    return keep(data[:N // 2])


def one_line_cured():
    data = bytearray(N)
    half = data[:N // 2]
    del data
    return keep(half)


def take_over(holder):
    """Lets go of what the caller has lent it, and only then is the caller's local the last reference."""
    part = bytearray(holder[0])
    holder.clear()
    rows = work()
    return len(part), rows


def handed_on():
    data = bytearray(N)
    return take_over([data])


def handed_on_cured():
    return take_over([bytearray(N)])


globals()[sys.argv[1]]()
