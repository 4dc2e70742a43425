"""Goes ways of all kinds at random, the same ones several times, and takes memory where they end: with the library that
paths.c was compiled to (the first argument). Prints how often it did so by which way, as JSON."""
import ctypes
import json
import random
import sys
from collections import Counter

try:
    import greenlet
except ImportError:
    greenlet = None

library = ctypes.CDLL(sys.argv[1])
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_size_t)
TIMES = 12
path, taken, kept = [], Counter(), []


def keep_bytes():
    return bytes(1000)


def by_plain(left):
    go(left)


def by_map(left):
    list(map(go, [left]))


def by_key(left):
    max([0], key=lambda _: go(left))


def by_generator(left):
    for _ in (go(left) for _ in range(1)):
        pass


class Made:
    def __init__(self, left):
        go(left)


def by_class(left):
    Made(left)


def by_c(left):
    library.c_hop(BACK, ctypes.c_size_t(left))


def by_wide_c(left):
    library.c_wide_hop(BACK, ctypes.c_size_t(left))


def by_greenlet(left):
    """A greenlet's stack begins with it."""
    before = path[:]
    path[:] = ["go"]
    greenlet.greenlet(go).switch(left)
    path[:] = before


C_NAMES = {by_c: "c_hop", by_wide_c: "c_wide_hop"}
WAYS = [by_plain, by_map, by_key, by_generator, by_class, by_c, by_wide_c] + [by_greenlet] * (greenlet is not None)


def take():
    if random.random() < 0.5:
        taken[(*path, "take_here")] += 1
        library.take_here(ctypes.c_size_t(50))
    else:
        taken[(*path, "keep_bytes")] += 1
        kept.append(keep_bytes())


def go(left):
    take()
    for _ in range(random.randrange(4) if left else 0):
        way = random.choice(WAYS)
        before = len(path)
        path.append(way.__name__)
        if way in C_NAMES:
            path.append(C_NAMES[way])
        if way is not by_greenlet:
            path.append("go")
        way(left - 1)
        del path[before:]
        take()
    return 0


BACK = CALLBACK(go)
for number in range(20):
    for _ in range(TIMES):
        random.seed(number)
        path[:] = ["go"]
        go(7)
everything = bytearray(100_000_000)  # the peak is now
print(json.dumps([[list(way), times] for way, times in taken.items()]))
