"""Deep stacks that end alike and begin on different lines, with no allocation but at their bottom.

    deep_lines.py

Each call is the only one on its line, and holds SIZE bytes a time: see tests/e2e/test_lines.py.
"""
import ctypes

library = ctypes.PyDLL(None)
malloc = library.malloc
malloc.restype = malloc.argtypes = None
SIZE = 3001
DEPTH = 90


def hold():
    malloc(SIZE)


def down(depth):
    if depth:
        down(depth - 1)
    else:
        hold()


def fall(depth):
    if depth:
        fall(depth - 1)
    else:
        hold()
        raise error


class Looked:
    @property
    def below(self):
        down(40)

    def __getitem__(self, depth):
        down(depth)


def generate(depth):
    while True:
        down(depth)
        yield


error = KeyError()
looked = Looked()


def many_lines():
    endless = generate(60)
    for _ in range(30):
        down(DEPTH)
        down(DEPTH)
        try:
            fall(DEPTH)
        except KeyError:
            pass
        try:
            fall(DEPTH)
        except KeyError:
            down(DEPTH)
        looked.below
        looked.below
        looked[DEPTH]
        looked[DEPTH]
        next(endless)
        next(endless)
        list(map(down, (DEPTH,)))
        down(DEPTH), down(DEPTH)


many_lines()
