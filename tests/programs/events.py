"""One of each thing that an event stream can tell."""
import ctypes
import json
import mmap
import os
import subprocess
import sys

libc = ctypes.CDLL(None)
libc.realloc.restype = libc.malloc.restype = ctypes.c_void_p
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def churn():
    rows = [{"number": i, "words": [str(j) for j in range(10)], "half": i / 2} for i in range(1000)]
    for _ in range(5):
        assert json.loads(json.dumps(rows)) == rows


def blocks():
    first = libc.malloc(100000)
    first = libc.realloc(first, 100)
    wall = libc.malloc(5000)
    first = libc.realloc(first, 3000000)
    first = libc.realloc(first, 30000000)
    libc.free(first)
    libc.free(wall)


def pages():
    area = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.resize(3 << 20)
    area.close()


def family():
    subprocess.run([sys.executable, "-c", "x = [bytes(9000) for _ in range(900)]"], check=True)
    for leave in (lambda: os._exit(1), os.abort):
        if os.fork() == 0:
            churn()
            leave()
        os.wait()
    try:
        os.execv("/nonexistent", ["nonexistent"])
    except FileNotFoundError:
        pass


kept = bytearray(20000000)
churn()
blocks()
pages()
family()
churn()
