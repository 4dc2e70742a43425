"""Many small objects are one line, not a list."""
import sys

N = 16 << 20
COUNT = 300000
EXPECT = {
    "dicts": {
        "first": {"is": "local rows in dicts", "line": "dicts", "verdict": "in use", "at_least": "COUNT * 180",
                  "says": ["300,?000"]},
        "at_most": 40,
        "dead": [],
        "read": ["rows in dicts"],
        "saves_nothing": True,
        "text": ["300,000 dict"],
    },
    "dead_dicts": {
        "first": {"is": "local rows in dead_dicts", "line": "dead", "verdict": "dead", "at_least": "COUNT * 180"},
        "at_most": 40,
        "dead": ["rows in dead_dicts"],
        "released": ["no_dicts"],
    },
    "no_dicts": {"far": None, "dead": []},
    "instances": {
        "first": {"is": "local points in instances", "verdict": "in use", "says": ["Point"],
                  "at_least": "COUNT // 3 * 48"},
        "at_most": 40,
        "dead": [],
    },
}


class Point:
    def __init__(self, x):
        self.x = x


def work():
    return bytearray(N)  # @peak


def dicts():
    rows = [{"number": number} for number in range(COUNT)]
    work()  # @dicts
    return rows


def dead_dicts():
    rows = [{"number": number} for number in range(COUNT)]
    size = len(rows)
    work()  # @dead
    return size


def no_dicts():
    rows = [{"number": number} for number in range(COUNT)]
    size = len(rows)
    del rows
    return bytearray(N)


def instances():
    points = [Point(number) for number in range(COUNT // 3)]
    work()
    return points


globals()[sys.argv[1]]()
