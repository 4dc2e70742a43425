"""sys.last_traceback, as an interactive session leaves it behind."""
import sys

N = 8 << 20
EXPECT = {
    "traceback": {
        "first": {"is": "traceback", "verdict": "not dead", "bytes": "N",
                  "says": ["last_traceback", "buffer", "load"]},
        "dead": [],
    },
    "exception": {
        "first": {"is": "traceback", "verdict": "not dead", "bytes": "N",
                  "says": ["last_exc|last_value", "buffer", "load"]},
        "dead": [],
    },
}


def load():
    buffer = bytearray(N)
    return 1 // (len(buffer) - N)


def work():
    return bytearray(N)  # @peak


def traceback():
    try:
        load()
    except ZeroDivisionError as error:
        sys.last_traceback = error.__traceback__
    work()


def exception():
    try:
        load()
    except ZeroDivisionError as error:
        sys.last_value = sys.last_exc = error
    work()


globals()[sys.argv[1]]()
