"""Memory of ctypes, mappings, and references that no Python object accounts for."""
import ctypes
import mmap
import sys

N = 8 << 20
EXPECT = {
    "ctypes_buffer": {
        "first": {"is": "local buffer in ctypes_buffer", "verdict": "in use", "bytes": "N", "type": "c_char"},
        "dead": [],
        "read": ["buffer in ctypes_buffer"],
        "saves_nothing": True,
    },
    "dead_ctypes_buffer": {
        # That the memory dies with the object is not known of every C type.
        "first": {"is": "local buffer in dead_ctypes_buffer", "verdict": "dead|unknown", "bytes": "N"},
        "dead": ["buffer in dead_ctypes_buffer"],
    },
    "native_reference": {
        "first": {"is": "native", "verdict": "not dead", "bytes": "N", "says": ["1 reference"]},
        "dead": [],
        "saves_nothing": True,
        "text": ["native"],
    },
    # Neither a container leads to it, nor does the cycle collector know it.
    "forgotten_bytes": {
        "first": {"is": "native|none", "verdict": "not dead", "bytes": "N"},
        "dead": [],
        "saves_nothing": True,
    },
    "native_and_dead": {
        "some": [{"bytes": "N", "type": "^bytearray$", "saves": "0"}],
        "none": [{"at_least": "N // 2", "saves": "N"}],
        "dead": ["data in native_and_dead"],
        "saves_nothing": True,
    },
    "private_mapping": {
        "first": {"is": "local scratch in private_mapping", "verdict": "in use", "bytes": "N", "type": "mmap"},
        "dead": [],
        "saves_nothing": True,
    },
    "no_object": {
        "first": {"is": "none", "verdict": "not dead", "bytes": "N"},
        "dead": [],
        "saves_nothing": True,
    },
}


def work():
    return bytearray(N)  # @peak


def ctypes_buffer():
    buffer = ctypes.create_string_buffer(N)
    work()
    return len(buffer)


def dead_ctypes_buffer():
    buffer = ctypes.create_string_buffer(N)
    size = len(buffer)
    work()
    return size


def native_reference():
    ctypes.pythonapi.Py_IncRef(ctypes.py_object([bytearray(N)]))
    work()


def forgotten_bytes():
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(bytearray(N)))
    work()


def native_and_dead():
    data = bytearray(N)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(data))
    work()


def private_mapping():
    scratch = mmap.mmap(-1, N, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    work()
    return len(scratch)


def no_object():
    ctypes.CDLL(None).malloc(ctypes.c_size_t(N))
    work()


globals()[sys.argv[1]]()
