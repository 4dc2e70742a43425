"""Holders whose memory lies untouched for a while before the peak, and one whose memory does not."""
import sys
import time

MIB = 1 << 20
SPAN = float(sys.argv[1])
CACHE = {"table": bytearray(24 * MIB)}
HOT = {"table": bytearray(20 * MIB)}


def use(block, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for at in range(0, len(block), 4096):
            block[at] = 1
        time.sleep(0.002)


def load():
    data = bytearray(16 * MIB)  # never read again, and not touched either
    return work(len(data))


def work(size):
    use(HOT["table"], SPAN)
    peak = bytearray(40 * MIB)
    return len(peak) + size


print(load())
print(len(CACHE["table"]) + len(HOT["table"]))
