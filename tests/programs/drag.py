"""Big blocks with a known life: each is made, touched for the first and the last time, and freed, at times of a plan.

Prints, for each function that made some, the byte-seconds of each phase of their lives, by the clock as it happened.
"""
import ctypes
import json
import sys
import time

MIB = 1 << 20
SPAN = float(sys.argv[1])
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


class Native:
    """A block that is not written to when it is made, as Python's own are."""

    def __init__(self, size):
        self.address = libc.malloc(size)
        self.bytes = memoryview((ctypes.c_ubyte * size).from_address(self.address)).cast("B")

    def free(self):
        libc.free(self.address)


class Array:
    def __init__(self, size):
        self.bytes = bytearray(size)

    def free(self):
        self.bytes = None


def lingers(size):
    return Array(size)


def busy(size):
    return Array(size)


def late(size):
    return Native(size)


def never(size):
    return Native(size)


def again(size):
    return Native(size)


class Life:
    """Times of the plan in spans: birth, first touch, last touch, end; None: it is not touched."""

    def __init__(self, make, size, *plan):
        self.make, self.size, self.plan = make, size, plan
        self.block = self.first = self.last = None

    def go_on(self, now):
        birth, first, last, end = self.plan
        if self.block is None and now >= birth:
            self.born = time.monotonic()
            self.block = self.make(self.size)
        if first is not None and first <= now <= last:
            if self.first is None:
                self.first = time.monotonic()
            for at in range(0, self.size, 4096):
                self.block.bytes[at] = 1
            self.last = time.monotonic()
        if now < end:
            return True
        self.note(time.monotonic())
        self.block.free()
        return False

    def note(self, end):
        phases = truth.setdefault(self.make.__name__, dict.fromkeys(["lag", "use", "drag", "void"], 0.0))
        if self.first is None:
            phases["void"] += self.size * (end - self.born)
            return
        first = self.born if self.plan[0] == self.plan[1] else self.first
        phases["lag"] += self.size * (first - self.born)
        phases["use"] += self.size * (self.last - first)
        phases["drag"] += self.size * (end - self.last)


truth = {}
lives = [Life(lingers, 6 * MIB, 0, 0, 1, 3), Life(busy, 3 * MIB, 0, 0, 3, 3), Life(late, 5 * MIB, 0, 2, 3, 3),
         Life(busy, 2 * MIB, 0, 0, 3, 3), Life(never, 8 * MIB, 0, None, None, 2), Life(again, 4 * MIB, 2.1, 3, 4, 4)]
start = time.monotonic()
while lives:
    lives = [life for life in lives if life.go_on((time.monotonic() - start) / SPAN)]
    time.sleep(0.002)
print(json.dumps(truth))
