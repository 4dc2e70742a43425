"""A heap of many objects that goes on growing: what snapshots of its references cost.

usage: heap.py OBJECTS SECONDS. Prints the seconds of work that it did, which a pause does not lengthen.
"""

import sys
import time


class Row:
    def __init__(self, number):
        self.number = number
        self.tags = [number, str(number)]


def build(objects):
    """About `objects` objects: an instance, its list and its text for each row."""
    return [Row(number) for number in range(300, 300 + objects // 4)]


def grow(seconds):
    kept, rounds = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kept.append(bytearray(256 << 10))
        for _ in range(200):
            rounds += len([number for number in range(100)])
    return kept, rounds


def main():
    rows = build(int(sys.argv[1]))
    kept, rounds = grow(float(sys.argv[2]))
    print(len(rows), len(kept), rounds)


main()
