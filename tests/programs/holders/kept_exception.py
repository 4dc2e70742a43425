"""An exception that is kept: its traceback holds the frame, and the frame every local."""
import sys

N = 8 << 20
ERRORS = []
EXPECT = {
    "kept": {
        "first": {"is": "traceback|global", "verdict": "not dead", "bytes": "N", "type": "^bytearray$",
                  "says": ["ERRORS", "buffer", "load"]},
        "dead": [],
        "saves_nothing": True,
    },
    "cleared": {"none": [{"at_least": "N // 2"}], "dead": []},
}


def load():
    buffer = bytearray(N)
    if len(buffer) == N:
        raise ValueError("of no use")


def attempt():
    try:
        load()
    except ValueError as error:
        ERRORS.append(error)


def work():
    return bytearray(N)  # @peak


def kept():
    attempt()
    work()


def cleared():
    attempt()
    ERRORS[0].__traceback__ = None
    work()


globals()[sys.argv[1]]()
