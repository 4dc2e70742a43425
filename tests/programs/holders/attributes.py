"""Attributes: of a class, of an instance in a global or a local, of slots, of a module, and inherited ones."""
import sys
import types

N = 8 << 20
EXPECT = {
    "of_class": {
        "first": {"is": "class", "verdict": "not dead", "bytes": "N", "says": ["Registry", "rows"]},
        "dead": [],
        "saves_nothing": True,
    },
    "of_instance": {
        "first": {"is": "global service", "verdict": "not dead", "bytes": "N", "path": r"service\.rows"},
        "dead": [],
        "saves_nothing": True,
    },
    "of_local": {
        "first": {"is": "local job in of_local", "line": "local", "verdict": "in use", "bytes": "N",
                  "path": r"job\.rows in of_local\(\)"},
        "dead": [],
        "read": ["job in of_local"],
        "saves_nothing": True,
    },
    "of_self": {
        "first": {"is": "local self in run", "line": "self", "verdict": "in use", "bytes": "N",
                  "path": r"self\.rows in run\(\)"},
        "dead": [],
        "read": ["self in run"],
    },
    "of_dead_local": {
        "first": {"is": "local job in of_dead_local", "line": "dead", "verdict": "dead", "bytes": "N", "saves": "N",
                  "path": r"job\.rows in of_dead_local\(\)"},
        "dead": ["job in of_dead_local"],
        "released": ["of_nothing"],
    },
    "of_slots": {
        "first": {"is": "local row in of_slots", "line": "slots", "verdict": "in use", "bytes": "N",
                  "path": r"row\.cells in of_slots\(\)"},
        "dead": [],
        "read": ["row in of_slots"],
    },
    "of_many": {
        "first": {"is": "local wide in of_many", "verdict": "in use", "bytes": "N", "path": r"wide\.field_40"},
        "dead": [],
    },
    "of_module": {
        "first": {"is": "global", "verdict": "not dead", "bytes": "N", "says": ["settings", "table"]},
        "dead": [],
    },
    "of_nothing": {"none": [{"at_least": "N // 2"}], "dead": ["job in of_nothing"]},
}


class Registry:
    rows = None


class Job:
    def __init__(self, rows=None):
        self.rows = rows

    def run(self):
        work()  # @self
        return len(self.rows)


class Row:
    __slots__ = ("name", "cells", "after")


def work():
    return bytearray(N)  # @peak


def of_class():
    Registry.rows = bytearray(N)
    work()


def of_instance():
    global service
    service = Job(bytearray(N))
    work()


def of_local():
    job = Job(bytearray(N))
    work()  # @local
    return len(job.rows)


def of_self():
    Job(bytearray(N)).run()


def of_dead_local():
    job = Job(bytearray(N))
    size = len(job.rows)
    work()  # @dead
    return size


def of_nothing():
    job = Job(bytearray(N))
    size = len(job.rows)
    job.rows = None
    work()
    return size


def of_slots():
    row = Row()
    row.name, row.cells, row.after = "a", bytearray(N), None
    work()  # @slots
    return len(row.cells)


def of_many():
    wide = Job()
    for number in range(60):  # more than an instance keeps in its inline values
        setattr(wide, "field_%d" % number, number)
    wide.field_40 = bytearray(N)
    work()
    return wide


def of_module():
    sys.modules["settings"] = types.ModuleType("settings")
    sys.modules["settings"].table = bytearray(N)
    work()


globals()[sys.argv[1]]()
