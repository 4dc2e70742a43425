"""The clinging local with numpy: `data` outlives its last use while the third array is made."""
import sys

import numpy

NEEDS = ["numpy"]
N = 16 << 20
EXPECT = {
    "clinging": {
        "some": [
            {"is": "local data in clinging", "line": "here", "verdict": "dead", "type": "ndarray$",
             "bytes": "N", "saves": "N", "says": [r"\(2097152,\)", "float64"]},
            {"is": "local data in modify2", "verdict": "in use|unknown", "type": "ndarray$", "bytes": "N"},
        ],
        "dead": ["data in clinging"],
        "released": ["no_variable", "same_name", "owner"],
        "no_garbage": "N // 8",
        "text": [r"numpy\.ndarray"],
    },
    "no_variable": {"dead": [], "saves_nothing": True},
    "same_name": {"dead": [], "saves_nothing": True},
    "owner": {"dead": [], "saves_nothing": True},
}


def load():
    return numpy.ones(N // 8)


def modify1(data):
    return data * 2


def modify2(data):
    return data + 10  # @peak


def clinging():
    data = load()
    return modify2(modify1(data))  # @here


def no_variable():
    return modify2(modify1(load()))


def same_name():
    data = load()
    data = modify1(data)
    data = modify2(data)
    return data


class Owner:
    def __init__(self, data):
        self.data = data


def modify1_owned(owner):
    data, owner.data = owner.data, None
    return data * 2


def owner():
    return modify2(modify1_owned(Owner(load())))


globals()[sys.argv[1]]()
