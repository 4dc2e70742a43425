"""Deep recursion with a dead local in each frame."""
import sys

N = 8 << 20
DEPTH = 200
EXPECT = {
    "deep": {
        "first": {"is": "local block in descend", "verdict": "dead", "says": ["bytearray"], "at_least": "N * 9 // 10"},
        "dead": ["block in descend"],
        "at_most": 200,
        "released": ["deep_deleted"],
    },
    "deep_large": {
        "first": {"is": "local block in descend_large", "verdict": "dead", "at_least": "160 << 10"},
        "dead": ["block in descend_large"],
        "at_most": 200,
        "released": ["deep_large_deleted"],
    },
    "deep_deleted": {"dead": []},
    "deep_large_deleted": {"dead": []},
}


def work():
    return bytearray(2 * N)  # @peak


def descend(level):
    block = bytearray(N // DEPTH)
    size = len(block)
    if level:
        descend(level - 1)
    else:
        work()
    return size


def descend_deleted(level):
    block = bytearray(N // DEPTH)
    size = len(block)
    del block
    if level:
        descend_deleted(level - 1)
    else:
        work()
    return size


def descend_large(level):
    block = bytearray(160 << 10)
    size = len(block)
    if level:
        descend_large(level - 1)
    else:
        work()
    return size


def descend_large_deleted(level):
    block = bytearray(160 << 10)
    size = len(block)
    del block
    if level:
        descend_large_deleted(level - 1)
    else:
        work()
    return size


def deep():
    descend(DEPTH - 1)


def deep_deleted():
    descend_deleted(DEPTH - 1)


def deep_large():
    descend_large(200)


def deep_large_deleted():
    descend_large_deleted(200)


globals()[sys.argv[1]]()
