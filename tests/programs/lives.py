"""Blocks whose ends are known to the unit, by line: `lives.py LIBRARY`, made of lives.c. Prints what became of them."""
import ctypes
import gc
import json
import sys
import time

import holdfast

SHORT, HANDED, CYCLES, KEPT, OLD, LEAKED, GROWN = 3000, 700, 400, 123, 50, 77, 200
AGES = ctypes.c_uint * 32
with_gil, without_gil = ctypes.PyDLL(sys.argv[1]), ctypes.CDLL(sys.argv[1])
ages_with, ages_without = AGES(), AGES()
kept = []


class Node:
    def __del__(self):
        pass


def short():
    for _ in range(SHORT):
        bytes(5000)


def handed():
    blocks = []
    for _ in range(HANDED):
        data = bytes(5001)
        blocks.append(data)
    del data
    release(blocks)


def release(blocks):
    blocks.clear()


def cyclic():
    for _ in range(CYCLES):
        node = Node()
        node.itself = node
        data = bytes(5002)
        node.data = data
    del node, data
    collect()


def collect():
    gc.collect()


def keep():
    for _ in range(KEPT):
        data = bytes(5003)
        kept.append(data)


def look():
    """The collector has seen all that came before, and taken the time."""
    with holdfast.region("look") as region:
        pass
    region.figures()


def old():
    blocks = []
    for _ in range(OLD):
        data = bytes(5004)
        blocks.append(data)
    look()
    time.sleep(0.3)
    look()
    del data
    blocks.clear()


def native():
    with_gil.churn(10000, 37, ages_with)


def native_without():
    without_gil.churn(5000, 1000, ages_without)


def grow():
    with_gil.grow(GROWN)


def leak():
    with_gil.leak(LEAKED)


gc.disable()
for function in (short, handed, cyclic, keep, old, native, native_without, grow, leak):
    function()
gc.enable()
json.dump({"size": sys.getsizeof(bytes(5000)), "short": SHORT, "handed": HANDED, "cyclic": CYCLES, "keep": KEPT, "old": OLD, "leak": LEAKED, "grow": GROWN,
           "native": list(ages_with), "native_without": list(ages_without)}, sys.stdout)
