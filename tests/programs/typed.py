"""Objects whose ends are known to the unit, by type: prints [freed, by a collection, as the interpreter ended] of each class, counted by what it did."""
import collections
import gc
import json
import sys


class Plain:
    pass


class Sub(Plain):
    pass


class Slotted:
    __slots__ = ("a", "b")


class Slim(Slotted):
    __slots__ = ()


class WithDel(Plain):
    def __del__(self):
        pass


class DelSub(WithDel):
    pass


class Failure(Exception):
    pass


class Row(list):
    pass


class Table(dict):
    pass


class Pair(tuple):
    pass


class Number(int):
    pass


class Text(str):
    pass


class Meta(type):
    pass


Named = collections.namedtuple("Named", "a b")
kept = []
truth = collections.Counter()


def churn(cls, count, *arguments):
    for _ in range(count):
        cls(*arguments)
    truth[cls.__name__, "freed"] += count


def raised(count):
    for _ in range(count):
        try:
            raise Failure("no")
        except Failure:
            pass
    truth["Failure", "freed"] += count


def with_dict(count):
    """Whose attributes are in a dict of their own."""
    for i in range(count):
        one = Plain()
        one.x = i
        vars(one)["y"] = i
    truth["Plain", "freed"] += count


def cyclic(cls, count):
    for _ in range(count):
        one = cls()
        one.itself = one
    truth[cls.__name__, "collecting"] += count


def keep(cls, count):
    kept.extend(cls() for _ in range(count))
    truth[cls.__name__, "exit"] += count


def passing_classes(count):
    """Classes that are gone by the time that others get their memory, each with a name of its own."""
    addresses = set()
    for i in range(count):
        cls = Meta(f"Passing{i}", (Plain,), {})
        addresses.add(id(cls))
        for _ in range(10):
            cls()
        truth[cls.__name__, "freed"] += 10
        del cls
        if i % 4 == 3:
            gc.collect()
    assert len(addresses) < count, "no class got the memory of another"


def named_oddly():
    """No name, not even that of a module; one like those of native code; that of an interpreter's own type."""
    exec("for _ in range(60): type('', (), {})()", {"__builtins__": {"range": range, "type": type}})
    truth["?", "freed"] += 60
    churn(type("dotted.Name", (), {"__del__": lambda self: None}), 61)
    churn(type("async_generator", (), {"__del__": lambda self: None}), 62)


def deep(count):
    """So deep inside each other that the interpreter frees some later."""
    one = None
    for _ in range(count):
        one = Row([one])
    truth["Row", "freed"] += count


gc.collect()
gc.disable()
for number, cls in enumerate((Plain, Sub, Slotted, Slim, WithDel, DelSub, Row, Table, Pair, Number, Text)):
    churn(cls, 1000 + number)
churn(Named, 1100, 1, 2)
raised(1200)
with_dict(300)
cyclic(Plain, 200)
cyclic(WithDel, 150)
cyclic(Failure, 70)
passing_classes(40)
named_oddly()
deep(5000)
keep(Sub, 77)
keep(Slotted, 78)
gc.collect()
counts = {}
for (name, end), count in truth.items():
    counts.setdefault(name, {})[end] = count
json.dump(counts, sys.stdout)
