"""A context variable's value."""
import contextvars
import sys

N = 8 << 20
request = contextvars.ContextVar("request")
EXPECT = {
    "set_value": {
        "first": {"is": "context", "verdict": "not dead", "bytes": "N", "says": ["request"]},
        "dead": [],
        "saves_nothing": True,
    },
    "copied": {
        "first": {"is": "context|local", "verdict": "not dead", "bytes": "N", "says": ["request|copy"]},
        "dead": [],
        "saves_nothing": True,
    },
}


def work():
    return bytearray(N)  # @peak


def set_value():
    request.set(bytearray(N))
    work()


def copied():
    token = request.set(bytearray(N))
    copy = contextvars.copy_context()
    request.reset(token)
    del token
    work()
    return copy


globals()[sys.argv[1]]()
