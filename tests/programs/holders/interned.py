"""The interpreter's table of interned strings: it is large itself, and keeps strings alive only in 3.12."""
import sys

N = 8 << 20
COUNT_STRINGS = 100000
EXPECT = {
    "interns": {
        "some": [
            {"is": "interpreter", "type": "dict", "at_least": "COUNT_STRINGS * 16", "verdict": "unknown",
             "path": "^interpreter -> interned strings$"},
        ],
        "dead": [],
        "read": ["names in interns"],
    },
    # The strings themselves die with what holds them, unless they are immortal (3.12).
    "lets_go": {
        "some": [
            {"is": "local names in lets_go", "verdict": "dead", "at_least": "COUNT_STRINGS * 50", "since": "3.13"},
            {"is": "interpreter", "type": "^str$", "at_least": "COUNT_STRINGS * 50",
             "verdict": "unknown", "since": "3.12", "until": "3.12"},
        ],
        "dead": ["names in lets_go"],
    },
    "big": {
        "some": [{"is": "global BIG", "type": "^str$", "verdict": "unknown", "bytes": "N"}],
        "dead": [],
    },
    "big_and_let_go": {
        "some": [
            {"is": "interpreter", "type": "^str$", "verdict": "unknown", "bytes": "N",
             "path": r'^interpreter -> interned strings\["x{40}\.\.\."\]$', "since": "3.12", "until": "3.12"},
        ],
        "none": [
            {"is": "native|static|none", "at_least": "N"},
            {"is": "interpreter", "type": "str", "at_least": "N", "until": "3.11"},
            {"is": "interpreter", "type": "str", "at_least": "N", "since": "3.13"},
        ],
        "dead": [],
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


def big():
    global BIG
    BIG = sys.intern("x" * N)
    work()


def big_and_let_go():
    sys.intern("x" * N)
    work()


globals()[sys.argv[1]]()
