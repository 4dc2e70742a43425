"""A loop variable that outlives its loop."""
import sys

N = 8 << 20
EXPECT = {
    "outlives": {
        "first": {"is": "local block in outlives", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["block in outlives"],
        "released": ["deleted"],
    },
    "deleted": {"dead": [], "saves_nothing": True},
}


def blocks(count):
    for _ in range(count):
        yield bytearray(N // count)
    yield bytearray(N)


def work():
    return bytearray(2 * N)  # @peak


def outlives():
    total = 0
    for block in blocks(4):
        total += len(block)
    work()  # @here
    return total


def deleted():
    total = 0
    for block in blocks(4):
        total += len(block)
    del block
    work()
    return total


globals()[sys.argv[1]]()
