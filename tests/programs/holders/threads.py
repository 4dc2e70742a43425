"""Threads: a target's local, read later or not, the thread's arguments, and threading.local."""
import sys
import threading

N = 8 << 20
EXPECT = {
    "target_local": {
        "first": {"is": "local buffer in serve", "line": "serving", "verdict": "in use", "bytes": "N"},
        "dead": [],
        "read": ["buffer in serve"],
        "saves_nothing": True,
    },
    "dead_target_local": {
        "first": {"is": "local buffer in serve_dead", "line": "dead", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["buffer in serve_dead"],
        "released": ["released_target_local"],
    },
    "released_target_local": {"dead": []},
    "arguments": {
        "first": {"is": "local|thread|global|argument", "verdict": "not dead", "bytes": "N", "says": ["_args"]},
        "dead": [],
        "saves_nothing": True,
    },
    "thread_data": {
        "some": [{"is": "thread|global|local|native", "verdict": "not dead", "bytes": "N", "says": ["rows|MINE"]}],
        "dead": [],
        "saves_nothing": True,
    },
}
MINE = threading.local()
ready, leave = threading.Event(), threading.Event()


def work():
    return bytearray(N)  # @peak


def beside(target, *arguments):
    thread = threading.Thread(target=target, args=arguments)
    thread.start()
    del arguments
    ready.wait()
    work()
    leave.set()
    thread.join()


def serve():
    buffer = bytearray(N)
    ready.set()
    leave.wait()  # @serving
    return len(buffer)


def serve_dead():
    buffer = bytearray(N)
    size = len(buffer)
    ready.set()
    leave.wait()  # @dead
    return size


def serve_released():
    size = len(bytearray(N))
    ready.set()
    leave.wait()
    return size


def serve_argument(data):
    size = len(data)
    del data
    ready.set()
    leave.wait()
    return size


def serve_thread_data():
    MINE.rows = bytearray(N)
    ready.set()
    leave.wait()


def target_local():
    beside(serve)


def dead_target_local():
    beside(serve_dead)


def released_target_local():
    beside(serve_released)


def arguments():
    beside(serve_argument, bytearray(N))


def thread_data():
    beside(serve_thread_data)


globals()[sys.argv[1]]()
