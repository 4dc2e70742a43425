"""A polars frame's buffers belong to the local that holds the frame."""
import sys

import polars

NEEDS = ["polars"]
N = 32 << 20
EXPECT = {
    "held": {
        "some": [{"is": "local frame in held", "verdict": "not dead", "at_least": "N * 9 // 10"}],
        "dead": [],
    },
}


def work():
    return bytearray(N)  # @peak


def held():
    frame = polars.select(a=polars.int_range(N // 8, eager=False))
    work()
    return frame.height


globals()[sys.argv[1]]()
