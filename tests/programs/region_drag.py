"""Regions in which big blocks lie untouched for times of a plan; prints the byte-seconds of each, by the clock as it happened.

Of a region's own blocks what counts is up to its end: the table goes on lying there in the second one, and before that.
"""
import ctypes
import json
import sys
import time

import holdfast

MIB = 1 << 20
SPAN = float(sys.argv[1])
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
truth = {}


def note(name, phase, size, begin):
    phases = truth.setdefault(name, dict.fromkeys(["lag", "use", "drag", "void"], 0.0))
    phases[phase] += size * (time.monotonic() - begin)


def wait(block, spans):
    """Touches the block all the while, if there is one."""
    end = time.monotonic() + spans * SPAN
    while time.monotonic() < end:
        for at in range(0, len(block), 4096):
            block[at] = 1
        time.sleep(0.002)


def load():
    return bytearray(12 * MIB)


def reserve():
    return libc.malloc(8 * MIB)


def work(figures):
    with holdfast.region("outer"):
        with holdfast.region("first") as first:
            table, hot = load(), bytearray(2 * MIB)
            made = time.monotonic()
            wait(hot, 3)
            note("first", "drag", 12 * MIB, made)
            note("first", "use", 2 * MIB, made)
        for _ in range(2):
            with holdfast.region("second") as second:
                block = reserve()
                begin = time.monotonic()
                wait(hot, 1.5)
                note("second", "void", 8 * MIB, begin)
                note("outer", "void", 8 * MIB, begin)
                libc.free(block)
        note("outer", "drag", 12 * MIB, made)
        note("outer", "use", 2 * MIB, made)
    wait(hot, 1)
    figures.update({"first": first.figures().drag, "second": second.figures().drag})
    return table


told = {}
work(told)
print(json.dumps({"truth": truth, "told": told}))
