"""Takes memory through the library that native.cpp was compiled to (the first argument)."""
import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_size_t)


def from_c(size):
    inner(size)


def inner(size):
    library.chain(ctypes.c_size_t(size))


def work():
    library.chain(ctypes.c_size_t(5_000_000))
    library.tail_caller(ctypes.c_size_t(4_000_000))
    library.call_back(CALLBACK(from_c), ctypes.c_size_t(2_000_000))
    library.take_in_handler()
    assert library.count_thrown(1000) == 1000
    library.take_in_named_threads()
    library.take_in_threads(100)


work()
