"""Objects whose own table is the big block: list, dict, set, array, str, int, tuple, deque, BytesIO."""
import array
import collections
import io
import sys

N = 8 << 20
EXPECT = {
    "of_list": {
        "dead": [],
        "first": {"is": "local table in of_list", "verdict": "in use", "type": "^list$", "bytes": "N"},
    },
    "of_dict": {
        "dead": [],
        "first": {"is": "local table in of_dict", "verdict": "in use", "type": "^dict$", "at_least": "3 << 20"},
    },
    "of_set": {
        "dead": [],
        "first": {"is": "local table in of_set", "verdict": "in use", "type": "^set$", "at_least": "3 << 20"},
    },
    "of_array": {
        "dead": [],
        "first": {"is": "local table in of_array", "verdict": "in use", "type": "array$", "bytes": "N"},
    },
    "of_text": {
        "dead": [],
        "first": {"is": "local table in of_text", "verdict": "in use", "type": "^str$", "bytes": "N"},
    },
    "of_number": {
        "dead": [],
        "first": {"is": "local table in of_number", "verdict": "in use", "type": "^int$", "at_least": "N"},
    },
    "of_bytes_io": {
        "dead": [],
        "first": {"is": "local table in of_bytes_io", "verdict": "in use", "type": "BytesIO|^bytes$",
                  "at_least": "N"},
    },
    "of_tuple": {
        "dead": [],
        "first": {"is": "local table in of_tuple", "verdict": "in use", "type": "^tuple$", "bytes": "N"},
    },
    "of_deque": {
        "dead": [],
        "first": {"is": "local table in of_deque", "verdict": "in use", "says": ["deque"], "at_least": "N"},
    },
    "dead_array": {
        "first": {"is": "local table in dead_array", "line": "dead", "verdict": "dead", "type": "array$", "bytes": "N",
                  "saves": "N"},
        "dead": ["table in dead_array"],
    },
    "dead_dict": {
        "first": {"is": "local table in dead_dict", "verdict": "dead", "type": "^dict$", "at_least": "3 << 20"},
        "dead": ["table in dead_dict"],
        "released": ["cleared_dict"],
    },
    "cleared_dict": {"far": None, "dead": ["table in cleared_dict"]},
}


def work():
    return bytearray(N)  # @peak


def of_list():
    table = [None] * (N // 8)
    work()
    return table


def of_dict():
    table = dict.fromkeys(range(100000))
    work()
    return table


def of_set():
    table = set(range(100000))
    work()
    return table


def of_array():
    table = array.array("d", bytes(8)) * (N // 8)
    work()
    return table


def of_text():
    table = "x" * N
    work()
    return table


def of_number():
    table = 1 << 8 * N
    work()
    return table


def of_bytes_io():
    table = io.BytesIO()
    for _ in range(64):
        table.write(bytes(N // 64))
    bytearray(4 * N)
    return table


def of_tuple():
    table = (None,) * (N // 8)
    work()
    return table


def of_deque():
    table = collections.deque([None]) * (N // 8)
    work()
    return table


def dead_array():
    table = array.array("d", bytes(8)) * (N // 8)
    size = len(table)
    work()  # @dead
    return size


def dead_dict():
    table = dict.fromkeys(range(100000))
    size = len(table)
    work()
    return size


def cleared_dict():
    table = dict.fromkeys(range(100000))
    size = len(table)
    table.clear()
    work()
    return size


globals()[sys.argv[1]]()
