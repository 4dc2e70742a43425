"""Locals that are never read again, of use all the same."""
import ctypes
import sys
import threading

N = 8 << 20
EXPECT = {
    "read_by_helper": {
        "first": {"is": "local data in read_by_helper", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [],
        "saves_nothing": True,
    },
    "read_by_thread": {
        "first": {"is": "local data in holds_for_thread", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [],
        "saves_nothing": True,
    },
    "guard": {
        "first": {"is": "local guard in guard", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [],
        "saves_nothing": True,
    },
    "known_by_address": {
        "first": {"is": "local data in known_by_address", "verdict": "unknown", "bytes": "N"},
        "dead": [],
    },
    "structures": {
        "first": {"is": "local points in structures", "verdict": "unknown"},
        "dead": [],
    },
}


class Guard:
    def __init__(self):
        self.rows = bytearray(N)

    def __del__(self):
        len(self.rows)


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]


def work():
    return bytearray(N)  # @peak


def variable(name):
    return sys._getframe(1).f_locals[name]


def read_by_helper():
    data = bytearray(N)
    work()
    return len(variable("data"))


def read_by_thread():
    caller, ready = threading.get_ident(), threading.Event()

    def look():
        ready.wait()
        frame = sys._current_frames()[caller]
        while "data" not in frame.f_locals:
            frame = frame.f_back
        len(frame.f_locals["data"])

    thread = threading.Thread(target=look)
    thread.start()
    holds_for_thread(ready, thread)


def holds_for_thread(ready, thread):
    data = bytearray(N)
    work()
    ready.set()
    thread.join()


def guard():
    guard = Guard()
    work()


def address_of(data):
    return ctypes.addressof(data)


def known_by_address():
    data = ctypes.create_string_buffer(N)
    address = address_of(data)
    work()
    return ctypes.string_at(address, 1)


def structures():
    points = [Point() for _ in range(20000)]
    addresses = [address_of(point) for point in points]
    work()
    return Point.from_address(addresses[-1]).x


globals()[sys.argv[1]]()
