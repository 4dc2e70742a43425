"""A caller's local that is not read again, but is what a suspended callee works on: letting go saves nothing."""
import sys

N = 8 << 20
TABLE = bytes(256)
EXPECT = {
    "through_calls": {
        "some": [{"at_least": "N", "saves": "0"}],
        "none": [{"at_least": "N // 2", "saves": "N"}],
        "dead": ["data in through_calls", "data in middle", "data in passes_on"],
        "read": ["data in reads"],
        "saves_nothing": True,
    },
    "receiver": {
        "some": [{"is": "local data in receiver", "verdict": "in use|unknown", "bytes": "N", "saves": "0"}],
        "dead": [],
        "saves_nothing": True,
    },
    "argument_of_c": {
        "some": [{"is": "local data in argument_of_c", "verdict": "in use|unknown", "bytes": "N", "saves": "0"}],
        "dead": [],
        "saves_nothing": True,
    },
    "sort_key": {
        "some": [{"is": "local|argument in sort_key|slow_key", "bytes": "N", "verdict": "not dead"}],
        "dead": [],
        "saves_nothing": True,
    },
}


def work():
    return bytearray(2 * N)  # @peak


def through_calls():
    data = bytearray(N)
    return middle(data)


def middle(data):
    return passes_on(data)


def passes_on(data):
    return reads(data)


def reads(data):
    work()
    return len(data)


def receiver():
    data = bytearray(N)
    return data.translate(TABLE)  # @peak


def argument_of_c():
    data = bytearray(N)
    return bytes(data)  # @peak


def slow_key(row):
    work()
    return len(row)


def sort_key():
    rows = [bytearray(N)]
    return sorted(rows, key=slow_key)


globals()[sys.argv[1]]()
