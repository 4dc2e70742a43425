"""Slices of bytes are copies: they hold nothing of what they came from."""
import sys

N = 8 << 20
EXPECT = {
    "copied": {"none": [{"at_least": "N // 2"}], "dead": [], "saves_nothing": True},
    "kept": {
        "first": {"is": "local raw in kept", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["raw in kept"],
        "released": ["copied"],
    },
}


def work():
    return bytes(N)  # @peak


def copied():
    head = bytes(N)[:100]
    work()
    return head


def kept():
    raw = bytes(N)
    head = raw[:100]
    work()  # @here
    return head


globals()[sys.argv[1]]()
