"""Objects that can't be weakly referenced, of many kinds: one of each stays, and one dies, in whose place another one like
it comes. Prints which were told of, and how sure that was.
"""
import array
import datetime
import decimal
import json
import sys
import threading
import time
import types

import holdfast


class Slots:
    __slots__ = ("field",)


# Each makes a new one: no constant, and none that the interpreter has ready.
KINDS = {
    "int": lambda: int("9" * 9), "big": lambda: int("9" * 40), "str": lambda: "".join(["a", "b", "\u1234"]),
    "bytes": lambda: bytes([3, 4]), "complex": lambda: complex(1, float("4")), "long tuple": lambda: tuple([1] * 40),
    "object": object, "date": lambda: datetime.date(1999, 1, 2), "datetime": lambda: datetime.datetime(1999, 1, 1, 2),
    "timedelta": lambda: datetime.timedelta(7), "time": lambda: datetime.time(3, 4), "Decimal": lambda: decimal.Decimal("2.5"),
    "long str": lambda: "x" * (5 << 20), "float": lambda: float("1.5"), "range": lambda: range(int("88888")),
    "tuple": lambda: tuple([1, []]), "list": lambda: [1], "dict": lambda: {"a": []}, "slots": Slots, "slice": lambda: slice(1, [2]),
    "list iterator": lambda: iter([1]), "memoryview": lambda: memoryview(bytearray(5)), "cell": lambda: types.CellType([]),
    "error": lambda: ValueError(1), "mapping": lambda: types.MappingProxyType({}), "array": lambda: array.array("d", [1]),
}

before = threading.active_count()
told = {True: [], False: []}
holdfast.configure(within=3, folder="", most=1000, seconds=0.05, callback=lambda late: told[late.certain].append(late.label))
kept = {name: make() for name, make in KINDS.items()}
gone = {name: make() for name, make in KINDS.items()}
counted, expectations = [], {}
for name in KINDS:
    counts = sys.getrefcount(kept[name])
    expectations[name] = holdfast.should_go_away(kept[name], name)
    expectations["gone " + name] = holdfast.should_go_away(gone[name], "gone " + name)
    counted += [name] * (sys.getrefcount(kept[name]) != counts)
for name, make in KINDS.items():
    del gone[name]
    gone[name] = make()
while holdfast.pending():
    time.sleep(0.01)
threads = threading.active_count() - before
print(json.dumps({"certain": told[True], "seems": told[False], "counted": counted, "threads": threads,
                  "states": {name: one.state for name, one in expectations.items()}}))
