"""`holdfast.should_go_away`: who holds what is still there, against programs that know; and no word of what went."""
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

import harness

PROGRAMS = harness.PROGRAMS / "away"


def run(python, package, *arguments, folder=None, **environment):
    outcome = harness.plain(python.path, *arguments, cwd=folder,
                            env=python.environment(PYTHONPATH=str(package), **environment))
    assert outcome.status == 0, outcome.text_err()[-2000:]
    return outcome


# Where each object of stuck.py stays, by the paths of its holders; the likely culprit first.
HELD = {
    "nested": ["__main__.KEPT['users'][3].rows.held"],
    "argument": ["running thread 'busy' -> argument 2", "second in <lambda>() (stuck.py:49)"],
    "closure": ["__main__.KEPT['fill'] -> closure variable memo"],
    "traceback": ["sys.last_traceback -> traceback -> buffer in load() (stuck.py:65)"],
    "result": ["__main__.KEPT['future'] -> its result"],
    "asyncio result": ["__main__.KEPT['asyncio'] -> its result"],
    "record": ["__main__.KEPT['log'].buffer[0].args[0]"],
    "generator": ["__main__.KEPT['numbers'] -> rows in numbers() (stuck.py:111), suspended"],
    "cycle": ["a cycle that waits for the cycle collector"],
    "attribute": ["__main__.Thing.shared"],
    "number": ["__main__.KEPT['number'][1]"],
    "cached": ["__main__.cached -> its cache[1]"],
    "local": ["data in running_local() (stuck.py:42)"],
    "handled": ["exception that thread handled is handling (sys.exc_info) -> traceback -> block in deep() (stuck.py:77)"],
}
# What is said about the places where nobody looks.
NAMED = {"argument": "threading.Thread._args", "closure": "a closure keeps", "traceback": "sys.last_traceback is the last error",
         "result": "a finished future", "asyncio result": "a finished future", "record": "a log record", "generator": "a generator",
         "cached": "functools.lru_cache", "handled": "sys.exc_info", "cycle": "Thing.second.back['first'] is this object again"}


def expected(python):
    """In free-threaded builds only what can be weakly referenced is followed, and 3.8 and 3.9 do not tell what they handle."""
    found = dict(HELD)
    if not python.gil:
        for label in ("argument", "attribute", "closure", "local", "number"):
            del found[label]
    if python.version < (3, 10):
        found["handled"] = ["KeyError -> traceback -> block in deep() (stuck.py:77)"]
    return found


def test_who_holds_it(any_python, package, tmp_path):
    outcome = run(any_python, package, PROGRAMS / "stuck.py", tmp_path)
    told = json.loads(outcome.text_out())
    held = expected(any_python)
    assert {label: one["holders"] for label, one in told.items()} == held
    for label, one in told.items():
        assert NAMED.get(label, "") in one["text"], label
        assert one["certain"] == (label != "number"), label
        assert any_python.gil is False or "all from what is shown" in one["text"], label
        check_files(one, tmp_path)
    if any_python.version >= (3, 10):
        assert ">sys.exc_info of a thread<" in (tmp_path / told["handled"]["files"][2]).read_text()
    lines = outcome.text_err().splitlines()
    assert len(lines) == len(told) and all(line.startswith("holdfast: ") for line in lines)


def check_files(one, folder):
    text, dot, svg = (folder / name for name in one["files"])
    assert text.read_text() == one["text"]
    drawn = ElementTree.parse(svg).getroot()
    boxes = [part for part in drawn.iter("{http://www.w3.org/2000/svg}g")]
    labels = [part.text for box in boxes for part in box.iter("{http://www.w3.org/2000/svg}text")]
    assert (2 if one["holders"] else 1) <= len(boxes) <= 36 and all(len(label) <= 26 for label in labels)
    # Inside of the picture, without one box on another.
    places = [tuple(int(box.find("{http://www.w3.org/2000/svg}rect").get(name)) for name in ("x", "y", "width", "height")) for box in boxes]
    width, height = int(drawn.get("width")), int(drawn.get("height"))
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in places)
    assert len({place[:2] for place in places}) == len(places)
    graph = dot.read_text()
    names = re.findall(r"^  (n\d+) \[", graph, re.M)
    assert len(names) == len(boxes) and graph.count("{") == graph.count("}") == 1
    arrows = re.findall(r"^  (n\d+) -> (n\d+)", graph, re.M)
    assert {name for ends in arrows for name in ends} == (set(names) if len(names) > 1 else set())
    assert ('fill="#f9d3c6"' in svg.read_text()) == bool(one["holders"])


def test_lifetimes(some_python, package):
    """What went is not told, though its address is used again by the next of its kind, and what stays is."""
    outcome = run(some_python, package, PROGRAMS / "lifetimes.py", 1, 1500)
    found = dict(line.split(" ", 1) for line in outcome.text_out().splitlines())
    assert (found["references"], found["missed"], found["wrong"], found["unsure"]) == ("{0} threads 1", "[]", "[]", "[]"), found
    assert int(found["kept"]) > 10


def test_other_threads_go_on(some_python, package):
    """A tuple that is being filled has one reference: another, from who looks through the heap, and that fails."""
    assert run(some_python, package, PROGRAMS / "beside.py").text_out() == "0 failed\n"


MANY = """
import threading, time, holdfast
class Session: pass
holdfast.configure(seconds=30)
started = threading.active_count()
for i in range(5000):
    session, pair = Session(), [i]
    holdfast.should_go_away(session, within=2.0)
    holdfast.should_go_away(pair, within=2.0)
late = {"a": [Session()]}
holdfast.should_go_away(late["a"][0], "late", within=0.1)
del session, pair
print(threading.active_count() - started, all(one.type == "list" or one.label == "late" for one in holdfast.pending()))
while holdfast.pending():
    time.sleep(0.01)
print(threading.active_count() - started)
"""


def test_one_of_ten_thousand(some_python, package, tmp_path):
    outcome = run(some_python, package, "-c", MANY, folder=tmp_path)
    assert outcome.text_out().split() == ["1", "True", "1"]
    [line] = outcome.text_err().splitlines()
    assert re.match(r"holdfast: late \(Session\) is still there [\d.]+ s after <string>:11: held by __main__\.late\['a'\]\[0\]; see", line)
    assert len(list(tmp_path.iterdir())) == 3


CROWD = """
import time, holdfast
holdfast.configure(within=0.1, most=2, seconds=30)
kept = [[i] for i in range(50)]
for one in kept: holdfast.should_go_away(one)
while holdfast.pending(): time.sleep(0.01)
"""


def test_many_late(python, package, tmp_path):
    """Of a crowd some are told of, the others counted."""
    outcome = run(python, package, "-c", CROWD, folder=tmp_path)
    lines = outcome.text_err().splitlines()
    told = [line for line in lines if "(list)" not in line and "held by __main__.kept[" in line]
    others = [re.search(r"(\d+) more should have gone away and are still there \((\d+) list\); who holds them is told of the "
                        "first 2", line) for line in lines if line not in told]
    assert len(told) == 2 and sum(int(one[1]) for one in others) == 48, lines
    assert len(list(tmp_path.iterdir())) == 6


USE = """
import gc, os, sys, threading, time, holdfast
class Thing:
    def __del__(self):
        holdfast.should_go_away([1], "from a destructor", within=0.05)
kept = [Thing(), [1]]
stays = holdfast.should_go_away(kept[0], "may stay", within=30)
assert [one.label for one in holdfast.pending()] == ["may stay"] and stays.state == "waiting"
assert stays.cancel() and not stays.cancel() and stays.state == "cancelled" and not holdfast.pending()
for wrong, kind in ((dict(within=-1), ValueError), (dict(within=float("nan")), ValueError), (dict(label=1), TypeError)):
    try:
        holdfast.should_go_away(kept, **wrong)
    except kind:
        continue
    raise AssertionError(wrong)
died = holdfast.should_go_away(kept[0], within=30)
kept.clear()
assert died.state == "gone"
# A child has none of them, and a thread of its own.
parents = holdfast.should_go_away(kept, within=30)
if os.fork() == 0:
    assert not holdfast.pending() and parents.state == "cancelled"
    holdfast.should_go_away(kept, "of the child", within=0.01)
    while holdfast.pending(): time.sleep(0.01)
    os._exit(0)
os.wait()
assert parents.state == "waiting"
holdfast.configure(within=0.01, callback=lambda late: 1 / 0, folder="", seconds=30)
holdfast.should_go_away(kept, "fails")
while len(holdfast.pending()) > 1: time.sleep(0.01)
for _ in range(2000):
    cycle = Thing(); cycle.me = cycle
"""


def test_use(some_python, package, tmp_path):
    lines = run(some_python, package, "-Wignore", "-c", USE, folder=tmp_path).text_err().splitlines()
    assert len(lines) == 3, lines
    assert "of the child (list) is still there" in lines[0] and "held by __main__.kept" in lines[0]
    assert "fails (list) is still there" in lines[1] and "; see" not in lines[1]
    assert "the callback failed: ZeroDivisionError" in lines[2]


def test_switched_off(python, package, tmp_path):
    outcome = run(python, package, "-c", CROWD, folder=tmp_path, HOLDFAST_SHOULD_GO_AWAY="off")
    assert (outcome.stderr, list(tmp_path.iterdir())) == (b"", [])


def test_traced(python, package, tmp_path):
    """Under `holdfast run` it is the same."""
    environment = python.environment(PYTHONPATH=str(package), HOLDFAST_SHOULD_GO_AWAY_DIR=str(tmp_path))
    outcome = harness.traced(python.path, PROGRAMS / "service.py", env=environment)
    [line] = outcome.text_err().splitlines()
    assert "session (Session) is still there" in line and "held by running thread 'mail' -> argument 1, and 3 more; see" in line
    assert len(list(tmp_path.iterdir())) == 3


MEETING = """
import gc, sys, holdfast
kept = [1]
def tracer(frame, event, argument):
    global left
    if frame.f_code.co_name not in ("end", "forget"): return None
    left -= event == "line"
    if not left:
        sys.settrace(None)
        one.end("gone")
    return tracer
met = 0
for at in range(1, 20):
    one, left = holdfast.should_go_away(kept, within=60), at
    sys.settrace(tracer)
    one.cancel()
    sys.settrace(None)
    met += left <= 0
    assert not holdfast.pending() and not any("_Book" in repr(look) for look in gc.callbacks), at
assert 8 < met < 19, met
"""


def test_two_end_it(some_python, package):
    """At each line of what cancel() does, another does the same: as another thread may."""
    run(some_python, package, "-c", MEETING)


FAILS = """
import sys, time, holdfast
from holdfast import _alive, _frames, _going, _holders
class Thing: pass
def fail(*given): raise KeyError("broken")
def outcome(of):
    one = holdfast.should_go_away(of, within=0.01)
    until = time.monotonic() + 60
    while holdfast.pending() and time.monotonic() < until: time.sleep(0.01)
    return one.state
def unbound():
    value = [1]
    address = id(value)
    del value
    return _frames.get(sys._getframe(), address, "value")
thing, kept = Thing(), [1]
assert unbound() == []
holdfast.configure(folder="", seconds=30, callback=lambda late: sys.exit(1))
found = [outcome(thing)]
for module, name in (_holders, "search"), (_alive, "find"), (_going._Watcher, "take_due"):
    whole = getattr(module, name)
    setattr(module, name, fail)
    found.append(outcome(kept))
    setattr(module, name, whole)
    found.append(outcome(thing))
print(*found)
"""


def test_failures(some_python, package):
    """What fails for one object ends that one; and nothing waits when all has failed."""
    if not some_python.gil:
        pytest.skip("there, lists are not looked for")
    outcome = run(some_python, package, "-c", FAILS)
    states = outcome.text_out().split()
    assert states[:5] == ["late", "unknown", "late", "unknown", "late"] and states[6] == "off"
    assert states[5] in ("unknown", "off")  # it fails while that is put into the queue, or after
    lines = [line for line in outcome.text_err().splitlines() if "still there" not in line]
    assert len(lines) == 6 and sum("the callback failed: SystemExit(1)" in line for line in lines) == 3
    assert sum("nothing can be told of 1 list: KeyError('broken')" in line for line in lines) == 2
    assert "says no more: KeyError('broken')" in lines[-1]


NO_THREAD = """
import threading, holdfast
class Thing: pass
def start(self): raise RuntimeError("can't start new thread")
threading.Thread.start = start
kept = [Thing(), [1]]
print(*[holdfast.should_go_away(one).state for one in kept * 2], len(holdfast.pending()))
"""
AT_THE_END = """
import holdfast
class Thing:
    def __del__(self):
        one = holdfast.should_go_away([1])
        print(one.state, one.cancel())
{loaded}
thing = Thing()
"""


def test_without_a_thread(some_python, package):
    outcome = run(some_python, package, "-c", NO_THREAD)
    assert outcome.text_out().split() == ["off"] * 4 + ["0"]
    assert outcome.text_err() == "holdfast: should_go_away is off: can't start new thread\n"


@pytest.mark.parametrize("loaded", ["", "holdfast.pending()", "holdfast.should_go_away(Thing)"])
def test_at_the_end(some_python, package, loaded):
    """A destructor that runs when the interpreter ends may say it, too."""
    if not some_python.gil:
        pytest.skip("there, modules may be empty by then")
    outcome = run(some_python, package, "-c", AT_THE_END.format(loaded=loaded))
    assert (outcome.text_out(), outcome.text_err()) == ("off False\n", "")


TOLD = """
import gc, sys, time, types, holdfast
gc.disable()
class Thing: pass
holdfast.configure(within=0.5, seconds=30, folder="", callback=lambda late: print(late.text))
def pass_over():
    thing, rows, spread = Thing(), [], Thing()
    thing.me = thing
    rows.append(rows)
    for number in range(10):
        module = sys.modules[f"module{number}"] = types.ModuleType(f"module{number}")
        module.held = spread
    for one in thing, rows, spread:
        holdfast.should_go_away(one)
pass_over()
while holdfast.pending(): time.sleep(0.01)
"""


def test_what_is_told(some_python, package):
    """Of itself, and of more holders than are shown."""
    if not some_python.gil:
        pytest.skip("there, lists are not looked for")
    thing, rows, spread = sorted(run(some_python, package, "-c", TOLD).text_out().split("should have gone away")[1:],
                                 key=lambda text: ("module" in text, "list of" in text))
    assert "Thing.me is this object again." in thing and "list of 1[0] is this object again." in rows
    assert all("References to it: 1, all from what is shown." in text for text in (thing, rows))
    assert len(re.findall(r"^  module\d\.held$", spread, re.M)) == 8 and "\n  and 2 more\n" in spread
    assert "References to it: 10, all from what was found." in spread


HUGE = """
import gc, time, holdfast
from holdfast import _heap
_heap.MOST_REFERRED = 0
holdfast.configure(within=0.01, seconds=30, folder="")
kept = {"number": 10 ** int("20"), "list": [1], "tuple": (int("1000"), int("2000"))}
expected = [holdfast.should_go_away(one) for one in kept.values()] + [holdfast.should_go_away([2], within=1)]
gc.collect()  # the tuple is the collector's no more
while holdfast.pending(): time.sleep(0.01)
print(*[one.state for one in expected])
"""


def test_huge(python, package):
    """Where the heap is too big for a look at all that is referred to, nothing that was not looked for is called gone."""
    assert run(python, package, "-c", HUGE).text_out().split() == ["unknown", "late", "unknown", "gone"]


DYING = """
import time, holdfast
class Slow:
    def __del__(self): time.sleep(1.5)
holdfast.configure(folder="", seconds=30)
thing = tuple([Slow()] + [None] * 40)
expected = holdfast.should_go_away(thing, within=0.5)
del thing
while holdfast.pending(): time.sleep(0.01)
print(expected.state)
"""


def test_what_is_dying(some_python, package):
    """A tuple's items end before its memory is freed: who looks then must not bring it back."""
    if not some_python.gil:
        pytest.skip("there, tuples are not looked for")
    outcome = harness.traced(some_python.path, "-c", DYING, env=some_python.environment(PYTHONPATH=str(package)))
    assert (outcome.status, outcome.text_out(), outcome.text_err()) == (0, "gone\n", "")


GAP = """
import ctypes, sys, time, holdfast
class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("context", "malloc", "calloc", "realloc", "free")]
program, objects, now, plain = ctypes.PyDLL(None), 2, Allocator(), Allocator()
told = []
holdfast.configure(folder="", seconds=30, callback=lambda late: told.append(late.certain))
number = int("9" * 30)
expected = holdfast.should_go_away(number, within=0.5)
if sys.argv[1:]:
    program.PyMem_GetAllocator(objects, ctypes.byref(now))
    plain = Allocator.from_address(now.context)  # the one that is behind
    program.PyMem_SetAllocator(objects, ctypes.byref(plain))
    sum(range(100000))
while holdfast.pending(): time.sleep(0.01)
print(*told)
"""


@pytest.mark.parametrize("gap, sure", [((), "True"), (("gap",), "False")])
def test_other_allocators_for_a_while(some_python, package, gap, sure):
    """What was freed without the tracer's hooks went unseen: so it is not sure what has not."""
    if not some_python.gil:
        pytest.skip("there, numbers are not looked for")
    outcome = harness.traced(some_python.path, "-c", GAP, *gap, env=some_python.environment(PYTHONPATH=str(package)))
    assert outcome.text_out() == sure + "\n", outcome.text_err()


FORKED = """
import os, time, holdfast
told = []
holdfast.configure(folder="", seconds=30, callback=lambda late: told.append((late.label, late.certain)))
number, gone = int("9" * 30), int("8" * 30)
parents = holdfast.should_go_away(number, "parent", within=1)
child = os.fork()
if not child:
    number = None
    number = int("7" * 30)
own, other = holdfast.should_go_away(number, "own", within=0.3), holdfast.should_go_away(gone, "gone", within=0.3)
gone = None
gone = int("6" * 30)
while holdfast.pending(): time.sleep(0.01)
if child: os.wait()
print(sorted(told), parents.state, own.state, other.state, flush=True)
"""


def test_blocks_of_children(some_python, package):
    """A child has the parent's table, and what it frees is its own affair."""
    if not some_python.gil:
        pytest.skip("there, numbers are not looked for")
    environment = some_python.environment(PYTHONPATH=str(package), PYTHONWARNINGS="ignore")
    childs, parents = harness.traced(some_python.path, "-c", FORKED, env=environment).text_out().splitlines()
    assert childs == "[('own', True)] cancelled late gone"
    assert parents == "[('own', True), ('parent', True)] late late gone"


# Of which an address proves nothing, and the memory's end does; and those whose memory the interpreter keeps for the next one.
BY_BLOCK = {"int", "big", "str", "bytes", "complex", "long tuple", "object", "date", "datetime", "timedelta", "time", "Decimal",
            "long str", "range"}
KEPT_READY = {"float"}


def test_any_object(some_python, package):
    """What can't be weakly referenced is told of when it stays, without a reference of ours; if it is another one may be said
    of plain values alone. The tracer knows those, too."""
    if not some_python.gil:
        pytest.skip("there, these are not looked for")
    plain = json.loads(run(some_python, package, PROGRAMS / "plain.py").text_out())
    environment = some_python.environment(PYTHONPATH=str(package))
    traced = json.loads(harness.traced(some_python.path, PROGRAMS / "plain.py", env=environment).text_out())
    doubtful = KEPT_READY | ({"int", "range"} if some_python.version >= (3, 14) else set())
    for found in plain, traced:
        kept = {name for name in found["states"] if not name.startswith("gone ")}
        assert (found["counted"], found["threads"]) == ([], 1)
        assert {name for name in kept if found["states"][name] == "late"} == kept
        assert not [name for name in found["certain"] if name.startswith("gone ")], found["certain"]
    assert {name.replace("gone ", "") for name in plain["seems"]} <= BY_BLOCK | KEPT_READY
    assert BY_BLOCK - {"long tuple", "Decimal"} <= set(plain["seems"])  # of which these may be known to the cycle collector
    assert {name.replace("gone ", "") for name in traced["seems"]} <= doubtful and BY_BLOCK - doubtful <= set(traced["certain"])
