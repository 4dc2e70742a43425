"""Thousands of threads, each with a frame and a local that it will read."""
import os
import sys
import threading

N = 16 << 20
COUNT = int(os.environ.get("MANY_THREADS", "2000"))  # 10,000 take a minute or more
EXPECT = {
    "crowd": {
        "some": [{"is": "local own in crowd", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"}],
        "dead": ["own in crowd"],
        "at_most": 200,
        "released": ["crowd_alone"],
    },
    "crowd_alone": {"dead": []},
}
leave = threading.Event()
started = threading.Semaphore(0)


def wait(number):
    small = bytearray(2000)
    started.release()
    leave.wait()
    return len(small) + number


def gather():
    threading.stack_size(256 << 10)
    threads = [threading.Thread(target=wait, args=(number,)) for number in range(COUNT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        started.acquire()
    return threads


def work():
    return bytearray(2 * N)  # @peak


def crowd():
    threads = gather()
    own = bytearray(N)
    size = len(own)
    work()  # @here
    leave.set()
    for thread in threads:
        thread.join()
    return size


def crowd_alone():
    threads = gather()
    size = len(bytearray(N))
    work()
    leave.set()
    for thread in threads:
        thread.join()
    return size


globals()[sys.argv[1]]()
