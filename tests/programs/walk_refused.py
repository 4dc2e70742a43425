"""Asks the heap walker for the graph of an interpreter that it does not know."""
import ctypes
import os
import sys

library = ctypes.PyDLL(sys.argv[1])
library.walk_to_file.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint64]
result = library.walk_to_file(sys.argv[3].encode(), None, 0, 0, 0)
print(f"{'refused' if result == 1 else result}, {os.path.getsize(sys.argv[3])} bytes")
