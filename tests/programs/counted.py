"""Fixed work for tests/e2e/test_instructions.py: `counted.py WORK N` does it N times, 10 frames deep.

The iterator of repeat() makes no numbers, so that nothing allocates but what is meant to.
"""
import os
import sys
from itertools import repeat

KEPT = []

# Blocks of an arena's lower part take the interpreter some instructions more to give back, up to where the address
# comes to the next MiB; on which side the first free one lies follows from the sizes of all that is mapped. The block
# before it is near: another arena may begin anywhere.
for _ in range(40_000):
    KEPT.append(bytes(100))
    before, last = id(KEPT[-2:][0]), id(KEPT[-1])
    if last >> 20 == (before >> 20) + 1 and last - before < 1 << 15:
        break


def pair(count):
    """An object that is given back at once."""
    for _ in repeat(None, count):
        bytes(100)


def keep(count):
    """An object that stays; the list that keeps it seldom grows."""
    KEPT.append([bytes(100) for _ in repeat(None, count)])


def large(count):
    """An object that pymalloc leaves to malloc, which the library sees twice."""
    for _ in repeat(None, count):
        bytes(1000)


def resize(count):
    """A block that grows and shrinks in turn."""
    block, more = bytearray(100), bytes(200)
    for _ in repeat(None, count // 2):
        block += more
        del block[100:]


def leaf():
    bytes(100)


def stack(count):
    """Two objects, from two stacks in turn."""
    for _ in repeat(None, count):
        leaf()
        bytes(100)


def beside(count):
    """Two objects, from two instructions of the same frame in turn."""
    for _ in repeat(None, count):
        bytes(100)
        bytes(100)


def nothing():
    pass


def call(count):
    """A call that allocates nothing."""
    for _ in repeat(None, count):
        nothing()


def at_depth(depth, work, count):
    if depth > 1:
        at_depth(depth - 1, work, count)
    else:
        work(count)


WORKS = {"pair": pair, "keep": keep, "large": large, "resize": resize, "stack": stack, "beside": beside,
         "call": call}
at_depth(8, WORKS[sys.argv[1]], int(sys.argv[2]))
os._exit(0)  # before what was kept is freed
