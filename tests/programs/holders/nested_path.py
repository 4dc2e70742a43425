"""Deep inside containers: the path is written as a Python user would write it."""
import collections
import sys

N = 8 << 20
EXPECT = {
    "build": {
        "first": {"is": "local rows in build", "line": "here", "verdict": "in use", "bytes": "N",
                  "path": r"""^rows\[3\]\[["']tags["']\] in build\(\) \(.*nested_path\.py:\d+\)"""},
        "dead": [],
        "read": ["rows in build"],
    },
    "cached": {
        "first": {"is": "global CACHE", "verdict": "not dead", "bytes": "N",
                  "path": r"""CACHE\[["']users["']\]\[3\]\.rows"""},
        "dead": [],
    },
    "keyed": {
        "first": {"is": "local table in keyed", "verdict": "in use", "bytes": "N",
                  "path": r"""table\[\(2, ["']b["']\)\]\[1\]|table\[.*\]\[1\]"""},
        "dead": [],
    },
    "as_key": {
        "first": {"is": "local index in as_key", "verdict": "in use", "bytes": "N", "type": "^bytes$"},
        "dead": [],
    },
    "named_fields": {
        "first": {"is": "local point in named_fields", "verdict": "in use", "bytes": "N",
                  "path": r"point(\.data|\[1\])"},
        "dead": [],
    },
    "grouped": {
        "first": {"is": "local groups in grouped", "verdict": "in use", "bytes": "N",
                  "path": r"""groups\[["']big["']\]\[0\]"""},
        "dead": [],
    },
}
CACHE = {}
Point = collections.namedtuple("Point", "name data")


class User:
    def __init__(self, rows):
        self.rows = rows


def work():
    return bytearray(N)  # @peak


def build():
    rows = [{"name": number} for number in range(5)]
    rows[3]["tags"] = bytearray(N)
    work()  # @here
    return rows


def cached():
    CACHE["users"] = [User(None), User(None), User(None), User(bytearray(N))]
    work()


def keyed():
    table = {(1, "a"): (1, None), (2, "b"): (2, bytearray(N))}
    work()
    return table


def as_key():
    index = {bytes(N): 1}
    work()
    return index


def named_fields():
    point = Point("here", bytearray(N))
    work()
    return point


def grouped():
    groups = collections.defaultdict(list)
    groups["big"].append(bytearray(N))
    work()
    return groups


globals()[sys.argv[1]]()
