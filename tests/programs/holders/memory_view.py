"""A memoryview keeps the buffer that it looks at."""
import sys

N = 8 << 20
EXPECT = {
    "dead_view": {
        "first": {"is": "local head in dead_view", "line": "dead", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["head in dead_view"],
        "released": ["released_view"],
    },
    "read_view": {
        "first": {"is": "local head in read_view", "line": "read", "verdict": "in use", "bytes": "N",
                  "type": "^bytearray$|^memoryview$"},
        "dead": [],
        "read": ["head in read_view"],
        "saves_nothing": True,
    },
    "released_view": {"none": [{"at_least": "N // 2"}], "dead": ["head in released_view"]},
}


def work():
    return bytearray(N)  # @peak


def view():
    return memoryview(bytearray(N))[:16]


def dead_view():
    head = view()
    first = head[0]
    work()  # @dead
    return first


def read_view():
    head = view()
    work()  # @read
    return head[0]


def released_view():
    head = view()
    first = head[0]
    head.release()
    work()
    return first


globals()[sys.argv[1]]()
