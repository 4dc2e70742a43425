"""Killed at its peak: what held it is told all the same."""
import os
import signal
import sys

N = 8 << 20
EXPECT = {
    "at_peak": {
        "status": -9,
        "first": {"is": "local data in at_peak", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in at_peak"],
    },
}


def work():
    block = bytearray(2 * N)  # @peak
    os.kill(os.getpid(), signal.SIGKILL)
    return block


def at_peak():
    data = bytearray(N)
    size = len(data)
    work()  # @here
    return size


globals()[sys.argv[1]]()
