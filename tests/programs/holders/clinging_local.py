"""The clinging local: `data` outlives its last use, so three arrays are held where two would do."""
import sys

N = 8 << 20
TABLE = bytes(reversed(range(256)))
EXPECT = {
    "clinging": {
        "some": [
            {"is": "local data in clinging", "line": "here", "verdict": "dead", "type": "^bytearray$",
             "bytes": "N", "saves": "N", "path": r"^data in clinging\(\) \(.*clinging_local\.py:\d+\)"},
            {"is": "local|argument data in modify2", "verdict": "in use|unknown", "bytes": "N", "saves": "0"},
        ],
        "dead": ["data in clinging"],
        "released": ["no_variable", "same_name", "owner"],
        "no_garbage": "N // 8",
        "text": [r"data.*clinging\(\)", "bytearray", "never read again"],
    },
    "no_variable": {"dead": [], "saves_nothing": True},
    "same_name": {"dead": [], "saves_nothing": True},
    "owner": {"dead": [], "saves_nothing": True},
}


def load():
    return bytearray(N)


def modify1(data):
    return data.translate(TABLE)


def modify2(data):
    return data.translate(TABLE)  # @peak


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

    def take(self):
        data, self.data = self.data, None
        return data


def modify1_owned(owner):
    return owner.take().translate(TABLE)


def owner():
    return modify2(modify1_owned(Owner(load())))


globals()[sys.argv[1]]()
