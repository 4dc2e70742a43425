"""The walk of walk.py, by the interpreter's own counts: in f, in g, in f again; with nobody watching."""
import sys


def count(thing):
    return sys.getrefcount(thing)


def added():
    """By such a call, to an object that one variable refers to."""
    probe = object()
    return count(probe) - 1


ALONE = added()


def g(o):
    print(count(o) - ALONE)


def f():
    obj = {"a": 1}
    print(count(obj) - ALONE)
    g(obj)
    print(count(obj) - ALONE)


f()
