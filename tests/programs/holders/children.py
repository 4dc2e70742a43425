"""Children have holders of their own, and none of what they inherited."""
import multiprocessing
import os
import sys

N = 8 << 20
inherited = bytearray(1 << 20)
EXPECT = {
    "forked": {
        "process": "biggest",
        "first": {"is": "local mine in child", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"},
        "none": [{"is": "global inherited", "at_least": "1 << 19"}],
        "dead": ["mine in child"],
    },
    "worker": {
        "process": "biggest",
        "first": {"is": "local mine in child", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["mine in child"],
    },
    "spawned": {
        "process": "biggest",
        "untraced": True,
        "first": {"is": "local mine in child", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["mine in child"],
    },
}


def work():
    return bytearray(2 * N)  # @peak


def child():
    mine = bytearray(N)
    size = len(mine)
    work()  # @here
    return size


def forked():
    pid = os.fork()
    if pid == 0:
        child()
        os._exit(0)
    os.waitpid(pid, 0)


def by(method):
    process = multiprocessing.get_context(method).Process(target=child)
    process.start()
    process.join()


def worker():
    by("fork")


def spawned():
    by("spawn")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
