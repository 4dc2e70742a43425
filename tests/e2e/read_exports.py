"""Reads what `holdfast report` writes for other tools, by the published formats alone.

Each reader returns what the stacks in it hold: {(frame, ...): bytes}, the outermost frame first, where a
frame is (function, file, line).
"""
import csv
import gzip
import io
import re
from collections import Counter


def of_report(sites):
    """The same of the JSON report's sites."""
    held = Counter()
    for site in sites:
        held[tuple((frame["function"], frame["file"], frame["line"]) for frame in site["stack"])] += \
            site["bytes"]
    return held


# collapsed, and the stack column of csv

ESCAPE = re.compile(r"\\(?:([ntr])|x(..)|u(....)|U(........))")


def plain(text):
    """Without the escapes."""
    return ESCAPE.sub(lambda match: {"n": "\n", "t": "\t", "r": "\r"}[match[1]] if match[1]
                      else chr(int(match[2] or match[3] or match[4], 16)), text)


def joined(stack):
    """The frames of "main (a.py:3);load (a.py:5)"."""
    return [frame(text) for text in stack.split(";")]


def frame(text):
    match = re.fullmatch(r"(.*) \((.*):(\d+)\)", text)
    return (plain(match[1]), plain(match[2]), int(match[3])) if match else (plain(text), "", 0)


def collapsed(text):
    held = Counter()
    for line in text.split("\n")[:-1]:
        stack, size = line.rsplit(" ", 1)
        held[tuple(joined(stack))] += int(size)
    return held


def rows(data):
    """The table, by Python's own reader: a list of dicts."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


# speedscope

def speedscope(frames, profile):
    held, open_frames, before = Counter(), [], profile["startValue"]
    for event in profile["events"]:
        if event["at"] > before:
            held[tuple(open_frames)] += event["at"] - before
        before = event["at"]
        frame = frames[event["frame"]]
        frame = (frame["name"], frame.get("file", ""), frame.get("line", 0))
        if event["type"] == "O":
            open_frames.append(frame)
        else:
            assert open_frames.pop() == frame
    assert not open_frames and before == profile["endValue"]
    return held


# pprof: a protocol buffer, by its encoding's rules and the field numbers of profile.proto

def fields(data):
    """(number, value) of each field of a message: an int, or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        else:
            assert tag & 7 == 2, "only varints and what has a length"
            size = varint()
            yield tag >> 3, data[at:at + size]
            at += size


def numbers(value):
    """A packed list."""
    return [number for _, number in fields(b"".join(b"\x08" + one for one in varints(value)))]


def varints(data):
    begin = 0
    for at, byte in enumerate(data):
        if byte < 128:
            yield data[begin:at + 1]
            begin = at + 1


class Pprof:
    def __init__(self, data):
        parts = {}
        for number, value in fields(gzip.decompress(data)):
            parts.setdefault(number, []).append(value)
        self.strings = [text.decode() for text in parts[6]]
        self.types = [tuple(self.strings[dict(fields(one)).get(key, 0)] for key in (1, 2)) for one in parts[1]]
        functions = {one[1]: one for one in (dict(fields(value)) for value in parts.get(5, []))}
        self.locations = {}
        for value in parts.get(4, []):
            location = dict(fields(value))
            line = dict(fields(location[4]))
            function = functions[line[1]]
            self.locations[location[1]] = (self.strings[function.get(2, 0)], self.strings[function.get(4, 0)],
                                           line.get(2, 0))
        self.samples = [self.sample(value) for value in parts.get(2, [])]

    def sample(self, data):
        stack, values, labels = (), (), {}
        for number, value in fields(data):
            if number == 1:
                stack = tuple(self.locations[one] for one in reversed(numbers(value)))
            elif number == 2:
                values = numbers(value)
            elif number == 3:
                label = dict(fields(value))
                labels[self.strings[label[1]]] = self.strings[label[2]]
        return stack, values, labels

    def held(self):
        held = Counter()
        for stack, (_, size), _ in self.samples:
            held[stack] += size
        return held

    def by_label(self, key):
        held = Counter()
        for _, (_, size), labels in self.samples:
            held[labels.get(key)] += size
        return held


# massif

class Massif:
    """Snapshots as (time, bytes), and the tree at the peak as (bytes, label, children)."""

    def __init__(self, text):
        lines = text.split("\n")
        assert [line.split(":")[0] for line in lines[:3]] == ["desc", "cmd", "time_unit"] and lines[-1] == ""
        self.snapshots, self.peak, self.tree = [], None, None
        lines = iter(lines[3:-1])
        for line in lines:
            assert line == "#-----------"
            assert next(lines) == f"snapshot={len(self.snapshots)}"
            assert next(lines) == "#-----------"
            values = dict(next(lines).split("=") for _ in range(5))
            self.snapshots.append((int(values["time"]), int(values["mem_heap_B"])))
            if values["heap_tree"] == "peak":
                assert self.peak is None
                self.peak = self.snapshots[-1]
                self.tree = self.node(lines, 0)
            else:
                assert values["heap_tree"] == "empty"

    def node(self, lines, depth):
        match = re.fullmatch(r"( *)n(\d+): (\d+) (.+)", next(lines))
        assert len(match[1]) == depth
        children = [self.node(lines, depth + 1) for _ in range(int(match[2]))]
        assert not children or sum(child[0] for child in children) == int(match[3])
        return int(match[3]), match[4], children
