"""A default argument that grows from call to call."""
import sys

N = 8 << 20
EXPECT = {
    "grows": {
        "some": [{"is": "default", "verdict": "not dead", "at_least": "N // 2", "says": ["collect"]}],
        "dead": [],
        "saves_nothing": True,
    },
    "keyword": {
        "some": [{"is": "default", "verdict": "not dead", "bytes": "N", "says": ["scratch"]}],
        "dead": [],
        "saves_nothing": True,
    },
}


def collect(item, seen=[]):
    seen.append(item)


def work():
    return bytearray(N)  # @peak


def grows():
    collect(bytearray(N // 2))
    collect(bytearray(N // 2))
    work()


def keyword():
    global scratch

    def scratch(*, buffer=bytearray(N)):
        return len(buffer)

    scratch()
    work()


globals()[sys.argv[1]]()
