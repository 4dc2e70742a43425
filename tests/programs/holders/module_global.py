"""A module's global, set by a function, and one that the module's own frame will not read again."""
import sys

N = 8 << 20
EXPECT = {
    "in_function": {
        "first": {"is": "global CACHE", "verdict": "not dead", "bytes": "N", "path": r"CACHE\b"},
        "dead": [],
        "saves_nothing": True,
    },
    "rebound": {"none": [{"at_least": "N // 2"}], "dead": []},
    "work": {
        "first": {"is": "global table", "verdict": "not dead", "bytes": "N", "path": r"table\b"},
        "dead": [],
        "saves_nothing": True,
    },
}
CACHE = None


def work():
    return bytearray(N)  # @peak


def in_function():
    global CACHE
    CACHE = bytearray(N)
    work()


def rebound():
    in_function.__globals__["CACHE"] = bytearray(N)
    in_function.__globals__["CACHE"] = None
    work()


if sys.argv[1] == "work":
    for table in [bytearray(N)]:
        len(table)
globals()[sys.argv[1]]()
