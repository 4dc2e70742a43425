"""Several holders of one object: what letting go of the dead ones saves."""
import sys

N = 8 << 20
KEPT = []
EXPECT = {
    "one_dead_one_live": {
        "some": [{"at_least": "N", "saves": "0"}],
        "none": [{"at_least": "N // 2", "saves": "N"}],
        "dead": ["rows in one_dead_one_live"],
        "saves_nothing": True,
    },
    "dead_and_argument_in_use": {
        "some": [{"at_least": "N", "saves": "0"}],
        "none": [{"at_least": "N // 2", "saves": "N"}],
        "dead": ["rows in dead_and_argument_in_use"],
        "read": ["given in use_later"],
        "saves_nothing": True,
    },
    "two_dead": {
        "some": [{"is": "local first|again", "verdict": "dead", "bytes": "N", "saves": "N"}],
        "dead": ["first in two_dead", "again in hold_again"],
        "released": ["none_dead"],
    },
    "two_dead_names": {
        "some": [{"is": "local first|second in two_dead_names", "verdict": "dead", "bytes": "N", "saves": "N"}],
        "dead": ["first in two_dead_names", "second in two_dead_names"],
        "released": ["none_dead"],
    },
    "dead_inside_dead": {
        "some": [{"is": "local box|inner in dead_inside_dead", "verdict": "dead", "at_least": "N", "saves": "N"}],
        "dead": ["box in dead_inside_dead", "inner in dead_inside_dead"],
        "released": ["none_dead"],
    },
    "shared_content": {
        "some": [{"is": "local box in shared_content", "verdict": "dead", "saves": "N"}],
        "dead": ["box in shared_content"],
        "released": ["content_shared_with_none"],
    },
    "content_shared_with_none": {"dead": [], "saves_nothing": True},
    "none_dead": {"dead": [], "saves_nothing": True},
}


def work():
    return bytearray(2 * N)  # @peak


def one_dead_one_live():
    rows = bytearray(N)
    KEPT.append(rows)
    work()


def use_later(given):
    work()
    return len(given)


def dead_and_argument_in_use():
    rows = bytearray(N)
    return use_later(rows)


def hold_again():
    again = KEPT.pop()
    size = len(again)
    work()
    return size


def two_dead():
    first = bytearray(N)
    KEPT.append(first)
    return hold_again()


def two_dead_names():
    first = second = bytearray(N)
    size = len(first) + len(second)
    work()
    return size


def dead_inside_dead():
    inner = bytearray(N)
    box = [inner]
    size = len(inner) + len(box)
    work()
    return size


def shared_content():
    box = [bytearray(N), bytearray(N)]
    keep = box[:1]
    work()
    return keep


def content_shared_with_none():
    keep = [bytearray(N)]
    work()
    return keep


def none_dead():
    size = len(bytearray(N))
    work()
    return size


globals()[sys.argv[1]]()
