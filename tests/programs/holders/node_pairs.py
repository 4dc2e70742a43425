"""Pairs of nodes that know each other, with and without a finalizer: `del` frees nothing."""
import gc
import sys

N = 8 << 20
PAIRS = 8
EXPECT = {
    "plain": {
        "garbage": "N",
        "some": [{"is": "garbage", "verdict": "garbage", "at_least": "N // PAIRS", "says": ["Node"]}],
        "dead": [],
        "released": ["parted"],
    },
    "finalized": {
        "garbage": "N",
        "some": [{"is": "garbage", "verdict": "garbage", "at_least": "N // PAIRS",
                  "says": ["Final", "__del__|finalizer"]}],
        "dead": [],
        "released": ["parted"],
    },
    "parted": {"dead": [], "no_garbage": "N // PAIRS"},
}


class Node:
    def __init__(self):
        self.other = None
        self.rows = bytearray(N // PAIRS // 2)


class Final(Node):
    def __del__(self):
        self.rows = None


def pair(kind):
    one, two = kind(), kind()
    one.other, two.other = two, one
    return one


def make(kind, part):
    for _ in range(PAIRS):
        node = pair(kind)
        if part:
            node.other = None
        del node


def work(kind, part=False):
    gc.disable()
    make(kind, part)
    return bytearray(N)  # @peak


def plain():
    work(Node)


def finalized():
    work(Final)


def parted():
    work(Node, part=True)


globals()[sys.argv[1]]()
