"""Locals that must never be called dead, all suspended at once: each function holds one, and calls the next.

Some are read after the peak, some may be, and some are read by other means than the function's own code
(frame_readers.py has those that other functions read: they would leave nothing to be judged here).
"""
import asyncio
import sys

N = 8 << 20
M = 512 << 10
DEBUG = False
EXPECT = {
    "chain": {
        # Not read again by name, but still worked on: what these hold is let go by nobody.
        "dead": ["data in holds_in_with", "data in iterates"],
        "saves_nothing": True,
        "no_garbage": "M",
        "read": [
            "data in reads_in_except", "data in reads_in_else", "data in reads_in_finally",
            "data in reads_after_returning", "data in reads_on_next_turn", "data in deletes_in_a_branch",
            "data in generates", "data in awaits", "arguments in takes_many", "options in takes_many",
            "data in reads_in_loop_condition", "data in walks",
        ],
        "some": [
            {"is": "local|closure|argument data in asks_locals", "bytes": "M", "verdict": "not dead"},
            {"is": "local|closure|argument data in evaluates", "bytes": "M", "verdict": "not dead"},
            {"is": "local|closure|argument data in executes", "bytes": "M", "verdict": "not dead"},
            {"is": "local|closure|argument data in asks_vars", "bytes": "M", "verdict": "not dead"},
            {"is": "local|closure|argument data in asks_dir", "bytes": "M", "verdict": "not dead"},
            {"is": "local data in reads_in_except", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in may_read_in_except", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in reads_in_else", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in reads_in_finally", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in reads_after_returning", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in reads_on_next_turn", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in reads_in_loop_condition", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in may_read_under_flag", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in deletes_in_a_branch", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local|generator data in generates", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local|generator data in awaits", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local self in measure", "bytes": "M", "verdict": "in use|unknown"},
            {"is": "local data in walks", "bytes": "M", "verdict": "in use|unknown"},
            # From 3.12 on, its value waits on the stack while the comprehension uses the name.
            {"is": "local|argument in restores_after_comprehension", "bytes": "M", "verdict": "in use|unknown",
             "since": "3.12"},
        ],
    },
}


def work():
    return bytearray(N)  # @peak


def onward(rest):
    if rest:
        rest[0](rest[1:])
    else:
        work()
    return len(rest)


def asks_locals(rest):
    data = bytearray(M)
    onward(rest)
    return len(locals()["data"])


def evaluates(rest):
    data = bytearray(M)
    onward(rest)
    return eval("len(data)")


def executes(rest):
    data = bytearray(M)
    onward(rest)
    exec("len(data)")


def asks_vars(rest):
    data = bytearray(M)
    onward(rest)
    return len(vars()["data"])


def asks_dir(rest):
    data = bytearray(M)
    onward(rest)
    return dir()


def reads_in_except(rest):
    data = bytearray(M)
    try:
        onward(rest)
        raise KeyError
    except KeyError:
        return len(data)


def may_read_in_except(rest):
    data = bytearray(M)
    try:
        onward(rest)
    except ZeroDivisionError:
        print(data)


def reads_in_else(rest):
    data = bytearray(M)
    try:
        onward(rest)
    except ZeroDivisionError:
        pass
    else:
        return len(data)


def reads_in_finally(rest):
    data = bytearray(M)
    try:
        onward(rest)
    finally:
        len(data)


def reads_after_returning(rest):
    data = bytearray(M)
    try:
        return onward(rest)
    finally:
        try:
            len(data)
        except TypeError:
            pass


def reads_on_next_turn(rest):
    data = bytearray(M)
    for turn in range(2):
        if turn:
            len(data)
        else:
            onward(rest)


def reads_in_loop_condition(rest):
    data = bytearray(M)
    while data:
        onward(rest)
        data.clear()


def may_read_under_flag(rest):
    data = bytearray(M)
    onward(rest)
    if DEBUG:
        print(data)


def deletes_in_a_branch(rest):
    data = bytearray(M)
    onward(rest)
    if DEBUG:
        del data
    else:
        len(data)


def lets_inner_read(rest):
    data = bytearray(M)

    def inner():
        return len(data)

    onward(rest)
    return inner()


def lets_callee_read(rest):
    data = bytearray(M)
    return calls_back(rest, lambda: len(data))


def calls_back(rest, read):
    onward(rest)
    return read()


def adds(one, two):
    return len(one) + two


def passes_pending(rest):
    data = bytearray(M)
    return adds(data, onward(rest))


def passes_only_pending(rest):
    return adds(bytearray(M), onward(rest))


def lists_pending(rest):
    data = bytearray(M)
    return [data, onward(rest)]


def formats_pending(rest):
    data = bytes(M)
    return (data + b"%d" % onward(rest))[:1]


def compares_pending(rest):
    data = bytearray(M)
    return data == onward(rest)


class Keeper:
    def __init__(self, data):
        self.data = data

    def __enter__(self):
        pass

    def __exit__(self, *error):
        len(self.data)


def holds_in_with(rest):
    data = bytearray(M)
    with Keeper(data):
        onward(rest)


def iterates(rest):
    data = [bytearray(M)] * 2
    for _ in data:
        onward(rest)
        rest = [bool]  # the second turn goes no deeper


def makes_class(rest):
    class Body:
        data = bytearray(M)
        onward(rest)
        size = len(data)


class Base:
    def measure(self):
        return len(self.data)


class Measured(Base):
    def __init__(self):
        self.data = bytearray(M)

    def measure(self, rest):
        onward(rest)
        return super().measure()


def calls_super(rest):
    Measured().measure(rest)


def generate(rest):
    yield from generates(rest)


def generates(rest):
    data = bytearray(M)
    yield onward(rest)
    yield len(data)


def resumes(rest):
    return list(generate(rest))


async def awaits(rest):
    data = bytearray(M)
    await awaited(rest)
    return len(data)


async def awaited(rest):
    onward(rest)


def runs_loop(rest):
    asyncio.run(awaits(rest))


def takes_many(*arguments, **options):
    onward(options["rest"])
    return len(arguments) + len(options)


def passes_many(rest):
    return takes_many(bytearray(M), rest=rest, data=bytearray(M))


def restores_after_comprehension(rest):
    data = bytearray(M)
    [onward(rest) for data in (1,)]
    return len(data)


def walks(rest):
    data = bytearray(M)
    while True:
        try:
            onward(rest)
        except ZeroDivisionError:
            continue
        else:
            if not DEBUG:
                break
        finally:
            rest = [bool]
    return len(data)


CHAIN = [
    asks_locals, evaluates, executes, asks_vars, asks_dir, reads_in_except, may_read_in_except, reads_in_else,
    reads_in_finally, reads_after_returning, reads_on_next_turn, reads_in_loop_condition, may_read_under_flag,
    deletes_in_a_branch, lets_inner_read, lets_callee_read, passes_pending, passes_only_pending, lists_pending,
    formats_pending, compares_pending, holds_in_with, iterates, makes_class,
    calls_super, resumes, runs_loop, passes_many, restores_after_comprehension, walks,
]


def chain():
    onward(CHAIN)


globals()[sys.argv[1]]()
