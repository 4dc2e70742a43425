"""Every way to take memory that the tests know. Each function leaves a known number of bytes behind, as
its comments say (see "Expectations" in tests/e2e/harness.py), and the last one makes that the peak:
it takes more than all that was ever given back.

    exact.py HELPERS cdll|pydll [numpy]
"""
import ctypes
import mmap
import os
import sys
import tempfile
import threading

MB = 1 << 20
READ_WRITE, NONE = 3, 0
PRIVATE, SHARED, FIXED, ANONYMOUS, NORESERVE = 2, 1, 16, 32, 0x4000
MAYMOVE, REMAP_FIXED = 1, 2
DONTNEED = 4

load = ctypes.PyDLL if sys.argv[2] == "pydll" else ctypes.CDLL
libc = load(None, use_errno=True)
helpers = load(sys.argv[1])


def declare():
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for name, result, *arguments in [
            ("malloc", pointer, size), ("calloc", pointer, size, size), ("free", None, pointer),
            ("realloc", pointer, pointer, size), ("reallocarray", pointer, pointer, size, size),
            ("posix_memalign", number, pointer, size, size), ("aligned_alloc", pointer, size, size),
            ("memalign", pointer, size, size), ("valloc", pointer, size), ("pvalloc", pointer, size),
            ("strdup", pointer, ctypes.c_char_p), ("strndup", pointer, ctypes.c_char_p, size),
            ("mmap", pointer, pointer, size, number, number, number, ctypes.c_long),
            ("mmap64", pointer, pointer, size, number, number, number, ctypes.c_long),
            ("munmap", number, pointer, size), ("madvise", number, pointer, size, number),
            ("mprotect", number, pointer, size, number), ("sbrk", pointer, ctypes.c_ssize_t),
            ("mremap", pointer, pointer, size, size, number, pointer),
            ("memfd_create", number, ctypes.c_char_p, number)]:
        function = getattr(libc, name)
        function.restype, function.argtypes = result, arguments
    helpers.threads_hold.argtypes = [ctypes.c_char_p, number, number, size, number]
    helpers.break_moved.argtypes = [size, size]
    helpers.hole_refused.argtypes = [pointer, size]
    helpers.errno_kept.restype = ctypes.c_long
    helpers.libc_callers.restype = None


HUGE = 1 << 62
pointer_cell = ctypes.c_void_p()
pointer_cell_address = ctypes.addressof(pointer_cell)
ANON = PRIVATE | ANONYMOUS


# The malloc family

def use_malloc():
    libc.malloc(1000003)  # holds: 1000003 in 1
    libc.malloc(24)  # holds: 24 in 1
    libc.malloc(0)  # holds: 0
    assert libc.malloc(HUGE) is None  # holds: 0 in 0


def use_calloc():
    libc.calloc(1000, 1003)  # holds: 1003000 in 1
    assert libc.calloc(HUGE, 8) is None  # holds: 0 in 0


def use_free():
    block = libc.malloc(50021)  # holds: 0 in 0
    libc.free(block)
    libc.free(None)


def use_realloc():
    libc.realloc(None, 3001)  # holds: 3001 in 1
    block = libc.malloc(3002)  # holds: 0 in 0
    libc.realloc(block, 0)  # holds: 0 in 0
    block = libc.malloc(1000)  # holds: 0 in 0
    libc.realloc(block, 5000003)  # holds: 5000003 in 1
    block = libc.malloc(4000)  # holds: 0 in 0
    libc.realloc(block, 500)  # holds: 500 in 1
    block = libc.malloc(3000000)  # holds: 0 in 0
    libc.realloc(block, 9000000)  # holds: 9000000 in 1
    block = libc.malloc(70001)  # holds: 70001 in 1
    assert libc.realloc(block, HUGE) is None  # holds: 0 in 0


def use_reallocarray():
    libc.reallocarray(None, 100, 777)  # holds: 77700 in 1
    block = libc.malloc(2000)  # holds: 0 in 0
    libc.reallocarray(block, 300, 11)  # holds: 3300 in 1
    block = libc.malloc(2001)  # holds: 2001 in 1
    assert libc.reallocarray(block, HUGE, 8) is None  # holds: 0 in 0


def use_aligned():
    libc.posix_memalign(pointer_cell_address, 64, 5003)  # holds: 5003 in 1
    assert libc.posix_memalign(pointer_cell_address, 3, 5003) != 0  # holds: 0 in 0
    libc.aligned_alloc(64, 6400)  # holds: 6400 in 1
    libc.memalign(128, 7001)  # holds: 7001 in 1
    libc.valloc(8001)  # holds: 8001 in 1
    libc.pvalloc(12001)  # holds: 12288 in 1


def use_strdup():
    libc.strdup(b"x" * 9999)  # holds: 10000 in 1
    libc.strndup(b"x" * 9999, 5000)  # holds: 5001 in 1
    helpers.libc_callers()  # holds: 10 + 6 + 1000 in 3


def use_other_thread_frees():
    block = libc.malloc(123457)  # holds: 0 in 0
    thread = threading.Thread(target=libc.free, args=(block,))
    thread.start()
    thread.join()


def in_thread():
    libc.malloc(43210)  # holds: 43210 in 1


def use_thread():
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()


# Mappings

def use_mmap():
    libc.mmap(None, 10 * MB, READ_WRITE, ANON, -1, 0)  # holds: 10 * MB in 1
    libc.mmap64(None, 3 * MB, READ_WRITE, ANON, -1, 0)  # holds: 3 * MB in 1
    libc.mmap(None, 2 * MB + 1, READ_WRITE, ANON, -1, 0)  # holds: 2 * MB + 4096 in 1
    libc.mmap(None, 0, READ_WRITE, ANON, -1, 0)  # holds: 0 in 0


def use_munmap():
    start = libc.mmap(None, 10 * MB, READ_WRITE, ANON, -1, 0)  # holds: 8 * MB
    libc.munmap(start + 4 * MB, 2 * MB)


def use_munmap_that_spans():
    start = libc.mmap(None, 10 * MB, READ_WRITE, ANON, -1, 0)  # holds: 3 * MB
    libc.mmap(start + 5 * MB, 5 * MB, READ_WRITE, ANON | FIXED, -1, 0)  # holds: 4 * MB
    libc.munmap(start + 3 * MB, 3 * MB)


def use_munmap_that_is_refused():
    start = libc.mmap(None, 10 * MB, READ_WRITE, ANON, -1, 0)  # holds: 10 * MB
    assert libc.munmap(start + 1, 2 * MB) == -1
    assert libc.munmap(start + 4 * MB, 0) == -1
    assert libc.munmap(start + 4 * MB, 1 << 60) == -1
    with open("/proc/sys/vm/max_map_count") as limit:
        assert helpers.hole_refused(start + 4 * MB, 2 * MB) or int(limit.read()) > 2 * MB


def use_fixed_over_reservation():
    start = libc.mmap(None, 400 * MB, NONE, ANON, -1, 0)  # holds: 0
    for _ in range(10):
        libc.mmap(start, 100 * MB, READ_WRITE, ANON | FIXED, -1, 0)  # holds: 100 * MB


def use_fixed_over_mapping():
    start = libc.mmap(None, 40 * MB, READ_WRITE, ANON, -1, 0)  # holds: 30 * MB
    libc.mmap(start + 10 * MB, 10 * MB, READ_WRITE, ANON | FIXED, -1, 0)  # holds: 10 * MB


def use_mremap_to_grow():  # holds: 300 * MB
    start = libc.mmap(None, 10 * MB, READ_WRITE, ANON, -1, 0)
    libc.mremap(start, 10 * MB, 300 * MB, MAYMOVE, None)


def use_mremap_to_shrink():  # holds: 10 * MB
    start = libc.mmap(None, 300 * MB, READ_WRITE, ANON, -1, 0)
    libc.mremap(start, 300 * MB, 10 * MB, 0, None)


def use_mremap_over_another():  # holds: 20 * MB
    first = libc.mmap(None, 10 * MB, READ_WRITE, ANON, -1, 0)
    second = libc.mmap(None, 20 * MB, READ_WRITE, ANON, -1, 0)
    libc.mremap(first, 10 * MB, 10 * MB, MAYMOVE | REMAP_FIXED, second)


def use_mremap_that_fails():  # holds: 4 * MB
    start = libc.mmap(None, 4 * MB, READ_WRITE, ANON, -1, 0)
    libc.mremap(start, 4 * MB, 1 << 60, MAYMOVE, None)


def use_reservation():
    libc.mmap(None, 1 << 40, NONE, ANON | NORESERVE, -1, 0)  # holds: 0


def use_mprotect():  # holds: 12 * MB
    start = libc.mmap(None, 64 * MB, NONE, ANON, -1, 0)
    libc.mprotect(start + 8 * MB, 16 * MB, READ_WRITE)
    libc.mprotect(start + 10 * MB, 4 * MB, NONE)


def use_files(path):
    with open(path, "r+b") as file:
        file.truncate(500 * MB)
        number = file.fileno()
        libc.mmap(None, 500 * MB, READ_WRITE, SHARED, number, 0)  # holds: 0
        libc.mmap(None, 500 * MB, READ_WRITE, PRIVATE, number, 0)  # holds: 0
        libc.mmap(None, 5 * MB, READ_WRITE, SHARED | ANONYMOUS, -1, 0)  # holds: 0


def use_memfd():
    number = libc.memfd_create(b"test", 0)
    os.ftruncate(number, 20 * MB)
    libc.mmap(None, 20 * MB, READ_WRITE, SHARED, number, 0)  # holds: 0


def use_madvise():
    start = libc.mmap(None, 200 * MB, READ_WRITE, ANON, -1, 0)  # holds: 0
    libc.madvise(start, 200 * MB, DONTNEED)
    libc.mmap(None, 200 * MB, READ_WRITE, ANON, -1, 0)  # holds: 200 * MB


def use_mmap_module():
    return mmap.mmap(-1, 6 * MB, flags=mmap.MAP_PRIVATE)  # holds: 6 * MB


def use_break():
    helpers.break_moved(64 * MB, 16 * MB)  # holds: 48 * MB


# Python's own

def use_bytes():
    return bytes(1000003)  # python: 1000003 + bytes_header in 1


def use_bytearray():
    return bytearray(2000003)  # python: {2000004, 2000004 + bytearray_header}


def use_str():
    return "x" * 3000003  # python: 3000003 + 1 + ascii_header in 1


def use_list():
    return [None] * 100003  # python: {800024 + array_header, 800024 + array_header + list_header}


def use_small_objects():
    for at in range(100000):
        small[at] = bytes(67)  # python: 100000 * (67 + bytes_header) in 100000


KEYS = tuple(range(50000))
small = [None] * 100000


def use_growing_list():
    grown = []
    for _ in range(200000):
        grown.append(None)  # python: grown_bytes + array_header in 1
    return grown


def use_numpy():
    import numpy
    first = numpy.zeros(1000003)  # holds: with_numpy * 8000024
    second = numpy.empty(2000003, dtype=numpy.uint8)  # holds: with_numpy * 2000003
    return first, second


def summit():
    return libc.malloc(1024 * MB)  # holds: 1024 * MB in 1


def main():
    declare()
    assert helpers.errno_kept() == 77
    kept = []
    with tempfile.NamedTemporaryFile() as file:
        use_files(file.name)
        for name, function in list(globals().items()):
            if name.startswith("use_") and name not in ("use_files", "use_numpy"):
                kept.append(function())
        if "numpy" in sys.argv:
            kept.append(use_numpy())
        summit()
    return kept


everything = main()
