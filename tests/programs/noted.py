"""Allocates and frees for ever and notes each step on a page that outlives it.

    noted.py HELPERS PAGE-FILE cdll|pydll SEED [STEPS]

The page: see struct notes in helpers.c; at 1024 stands the process id.
"""
import ctypes
import mmap
import os
import struct
import sys

load = ctypes.PyDLL if sys.argv[3] == "pydll" else ctypes.CDLL
helpers = load(sys.argv[1])
libc = ctypes.CDLL(None)
helpers.noted_steps.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64]
with open(sys.argv[2], "r+b") as file:
    page = mmap.mmap(file.fileno(), 4096)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
seed, steps = int(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else 0


def base():
    """More than the interpreter's start takes, so that the peak is among the noted steps."""
    libc.malloc(64 << 20)


def note():
    helpers.noted_steps(address, seed, steps)


base()
struct.pack_into("q", page, 1024, os.getpid())
note()
