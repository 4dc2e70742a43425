"""A closure's cell: of a function that is kept, of one that runs, and of a decorator's wrapper."""
import functools
import sys

N = 8 << 20
EXPECT = {
    "kept": {
        "some": [{"is": "closure table", "verdict": "not dead", "bytes": "N", "says": ["lookup"]}],
        "dead": [],
        "saves_nothing": True,
    },
    "running": {
        "first": {"is": "closure|local data", "verdict": "not dead", "bytes": "N", "says": ["inner|running"]},
        "dead": [],
        "saves_nothing": True,
    },
    "decorated": {
        "some": [{"is": "closure results", "verdict": "not dead", "at_least": "N // 2", "says": ["wrapper|square"]}],
        "dead": [],
        "saves_nothing": True,
    },
}


def work():
    return bytearray(N)  # @peak


def make_lookup():
    table = bytearray(N)

    def lookup(place):
        return table[place]

    return lookup


def kept():
    global lookup
    lookup = make_lookup()
    work()


def running():
    data = bytearray(N)

    def inner():
        size = len(data)
        work()
        return size

    return inner()


def remembering(function):
    results = []

    @functools.wraps(function)
    def wrapper(argument):
        results.append(function(argument))

    return wrapper


@remembering
def square(argument):
    return bytearray(argument)


def decorated():
    square(N // 2)
    square(N // 2)
    work()


globals()[sys.argv[1]]()
