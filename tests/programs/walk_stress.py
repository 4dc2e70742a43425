"""Walks the heap at random moments: inside comparisons, finalizers, generators, exceptions that are being
handled, while containers are being filled and objects torn down. Each fifth walk is shallow.

walk_stress.py WALK_OBJECT READER_FOLDER SCRATCH_FILE SEED WALKS
"""
import ctypes
import functools
import gc
import os
import random
import sys
import threading
import weakref

library = ctypes.PyDLL(sys.argv[1])
library.walk_to_file.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint64]
choice, wanted = random.Random(int(sys.argv[4])), int(sys.argv[5])
walks, keep = 0, []


def walk(*_):
    global walks
    if walks < wanted:
        walks += 1
        if library.walk_to_file(sys.argv[3].encode(), None, 0, walks % 5 == 0, 0):
            print("cut short", flush=True)
            os._exit(1)
    return 0


class Finalized:
    def __del__(self):
        walk()


class Key:
    def __eq__(self, other):
        walk()
        return self is other

    def __hash__(self):
        return choice.randrange(3)

    def __lt__(self, other):
        if choice.random() < .05:
            walk()
        return id(self) < id(other)


def generator(argument):
    local = [argument]
    while True:
        yield (argument, walk() if choice.random() < .2 else local)


def raising(argument):
    local = {1: argument}
    try:
        raise ValueError(argument)
    except ValueError as error:
        walk()
        raise KeyError(local) from error


def handled():
    try:
        raising([1])
    except KeyError as error:
        walk()
        return error


def suspended():
    made = generator(keep[-3:])
    next(made), next(made)
    return made


def set_that_shrinks():
    made = {Key() for _ in range(5)}
    made.pop()
    return made


def cycle():
    made = Finalized()
    made.itself, made.weak = made, weakref.ref(made, walk)
    del made
    if choice.random() < .5:
        gc.collect(0)


def nested_function():
    names = {"walk": walk}
    exec("def f(a, *b, **c):\n  def h(): return a, b, c\n  return h\nmade = f(1, 2, z=walk())", names)
    return names["made"]


STEPS = [
    lambda: Finalized() and None, lambda: {Key(): Key() for _ in range(4)},
    lambda: sorted([Key() for _ in range(10)]), suspended, handled, lambda: list(map(walk, range(3))),
    lambda: type("Made%d" % walks, (Finalized,), {"x": [1], "__slots__": ("a",)}),
    lambda: functools.reduce(lambda a, b: (a, b, walk()), range(3)), set_that_shrinks, cycle, nested_function,
    lambda: "".join(str(walk()) for _ in range(3)), lambda: [i + len(str(walk())) for i in range(2)],
    lambda: tuple(walk() for _ in range(2)) + (b"x" * choice.randrange(600),),
]


def meanwhile():
    while walks < wanted:
        sum(range(1000)), [object() for _ in range(50)]


for _ in range(2):
    threading.Thread(target=meanwhile, daemon=True).start()
while walks < wanted:
    keep.append(choice.choice(STEPS)())
    if len(keep) > 60:
        del keep[choice.randrange(60)]
print(walks, "walks", flush=True)
os._exit(0)
