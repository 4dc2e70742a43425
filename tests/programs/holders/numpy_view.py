"""A small numpy view keeps the whole array."""
import sys

import numpy

NEEDS = ["numpy"]
N = 16 << 20
EXPECT = {
    "dead_view": {
        "some": [{"is": "local corner in dead_view", "line": "dead", "verdict": "dead", "bytes": "N", "saves": "N",
                  "path": r"corner(\.base)?\b"}],
        "dead": ["corner in dead_view"],
        "released": ["copied"],
    },
    "read_view": {
        "some": [{"is": "local corner in read_view", "line": "read", "verdict": "in use", "bytes": "N",
                  "path": r"corner(\.base)?\b", "type": "ndarray$"}],
        "dead": [],
        "read": ["corner in read_view"],
        "saves_nothing": True,
    },
    "of_bytes": {
        "some": [{"is": "local values in of_bytes", "verdict": "in use", "bytes": "N", "type": "^bytes$|ndarray$"}],
        "dead": [],
        "saves_nothing": True,
    },
    "objects": {
        "some": [{"is": "local cells in objects", "verdict": "in use", "bytes": "N"}],
        "dead": [],
        "saves_nothing": True,
    },
    "structured": {
        "some": [{"is": "local ticks in structured", "verdict": "in use", "bytes": "N"}],
        "dead": [],
        "text": [r"numpy\.ndarray \(\d+,\) void with fields time, price, währung"],
    },
    "copied": {"none": [{"is": "local", "at_least": "N // 2"}], "dead": ["corner in copied"]},
}


def work():
    return numpy.ones(N // 8)  # @peak


def crop():
    picture = numpy.ones((1024, N // 8192))
    return picture[:4, :4]


def dead_view():
    corner = crop()
    total = corner.sum()
    work()  # @dead
    return total


def read_view():
    corner = crop()
    work()  # @read
    return corner.sum()


def of_bytes():
    values = numpy.frombuffer(bytes(N), dtype=numpy.uint8)
    work()
    return values.sum()


def objects():
    cells = numpy.empty(10, dtype=object)
    cells[7] = bytearray(N)
    work()
    return cells


def structured():
    ticks = numpy.zeros(N // 16, dtype=[("time", "i8"), ("price", "f4"), ("währung", "S4")])
    work()
    return ticks["price"].sum()


def copied():
    corner = crop().copy()
    total = corner.sum()
    work()
    return total


globals()[sys.argv[1]]()
