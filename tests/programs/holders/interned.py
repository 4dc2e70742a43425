"""The interpreter's table of interned strings, which keeps none of them alive but is large itself."""
import sys

N = 8 << 20
COUNT_STRINGS = 100000
EXPECT = {
    "interns": {
        "some": [
            {"is": "interpreter", "type": "dict", "at_least": "COUNT_STRINGS * 16", "verdict": "unknown",
             "path": "^interpreter -> interned strings$", "since": "3.12"},
        ],
        "dead": [],
        "read": ["names in interns"],
    },
    # The strings themselves die with what holds them, unless they are immortal (3.12).
    "lets_go": {
        "some": [{"is": "local names in lets_go", "verdict": "dead", "at_least": "COUNT_STRINGS * 50", "since": "3.13"}],
        "dead": ["names in lets_go"],
    },
}


def work():
    return bytearray(N)  # @peak


def intern():
    return [sys.intern("name %d" % number) for number in range(COUNT_STRINGS)]


def interns():
    names = intern()
    work()
    return len(names)


def lets_go():
    names = intern()
    work()


globals()[sys.argv[1]]()
