"""Generators: suspended ones keep their locals, and those that have not begun, their arguments."""
import sys

N = 8 << 20
EXPECT = {
    "suspended": {
        "first": {"is": "generator|local", "verdict": "not dead", "bytes": "N", "says": ["chunk", "read"]},
        "dead": [],
        "read": ["chunk in read"],
        "saves_nothing": True,
    },
    "not_begun": {
        "first": {"is": "generator|local", "verdict": "not dead", "bytes": "N", "says": ["source"]},
        "dead": [],
        "saves_nothing": True,
    },
    "expression": {
        "first": {"is": "generator|local", "verdict": "not dead", "bytes": "N", "says": ["lengths"]},
        "dead": [],
        "saves_nothing": True,
    },
    "delegating": {
        "first": {"is": "generator|local", "verdict": "not dead", "bytes": "N", "says": ["chunk", "read"]},
        "dead": [],
        "saves_nothing": True,
    },
    "running": {
        "first": {"is": "generator|local block in produce", "verdict": "dead|unknown", "bytes": "N"},
        "dead": ["block in produce"],
    },
    "finished": {"none": [{"at_least": "N // 2"}], "dead": []},
}


def work():
    return bytearray(N)  # @peak


def read():
    chunk = bytearray(N)
    yield 1
    yield len(chunk)


def suspended():
    lines = read()
    next(lines)
    work()
    return list(lines)


def count(source):
    yield len(source)


def not_begun():
    sizes = count(bytearray(N))
    work()
    return list(sizes)


def expression():
    lengths = (len(item) for item in [bytearray(N)])
    work()
    return list(lengths)


def delegate():
    yield from read()


def delegating():
    lines = delegate()
    next(lines)
    work()
    return list(lines)


def produce():
    block = bytearray(N)
    size = len(block)
    work()
    yield size


def running():
    return list(produce())


def finished():
    lines = read()
    list(lines)
    work()
    return lines


globals()[sys.argv[1]]()
