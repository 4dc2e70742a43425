"""Objects that nobody frees, counted by type by the program itself; then the process ends in the way that is asked for."""
import json
import os
import sys


class Plain:
    pass


class Slotted:
    __slots__ = ("a",)


class WithDel(Plain):
    def __del__(self):
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


class Failure(Exception):
    pass


def keep(cls, count, *arguments):
    kept.extend(cls(*arguments) for _ in range(count))
    truth[cls.__name__] = count


kept, truth = [], {}
for number, cls in enumerate((Plain, Slotted, WithDel, Row, Table, Failure)):
    keep(cls, 300 + number)
keep(Pair, 400, (1, 2))
keep(Number, 401, 1 << 40)
keep(Text, 402, "text")
for i in range(500):
    Plain(), Row(), Slotted()  # freed before
# Of types with the memory of others that are gone.
for i in range(20):
    gone = type(f"Gone{i}", (Plain,), {})
    gone()
del gone
kept.append([Plain, Row, Slotted, Text] * 3)  # references to types, which are no objects of theirs
passed = type("Passed", (), {})
keep(passed, 77)
print(json.dumps(truth), flush=True)
if sys.argv[1] == "exec":
    try:
        os.execv("/no/such/file", ["none"])  # it goes on
    except OSError:
        keep(Table, 10)
    os.execv("/bin/true", ["true"])
if sys.argv[1] == "fork":
    pid = os.fork()
    if pid == 0:
        keep(Plain, 50)
        os._exit(0)
    os.waitpid(pid, 0)
if sys.argv[1] == "kill":
    os.kill(os.getpid(), 9)
if sys.argv[1] != "end":
    os._exit(0)
