"""A peak that no snapshot can see: it comes and goes in native code without the GIL."""
import ctypes
import sys

NEEDS = ["helpers"]
N = 8 << 20
EXPECT = {
    "brief": {
        "far": True,
        "dead": [],
    },
    "near": {
        "far": False,
        "first": {"is": "local held in near", "verdict": "in use", "bytes": "N"},
        "dead": [],
    },
}
library = ctypes.CDLL(sys.argv[2])


def brief():
    held = bytearray(N)
    library.hold_briefly(ctypes.c_size_t(4 * N))  # @peak
    return held


def near():
    held = bytearray(N)
    more = bytearray(N)  # @peak
    return held, more


globals()[sys.argv[1]]()
