"""Prints `pair free` in nanoseconds: pairs.c's loops, called with the GIL held, 10 frames deep."""

import ctypes
import sys

pairs = ctypes.PyDLL(sys.argv[1])
for name in ("pairs_allocate", "pairs_free_only"):
    getattr(pairs, name).restype = ctypes.c_double
COUNT = int(sys.argv[2])


def at_depth(depth, function):
    if depth > 1:
        return at_depth(depth - 1, function)
    return function(ctypes.c_long(COUNT))


print("%.2f %.2f" % (at_depth(9, pairs.pairs_allocate), at_depth(9, pairs.pairs_free_only)))
