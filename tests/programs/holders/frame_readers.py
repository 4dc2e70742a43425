"""Locals that other code reads by way of the frame, after the peak: none of them may be called dead.

Each scene is code of its own, so that nothing of one is there in another. It begins with what the scene is about;
`holds` is called with `arguments`, and what it returns must be what it had in `data`. In `nothing_reads` and
`reads_elsewhere` nobody reads it.
"""
import sys

N = 8 << 20
EXPECT = {
    "nothing_reads": {
        "first": {"is": "local data in holds", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in holds"],
    },
    "reads_elsewhere": {
        "first": {"is": "local data in held", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in held"],
        "untraced": True,
    },
    "helpers_helper": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "other_name": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "no_name": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "by_getattr": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "looked_up": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "looked_up_further_in": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "operator": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "in_a_list": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "partial": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "decorated": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "given_to_callee": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "generator": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "logging_filter": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "signal_handler": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "profiled_later": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "finalizer": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "traceback_outside": {
        "first": {"is": "local data in fails", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "traceback_helpers": {
        "first": {"is": "local data in fails", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "captured": {
        "first": {"is": "local data in fails", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "exception_hook": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True, "status": 1, "untraced": True,
    },
    "handled_exception": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "held_frame": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "locals_renamed": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "locals_in_a_table": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "locals_as_argument": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "evaluated_from_outside": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
    "in_a_package": {
        "first": {"is": "local data in holds", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [], "saves_nothing": True,
    },
}
SCENES = {
    # What the standard library has of this, and a function that is called elsewhere.
    "reads_elsewhere": """
import asyncio
import collections
import inspect
import logging
import pdb
import traceback
import unittest
import warnings

Pair = collections.namedtuple("Pair", "one two")

def peek(name):
    return sys._getframe(1).f_locals[name]

def shows():
    seen = bytearray(3)
    return peek("seen")

def held():
    data = bytearray(N)
    work()

def holds():
    shows()
    logging.getLogger().debug("begins")
    held()
    return bytearray(N)
""",
    "helpers_helper": """
def peek(depth, name):
    return sys._getframe(depth).f_locals[name]

def show(name):
    return peek(2, name)

def holds():
    data = bytearray(N)
    work()
    return show("data")
""",
    "other_name": """
from sys import _getframe as gf

def peek(name):
    return gf(1).f_locals[name]

look = peek

def holds():
    data = bytearray(N)
    work()
    return look("data")
""",
    "no_name": """
show = lambda name: sys._getframe(1).f_locals[name]

def holds():
    data = bytearray(N)
    work()
    return show("data")
""",
    "by_getattr": """
def peek(name):
    return getattr(sys._getframe(1), "f_locals")[name]

def holds():
    data = bytearray(N)
    work()
    return peek("data")
""",
    "looked_up": """
def peek(name):
    return sys._getframe(1).f_locals[name]

def holds():
    data = bytearray(N)
    work()
    return globals()["".join(["pe", "ek"])]("data")
""",
    "looked_up_further_in": """
def peek(name):
    return sys._getframe(2).f_locals[name]

def find(name, argument):
    return globals()[name](argument)

def holds():
    data = bytearray(N)
    work()
    return find("".join(["pe", "ek"]), "data")
""",
    "operator": """
class Caller:
    def __getitem__(self, name):
        return sys._getframe(1).f_locals[name]

caller = Caller()

def holds():
    data = bytearray(N)
    work()
    return caller["data"]
""",
    "in_a_list": """
def peek(name):
    return sys._getframe(2).f_locals[name]

HOOKS = [peek]

def run(name):
    return [hook(name) for hook in HOOKS][-1] if sys.version_info >= (3, 12) else list(map(HOOKS[0], [name]))[0]

def holds():
    data = bytearray(N)
    work()
    return run("data")
""",
    "partial": """
import functools

def peek(depth, name):
    return sys._getframe(depth).f_locals[name]

show = functools.partial(peek, 1)

def holds():
    data = bytearray(N)
    work()
    return show("data")
""",
    "decorated": """
import functools

def passes(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)
    return wrapper

def peek(name):
    return sys._getframe(3).f_locals[name]

@passes
def show(name):
    return peek(name)

def holds():
    data = bytearray(N)
    work()
    return show("data")
""",
    "given_to_callee": """
def peek():
    return sys._getframe(2).f_locals["data"]

def calls(function):
    work()
    return function()

def holds(function):
    data = bytearray(N)
    return calls(function)

arguments = [peek]
""",
    "generator": """
def produce():
    yield
    yield sys._getframe(1).f_locals["data"]

def holds(produced):
    data = bytearray(N)
    work()
    return next(produced)

arguments = [produce()]
next(arguments[0])
""",
    "logging_filter": """
import logging

class Caller(logging.Filter):
    def filter(self, record):
        frame = sys._getframe()
        while frame.f_code.co_name != "holds":
            frame = frame.f_back
        found.append(frame.f_locals["data"])
        return False

found = []
logger = logging.getLogger("scene")
logger.addFilter(Caller())

def holds():
    data = bytearray(N)
    work()
    logger.warning("done")
    return found.pop()
""",
    "signal_handler": """
import os
import signal

def handler(number, frame):
    while frame.f_code.co_name != "holds":
        frame = frame.f_back
    found.append(frame.f_locals["data"])

found = []
signal.signal(signal.SIGUSR1, handler)

def holds():
    data = bytearray(N)
    work()
    os.kill(os.getpid(), signal.SIGUSR1)
    while not found:
        pass
    return found.pop()
""",
    "profiled_later": """
def profile(frame, event, argument):
    if frame.f_code.co_name == "holds" and not found:
        found.append(frame.f_locals["data"])

def start():
    sys.setprofile(profile)

def stop():
    sys.setprofile(None)

found = []

def holds():
    data = bytearray(N)
    work()
    start()
    len("")
    stop()
    return found.pop()
""",
    "finalizer": """
class Leaving:
    def __del__(self):
        found.append(sys._getframe(1).f_locals["data"])

found = []
leaving = Leaving()

def leave():
    global leaving
    leaving = None

def holds():
    data = bytearray(N)
    work()
    globals().pop("leaving")
    return found.pop()
""",
    "traceback_outside": """
def fails():
    data = bytearray(N)
    work()
    raise ValueError

def holds():
    try:
        fails()
    except ValueError as error:
        return error.__traceback__.tb_next.tb_frame.f_locals["data"]
""",
    "traceback_helpers": """
def frames_of(error):
    at = error.__traceback__
    while at:
        yield at.tb_frame
        at = at.tb_next

def variable(frame, name):
    return frame.f_locals.get(name)

def fails():
    data = bytearray(N)
    work()
    raise ValueError

def holds():
    try:
        fails()
    except ValueError as error:
        return [variable(frame, "data") for frame in frames_of(error)][-1]
""",
    "captured": """
import traceback

def report(error):
    return traceback.TracebackException.from_exception(error, capture_locals=True)

def fails():
    data = b"z" * N
    work()
    raise ValueError

def holds():
    try:
        fails()
    except ValueError as error:
        return bytearray(len(report(error).stack[-1].locals["data"]) - 3)
""",
    "exception_hook": """
def hook(kind, error, traceback):
    while traceback.tb_frame.f_code.co_name != "holds":
        traceback = traceback.tb_next
    check(traceback.tb_frame.f_locals["data"])

sys.excepthook = hook

def holds():
    data = bytearray(N)
    work()
    raise ValueError
""",
    "handled_exception": """
def show(frame):
    return frame.f_locals["data"]

def report():
    return show(sys.exc_info()[2].tb_frame)

def holds():
    data = bytearray(N)
    try:
        raise ValueError
    except ValueError:
        work()
        return report()
""",
    "held_frame": """
def reads_later():
    frame = sys._getframe(1)
    work()
    return frame.f_locals["data"]

def holds():
    data = bytearray(N)
    return reads_later()
""",
    "locals_renamed": """
mine = locals

def holds():
    data = bytearray(N)
    work()
    return mine()["data"]
""",
    "locals_in_a_table": """
TABLE = {"mine": locals}

def holds():
    data = bytearray(N)
    work()
    return TABLE["mine"]()["data"]
""",
    "locals_as_argument": """
def holds(mine):
    data = bytearray(N)
    work()
    return mine()["data"]

arguments = [locals]
""",
    "evaluated_from_outside": """
def holds(results):
    data = bytearray(N)
    work()
    return next(results)

arguments = [map(eval, ["data"])]
""",
    "in_a_package": """
import importlib
import os
import tempfile

with tempfile.TemporaryDirectory() as folder:
    site = os.path.join(folder, "site-packages")
    os.mkdir(site)
    with open(os.path.join(site, "showing.py"), "w") as file:
        file.write('''
import sys


def peek(name):
    return sys._getframe(2).f_locals[name]


def show(name):
    return peek(name)
''')
    sys.path.insert(0, site)
    showing = importlib.import_module("showing")

def holds():
    data = bytearray(N)
    work()
    return showing.show("data")
""",
}


def work():
    return bytearray(N)  # @peak


def check(data):
    assert len(data) == N


def holds():
    data = bytearray(N)
    work()


def scene():
    names = {"sys": sys, "N": N, "work": work, "check": check, "arguments": []}
    exec(compile(SCENES[sys.argv[1]], "scene.py", "exec"), names)
    check(names["holds"](*names["arguments"]))


if sys.argv[1] == "nothing_reads":
    holds()
else:
    scene()
