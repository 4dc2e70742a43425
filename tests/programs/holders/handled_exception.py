"""The exception being handled: until the except block is left, it holds the frames that it passed through."""
import sys

N = 8 << 20
EXPECT = {
    "unnamed": {
        "first": {"is": "traceback", "verdict": "not dead", "bytes": "N", "says": ["buffer", "load"]},
        "dead": [],
    },
    "named": {
        "first": {"is": "traceback|local", "verdict": "not dead", "bytes": "N", "says": ["buffer", "load"]},
        "dead": [],
    },
    "left": {"none": [{"at_least": "N // 2"}], "dead": []},
}


def load():
    buffer = bytearray(N)
    return 1 // (len(buffer) - N)


def work():
    return bytearray(N)  # @peak


def unnamed():
    try:
        load()
    except ZeroDivisionError:
        work()


def named():
    try:
        load()
    except ZeroDivisionError as error:
        work()
        return str(error)


def left():
    try:
        load()
    except ZeroDivisionError:
        pass
    work()


globals()[sys.argv[1]]()
