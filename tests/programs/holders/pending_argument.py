"""An argument of a pending call: up to Python 3.10 the caller's value stack keeps it, whatever the callee does."""
import sys

N = 8 << 20
EXPECT = {
    "passing": {
        "some": [{"is": "argument in passing", "line": "here", "bytes": "N", "verdict": "dead|unknown",
                  "until": "3.10"}],
        "none": [{"at_least": "N // 2", "since": "3.11"}],
        "dead": ["* in passing"],
    },
    "passing_name": {
        "some": [{"is": "local data in passing_name", "line": "name", "bytes": "N", "verdict": "dead", "saves": "N",
                  "since": "3.11"},
                 {"is": "local|argument in passing_name", "line": "name", "bytes": "N", "until": "3.10"}],
        "dead": ["data in passing_name"],
    },
}


def consume(data):
    size = len(data)
    data = None
    return bytearray(size)  # @peak


def passing():
    return consume(bytearray(N))  # @here


def passing_name():
    data = bytearray(N)
    return consume(data)  # @name


globals()[sys.argv[1]]()
