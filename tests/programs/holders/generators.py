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
    # Never resumed: dead. What its blocks do when it is closed, the advice says.
    "abandoned": {
        "first": {"is": "local lines in abandoned", "verdict": "dead", "bytes": "N", "saves": "N"},
        "none": [{"says": ["mind that this ends"]}],
        "dead": ["lines in abandoned"],
    },
    "abandoned_in_with": {
        "first": {"is": "local lines in abandoned_in_with", "verdict": "dead", "bytes": "N",
                  "says": [r"mind that this ends read_with\(\)"]},
        "dead": ["lines in abandoned_in_with"],
    },
    "abandoned_in_finally": {
        "first": {"is": "local lines in abandoned_in_finally", "verdict": "dead", "bytes": "N",
                  "says": [r"mind that this ends read_finally\(\)"]},
        "dead": ["lines in abandoned_in_finally"],
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


def abandoned():
    lines = read()
    next(lines)
    work()


class Open:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def read_with():
    chunk = bytearray(N)
    with Open():
        yield 1
    yield len(chunk)


def abandoned_in_with():
    lines = read_with()
    next(lines)
    work()


def read_finally():
    chunk = bytearray(N)
    try:
        yield from read_two()
    finally:
        chunk.clear()


def read_two():
    yield 1
    yield 2


def abandoned_in_finally():
    lines = read_finally()
    next(lines)
    work()


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
