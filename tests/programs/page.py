"""What the page has a view for: a dead local, a cycle, threads, a child, and memory of two kinds.

The peak is in step(). Sizes are powers of two, so that sums can be told apart.
"""
import ctypes
import gc
import subprocess
import sys
import threading

CHILD = "held = bytearray(8 << 20); print(flush=True); input()"
KEPT = bytearray(1 << 20)  # a global


def load(size):
    return bytearray(size)


def make_cycle():
    node = {"payload": load(4 << 20)}
    node["self"] = node


def in_thread(ready, done):
    ctypes.CDLL(None).prctl(15, b"worker")  # PR_SET_NAME: the name that the kernel knows
    held = load(2 << 20)
    ready.set()
    done.wait()
    return len(held)


def peak():
    data = load(16 << 20)
    copied = bytes(data)  # data is never read again
    return step(copied)


def step(copied):
    return len(load(32 << 20)) + len(copied)


def main():
    gc.collect()
    gc.disable()
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    make_cycle()
    ready, done = threading.Event(), threading.Event()
    worker = threading.Thread(target=in_thread, args=(ready, done))
    worker.start()
    ready.wait()
    peak()
    done.set()
    worker.join()
    child.communicate(b"\n")


main()
