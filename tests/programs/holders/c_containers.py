"""Containers and helpers written in C: deque, set of tuples, partial, bound method, iterators, a cell, a property."""
import collections
import functools
import itertools
import sys
import types

N = 8 << 20
EXPECT = {
    "queue": {
        "some": [{"is": "local queue in queue", "verdict": "in use", "at_least": "N // 2"}],
        "dead": [],
        "saves_nothing": True,
    },
    "set_of_tuples": {
        "some": [{"is": "local seen in set_of_tuples", "verdict": "in use", "at_least": "N // 2"}],
        "dead": [],
        "saves_nothing": True,
    },
    "partial": {
        "first": {"is": "global later", "verdict": "not dead", "bytes": "N", "path": r"later\b"},
        "dead": [],
        "saves_nothing": True,
    },
    "bound_method": {
        "first": {"is": "global CALLBACKS", "verdict": "not dead", "bytes": "N", "path": r"CALLBACKS\[0\].*\.rows"},
        "dead": [],
        "saves_nothing": True,
    },
    "builtin_method": {
        "first": {"is": "local append in builtin_method", "verdict": "in use", "bytes": "N"},
        "dead": [],
        "read": ["append in builtin_method"],
    },
    "iterator": {
        "first": {"is": "local stream in iterator", "verdict": "in use", "bytes": "N"},
        "dead": [],
        "read": ["stream in iterator"],
    },
    "chained": {
        "first": {"is": "local stream in chained", "verdict": "in use", "bytes": "N"},
        "dead": [],
    },
    "proxy": {
        "first": {"is": "local shown in proxy", "verdict": "in use", "bytes": "N"},
        "dead": [],
    },
    "dead_partial": {
        "first": {"is": "local later in dead_partial", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["later in dead_partial"],
    },
}
CALLBACKS = []


class Reader:
    def __init__(self):
        self.rows = bytearray(N)

    def parse(self):
        return len(self.rows)


def work():
    return bytearray(N)  # @peak


def queue():
    queue = collections.deque([bytearray(N // 2), bytearray(N // 2)])
    work()
    return queue


def set_of_tuples():
    seen = {(1, bytes(N // 2)), (2, bytes(N // 2))}
    work()
    return seen


def partial():
    global later
    later = functools.partial(len, bytearray(N))
    work()


def bound_method():
    CALLBACKS.append(Reader().parse)
    work()


def builtin_method():
    append = bytearray(N).append
    work()
    return append(1)


def iterator():
    stream = map(str, iter([None, bytearray(N)]))
    work()
    return next(stream)


def chained():
    stream = itertools.chain(zip([1], [bytearray(N)]))
    work()
    return stream


def proxy():
    shown = types.MappingProxyType({"rows": bytearray(N)})
    work()
    return shown


def dead_partial():
    later = functools.partial(len, bytearray(N))
    size = later()
    work()
    return size


globals()[sys.argv[1]]()
