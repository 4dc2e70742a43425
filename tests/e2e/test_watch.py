"""`holdfast.watch`: the listings of an object's references against hand-made ones, for what each interpreter really does."""
import json
import re
import shutil

import pytest

import harness

PROGRAMS = harness.PROGRAMS / "watch"


def run(python, package, *arguments, expect=0):
    outcome = harness.plain(python.path, *arguments, env=python.environment(PYTHONPATH=str(package)))
    assert outcome.status == expect, outcome.text_err()[-2000:]
    return outcome


def listings(outcome):
    return listings_text(outcome.text_err())


def listings_text(told):
    """By label, the rows: line, count, changes."""
    found = {}
    for text in told.split("holdfast: references to ")[1:]:
        head, *lines = text.splitlines()
        label = head.partition(" ")[0]
        found[label] = [row.groups() for row in (re.match(r"  \S+\.py:(\d+)  .*?  +(\d+)  (.+)", line) for line in lines) if row]
    return found


def rows(text):
    return [tuple(part.strip() for part in line.split("|")) for line in text.strip().splitlines()]


# The walk of a dict: f makes it, passes it to g, which prints it and returns; f returns.
NAMED = """
10 | 1 | local obj in f
4  | 2 | + argument o of g
11 | 1 | - g returned
14 | 0 | - f returned, freed
"""
# Up to 3.10 the caller keeps what it has passed until the call returns.
KEPT = NAMED.replace("2 | + argument o of g", "3 | + argument o of g, + the call in f")
# From 3.14 on g's argument is f's variable, borrowed.
BORROWED = NAMED.replace("2 | + argument o of g", "1 | + argument o of g (borrowed: not counted)").replace("11 | 1 | - g returned\n", "")

STEPS = """
31 | 1 | local data in run
32 | 2 | + local again in run
33 | 1 | - local again in run
13 | 2 | + argument thing of keep
14 | 3 | + dict['thing']
34 | 2 | - keep returned
18 | 3 | + argument thing of alias
19 | 4 | + local other in alias
20 | 3 | - local thing in alias
35 | 2 | - alias returned
37 | 3 | + Owner.field
38 | 5 | + list[0], + list[1]
39 | 3 | - list[0], - list[1]
18 | 4 | + argument thing of alias  (3 times)
19 | 5 | + local other in alias  (3 times)
20 | 4 | - local thing in alias  (3 times)
41 | 3 | - alias returned  (3 times)
42 | 2 | - Owner.field
43 | 1 | - local data in run
44 | 0 | - dict['thing'], freed
"""
STEPS_BORROWED = """
31 | 1 | local data in run
32 | 2 | + local again in run
33 | 1 | - local again in run
13 | 1 | + argument thing of keep (borrowed: not counted)
14 | 2 | + dict['thing']
18 | 2 | + argument thing of alias (borrowed: not counted)
19 | 2 | + local other in alias (borrowed: not counted)
20 | 2 | - local thing in alias (it was borrowed)
37 | 3 | + Owner.field
38 | 5 | + list[0], + list[1]
39 | 3 | - list[0], - list[1]
18 | 3 | + argument thing of alias (borrowed: not counted)  (3 times)
19 | 3 | + local other in alias (borrowed: not counted)  (3 times)
20 | 3 | - local thing in alias (it was borrowed)  (3 times)
42 | 2 | - Owner.field
43 | 1 | - local data in run
44 | 0 | - dict['thing'], freed
"""


def kept_by_the_call(listing):
    """As up to 3.10: one more while a function has the argument."""
    found, inside = [], False
    for line, count, changes in listing:
        inside = (inside or "argument" in changes) and "returned" not in changes
        if "argument" in changes:
            first, times, last = changes.partition("  (")
            changes = f"{first}, + the call in run{times}{last}"
        found.append((line, str(int(count) + inside), changes))
    return found


def test_walk(any_python, package):
    """The count in f, in g and in f again is also the interpreter's own, when nobody watches."""
    expected = rows(KEPT if any_python.version < (3, 11) else NAMED if any_python.version < (3, 14) else BORROWED)
    outcome = run(any_python, package, PROGRAMS / "walk.py")
    assert listings(outcome) == {"obj": expected} and outcome.text_out() == "{'a': 1}\n"
    counts = {line: count for line, count, _ in expected}
    alone = run(any_python, package, PROGRAMS / "counts.py").text_out().split()
    assert alone == [counts["10"], counts["4"], counts.get("11", counts["10"])]


def test_steps(any_python, package):
    expected = rows(STEPS if any_python.version < (3, 14) else STEPS_BORROWED)
    if any_python.version < (3, 11):
        expected = kept_by_the_call(expected)
    assert listings(run(any_python, package, PROGRAMS / "steps.py")) == {"data": expected}


def test_generators_threads_and_the_end(some_python, package):
    outcome = run(some_python, package, PROGRAMS / "odd.py")
    found = listings(outcome)
    changes = [(line, change) for line, _, change in found["first"]]
    assert ("34", "+ thing in rows, a generator") in changes and ("36", "- thing in rows, a generator") in changes
    assert ("38", "+ tuple[0]") in changes and ("33", "- local second in run") in changes
    assert found["first"][-1] == ("47", "0", "- run returned, freed")
    assert not any("elsewhere" in change for _, change in changes), changes
    assert found["kept"] == [("46", "1", "global kept of __main__")] and "at the program's end: 1" in outcome.text_err()


def followed(python, *arguments, size="256KiB", **environment):
    """A program that knows nothing of Holdfast, and has no package of its."""
    return harness.traced(python.path, *arguments, flags=("-q", "--watch", size), env=python.environment(**environment))


def test_walk_without_a_word(any_python):
    """The same walk, of a big object, which is followed by itself: all rows, from where it is made to where it is freed."""
    text = KEPT if any_python.version < (3, 11) else NAMED if any_python.version < (3, 14) else BORROWED
    text = text.replace("10 |", "9  |").replace("11 |", "10 |").replace("14 |", "13 |")
    outcome = followed(any_python, PROGRAMS / "big.py")
    assert listings(outcome) == {"obj": rows(text)} and outcome.text_out() == "300000\n"
    assert outcome.text_err().startswith("holdfast: references to obj (bytearray, 293 KiB), by line:\n")
    assert outcome.text_err().count("holdfast:") == 1


IN_VARIABLE = """
16 | 1 | local data in in_variable
17 | 2 | + local again in in_variable
18 | 1 | - local again in in_variable
11 | 2 | + argument thing of look
19 | 1 | - look returned
37 | 0 | - in_variable returned, freed
"""
IN_ATTRIBUTE = """
24 | 1 | Owner.field
25 | 2 | + local again in in_attribute
26 | 1 | - local again in in_attribute
37 | 0 | - Owner.field, freed
"""


def test_kinds_of_big_objects(some_python):
    """Whose a block is is found for each kind, and 16 objects are followed: of more it is told how many blocks there were."""
    variable = IN_VARIABLE
    if some_python.version < (3, 11):
        variable = variable.replace("2 | + argument thing of look", "3 | + argument thing of look, + the call in in_variable")
    if some_python.version >= (3, 14):
        variable = variable.replace("2 | + argument thing of look", "1 | + argument thing of look (borrowed: not counted)")
        variable = variable.replace("19 | 1 | - look returned\n", "")
    text = followed(some_python, PROGRAMS / "kinds.py").text_err()
    heads = re.findall(r"references to (\S+) \(([\w.]+),", text)
    kinds = ["bytes", "str", "bytearray", "list", "tuple", "dict", "set", "array.array"]
    assert [kind for _, kind in heads] == [kind for kind in kinds for _ in range(2)]
    for part in text.split("holdfast: references to ")[1:]:
        expected = rows(variable if part.startswith("data") else IN_ATTRIBUTE)
        assert list(listings_of(part)) == expected, part
    assert "holdfast: --watch: 16 objects were followed; " in text and "no object was found" not in text


def listings_of(part):
    return next(iter(listings_text("holdfast: references to " + part).values()))


TRACER = """
import sys, holdfast
lines = []
def tracer(frame, event, argument):
    lines.append(frame.f_lineno)
    return tracer
def work(thing):
    one = 1
    return one
{before}
kept = [1]
watched = holdfast.watch(kept, "kept")
{after}
work(kept)
del lines[:-3]
assert sys.gettrace() is tracer and lines == [7, 8, 9, 9][-3:], lines
sys.settrace(None)
watched.stop()
print(bool(watched.rows))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_beside_a_trace_function(some_python, package, when):
    """The program's own goes on. From 3.12 on both follow the lines; earlier that is said."""
    program = TRACER.format(**{"before": "", "after": "", when: "sys.settrace(tracer)"})
    outcome = run(some_python, package, "-c", program)
    if some_python.version >= (3, 12):
        assert outcome.text_out() == "True\n" and "references to kept" in outcome.text_err()
    elif when == "before":
        assert outcome.text_err().startswith("holdfast: kept (list) is not watched: the program has a trace function")
        assert outcome.text_out() == "False\n"
    else:
        assert "references to kept" in outcome.text_err()


REFUSED = """
import sys, holdfast
holdfast.watch([1]).stop()
assert sys.gettrace() is None and (sys.version_info < (3, 12) or not any(map(sys.monitoring.get_tool, range(6))))
try:
    holdfast.watch(None)
    assert sys.version_info < (3, 12)
except ValueError as error:
    assert "for ever" in str(error)
"""


def test_nothing_stays(some_python, package):
    run(some_python, package, "-c", REFUSED)


INTERRUPTED = """
import signal, holdfast
kept = [1]
def work():
    while True:
        for one in kept:
            pass
def ring(number, frame):
    raise TimeoutError
signal.signal(signal.SIGALRM, ring)
watched = holdfast.watch(kept, "kept")
caught = 0
for _ in range(5):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        work()
    except TimeoutError:
        caught += 1
watched.stop()
print(caught)
"""


def test_signals(some_python, package):
    """What a signal's handler raises is the program's, also when it comes while a line is looked at."""
    if some_python.version < (3, 12):
        pytest.skip("there, the interpreter's hook for C may lose it")
    outcome = run(some_python, package, "-c", INTERRUPTED)
    assert outcome.text_out() == "5\n" and "failed" not in outcome.text_err()


FORKED = """
import os, signal, sys, threading, holdfast
kept = [1]
watched = holdfast.watch(kept, "kept")
going, statuses = True, []
def busy():
    while going:
        mine = kept
        del mine
threads = [threading.Thread(target=busy) for _ in range(3)]
for one in threads: one.start()
for _ in range(6):
    child = os.fork()
    if not child:
        signal.alarm(60)
        sys.exit()
    statuses.append(os.waitpid(child, 0)[1])
going = False
for one in threads: one.join()
watched.stop()
print(statuses)
"""


def test_children(some_python, package):
    """A forked child ends, though a thread of the parent was looking at a line; and tells nothing of the parent's."""
    outcome = run(some_python, package, "-Wignore", "-c", FORKED)
    assert outcome.text_out() == f"{[0] * 6}\n" and outcome.text_err().count("references to kept") == 1


RAISED = """
import sys, time
from holdfast import _lines
class Timeout(Exception):
    def __init__(self, seconds, *, place):
        super().__init__(seconds)
        self.place = place
def handler(kind, frame, returned):
    if not raised:
        raised.append(Timeout(3, place="here"))
        raise raised[0]
def work():
    for _ in range(1000): time.sleep(0.01)
raised = []
try:
    try:
        _lines.start(handler)
        work()
    finally:
        _lines.stop()
except Timeout as error:
    print(error.args, error.place, error is raised[0], sys.exc_info()[1] is error)
"""


def test_what_is_raised(some_python, package):
    """The program gets the very exception that came up while a line was looked at, whatever its type's arguments."""
    assert run(some_python, package, "-c", RAISED).text_out() == "(3,) here True True\n"


BROKEN = """
import contextlib, holdfast
from holdfast import _watch
kept = [1]
_watch.Watch.see = contextlib.ExitStack.callback  # that of another class: it fails in the standard library's code
holdfast.watch(kept, "kept")
for one in kept:
    print("goes on")
"""


def test_failures_are_not_the_programs(some_python, package):
    outcome = run(some_python, package, "-c", BROKEN)
    assert outcome.text_out() == "goes on\n" and "holdfast: watch failed: AttributeError" in outcome.text_err()


LOST = """
import holdfast
from holdfast import _watch
see, lost = _watch.Watch.see, []
def lossy(self, kind, frame, returned):
    if kind == "end" and frame.f_code.co_name == "g" and not lost:
        lost.append(1)
        return
    see(self, kind, frame, returned)
_watch.Watch.see = lossy
def g(o):
    pass
def f():
    obj = {1}
    holdfast.watch(obj, "obj")
    [g(obj), g(obj)]
    obj = None
f()
"""


def test_an_end_that_was_not_seen(python, package, tmp_path):
    """The next call in the same place is another one: what the first had is told as given back."""
    (tmp_path / "lost.py").write_text(LOST.lstrip("\n"))
    changes = [change for _, _, change in listings(run(python, package, tmp_path / "lost.py"))["obj"]]
    assert changes == ["local obj in f", "+ argument o of g", "+ argument o of g, - g returned", "- g returned",
                       "- local obj in f, freed"], changes


FED = "import holdfast\n\x0c\ndef f():\n    obj = [1]  # \x0b \x1c\n    holdfast.watch(obj)\n    return 1\nf()\n"


def test_source_lines_as_python_counts_them(python, package, tmp_path):
    """A form feed ends no line."""
    (tmp_path / "fed.py").write_text(FED)
    told = run(python, package, tmp_path / "fed.py").text_err()
    assert re.search(r"fed\.py:5 +holdfast\.watch\(obj\) +1 +local obj in f\n", told), told
    assert re.search(r"fed\.py:7 +f\(\) +0 ", told), told


STRIPPED = """
import sys, holdfast
from holdfast import _frames, _lines
assert _frames.__file__.endswith(".pyc")
code = _frames.stack(sys._getframe()).gi_frame
assert code.f_code.co_filename == "built/elsewhere/_frames.py", code.f_code.co_filename
assert _frames.is_ours(code) and not _frames.is_ours(sys._getframe())
assert _lines.of_program(sys._getframe().f_code) and not _lines.of_program(code.f_code)
"""


def test_compiled_elsewhere(python, package, tmp_path):
    """The package's own code is known by the names that it was compiled with."""
    shutil.copytree(package, tmp_path / "packages", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "packages" / "holdfast"
    harness.plain(python.path, "-m", "compileall", "-q", "-b", "-d", "built/elsewhere", folder, env=python.environment())
    for source in folder.glob("*.py"):
        source.unlink()
    run(python, tmp_path / "packages", "-c", STRIPPED)


LEFT_ALONE = """
import sys
{before}
data = bytearray(300000)
len(data)
small = bytearray(200000)
len(small)
print(sys.gettrace() is None, any("holdfast" in name for name in sys.modules))
"""


def test_nothing_is_followed(python):
    """What is too small is not noticed; where lines cannot be followed, or the code not be loaded, one line says so."""
    outcome = followed(python, "-c", LEFT_ALONE.format(before=""), size="1MiB")
    assert (outcome.text_out(), outcome.text_err()) == ("True False\n", "")
    outcome = followed(python, "-c", LEFT_ALONE.format(before="sys.settrace(lambda *_: None)"))
    assert outcome.text_out() == "False False\n" and outcome.text_err().count("\n") == 1
    assert outcome.text_err().startswith("holdfast: --watch follows nothing: the program has a trace function")
    refuse = "sys.addaudithook(lambda event, given: {}['no ctypes'] if event == 'ctypes.dlopen' else None)"
    outcome = followed(python, "-c", LEFT_ALONE.format(before=refuse))
    assert outcome.text_out() == "True False\n"
    assert outcome.text_err() == "holdfast: --watch follows nothing: 'no ctypes'\n"
    refused = harness.traced("true", flags=("--watch", "100KiB"), expect=2)
    assert refused.text_err() == "holdfast: --watch takes sizes from 128KiB on, which '100KiB' is below\n"


FIRST_THERE = """
import sys
from unittest import mock
def made(builtins, modules):
    scope = {"__builtins__": {"bytearray": bytearray, "range": range, **builtins}}
    code = compile("data = bytearray(300000)\\nfor i in range(100): i + i\\ndel data", "inner.py", "exec")
    if modules is not None:
        with mock.patch.dict(sys.modules, modules, clear=True):
            eval(code, scope)
    else:
        eval(code, scope)
made({}, None)
made({"__import__": None}, {})
made({}, {"builtins": 1})
made({}, {"builtins": sys.modules["builtins"], "sys": sys, "_thread": sys.modules["_thread"]})
obj = bytearray(300000)
for i in range(100): i + i
print(len(obj))
"""


def test_first_met_in_a_narrow_scope(some_python):
    """Where code has other builtins, and sys.modules is empty, nothing is raised in the program."""
    outcome = followed(some_python, "-c", FIRST_THERE)
    assert outcome.text_out() == "300000\n" and "references to obj (bytearray" in outcome.text_err(), outcome.text_err()


CHILD = """
import os, sys
def made(label):
    data = bytearray(300000)
    again = data
    del data
    return len(again)
made("parent")
child = os.fork()
if not child:
    made("child")
    sys.exit()
print(os.waitpid(child, 0)[1])
"""


def test_big_objects_of_children(some_python):
    """A forked child's own are followed in it, and its parent's are not told again."""
    outcome = followed(some_python, "-c", CHILD)
    told = [part.partition(" ")[0] for part in outcome.text_err().split("holdfast: references to ")[1:]]
    assert outcome.text_out() == "0\n" and told == ["data", "data"], outcome.text_err()
    assert outcome.text_err().count("holdfast:") == 2


TANGLED = """
import signal, threading, time
class Box: pass
kept, problems = [], []
def ring(number, frame):
    raise TimeoutError
def work(seed):
    try:
        for number in range(60):
            data = bytearray(300000 + seed)
            data.extend(bytes(100000))
            box = Box()
            box.rows = [None] * 50000
            box.rows += [1] * 40000
            kept.append(data)
            if len(kept) > 3: kept.pop(0)
    except BaseException as error:
        problems.append(error)
signal.signal(signal.SIGALRM, ring)
threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
for one in threads: one.start()
caught = 0
for _ in range(3):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        while True:
            again = bytearray(300000)
            len(again)
    except TimeoutError:
        caught += 1
for one in threads: one.join()
print(caught, problems)
"""


def test_among_threads_and_signals(any_python):
    """Blocks that come and go in many threads, and signals' handlers that raise: the program goes its way."""
    if any_python.version < (3, 12):
        pytest.skip("there, the interpreter's hook for C may lose what a handler raises")
    outcome = followed(any_python, "-c", TANGLED)
    assert outcome.text_out() == "3 []\n" and "failed" not in outcome.text_err(), outcome.text_err()


FIRST = """
import sys
before, modules = list(sys.path), set(sys.modules)
sys.path.insert(0, sys.argv[1])
def made():
    data = bytearray(300000)
    return len(data)
made()
added = set(sys.modules) - modules - ({"atexit"} if sys.version_info < (3, 10) else set())  # which can be there only once
print(sorted(added), sys.path.pop(0) == sys.argv[1] and sys.path == before)
import ctypes, threading
print(threading.current_thread() is threading.main_thread(), ctypes.CDLL(None).abs(-4), ctypes.sizeof(ctypes.POINTER(ctypes.c_int)))
"""
NAMES = """_weakrefset codecs collections contextlib copyreg ctypes enum functools heapq html io json keyword linecache operator queue re
reprlib struct threading token tokenize traceback types typing warnings weakref""".split()


PUT_BACK = """
import doctest, sys
def double(number):
    \"\"\"
    >>> double(4)
    8
    \"\"\"
    return number * 2
big = bytearray(3 << 20)
print(sys.gettrace(), doctest.testmod())
sys.settrace(sys.gettrace())
print(double(5), sys.gettrace())
"""


def test_a_trace_function_that_is_put_back(some_python, tmp_path):
    """As doctest does: what the program finds in place of one it can set again."""
    program = tmp_path / "put_back.py"
    program.write_text(PUT_BACK)
    outcome = harness.traced(some_python.path, program, flags=("-q", "--watch", "1MiB"), env=some_python.environment())
    assert outcome.text_out().splitlines() == ["None TestResults(failed=0, attempted=1)", "10 None"]
    assert "Exception" not in outcome.text_err()


def test_the_programs_modules(any_python, tmp_path):
    """None of them is taken for the standard library's, and none is added; nor is the thread that loads our code taken for the
    main one, as that would be which imports `threading` first."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the program has imported this')\n")
    outcome = followed(any_python, "-S", "-c", FIRST, tmp_path)
    assert outcome.text_out() == "[] True\nTrue 4 8\n"
    assert re.fullmatch(r"holdfast: references to data .*:\n(  <string>:\d.*\n){2}", outcome.text_err()), outcome.text_err()


LATE = """
import atexit
def late():
    data = bytearray(300000)
    again = data
    del again
    print(len(data))
atexit.register(late)
"""


def test_the_first_in_an_exit_handler(any_python):
    """From 3.12 on no thread can be started there, and 3.8 complains of a call that is left with it."""
    outcome = followed(any_python, "-c", LATE)
    assert (outcome.text_out(), outcome.text_err()) == ("300000\n", "")


CLOSED = """
import sys
class Closed:
    def write(self, text):
        raise ValueError("closed")
    def flush(self):
        pass
sys.modules["ctypes"] = None
sys.stderr = Closed()
data = bytearray(300000)
len(data)
print("goes on")
"""


def test_a_failure_that_cannot_be_told(some_python):
    outcome = followed(some_python, "-c", CLOSED)
    assert (outcome.text_out(), outcome.text_err()) == ("goes on\n", "")


PATCHED = """
import _thread
class Greenlet:
    def __call__(self, *arguments):
        raise SystemExit("this starts no thread")
_thread.start_new_thread = Greenlet()
def made():
    data = bytearray(300000)
    return len(data)
made()
"""


def test_beside_patched_threads(python):
    """What starts greenlets in the place of threads (gevent) is left alone."""
    assert followed(python, "-c", PATCHED).text_err().startswith("holdfast: references to data (bytearray, 293 KiB)")


RELEASED = """
import sys, weakref, holdfast
class Kept: pass
def run():
    kept = Kept()
    reference = weakref.ref(kept)
    big = [kept]
    holdfast.watch(big, "big")
    del kept
    sys.settrace(None)
    del big
    return reference
print(run()() is None)
"""


def test_following_that_ends_by_itself(some_python, package):
    """Nothing is held any more then: no line would come at which it is let go."""
    outcome = run(some_python, package, "-c", RELEASED)
    told = "followed until the program set a trace function of its own" in outcome.text_err()
    assert outcome.text_out() == "True\n" and told == (some_python.version < (3, 12))


NOBODYS = """
import ctypes
rows = [{"a": number, "b": [number]} for number in range(900)]
def work():
    mine = rows
    for _ in range(300):
        block = libc.malloc(300000)
        for _ in range(10):
            mine = rows
        libc.free(block)
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
work()
"""


def test_blocks_of_nobody(python):
    """Looks at all that the variables refer to end, as none of the first blocks had an object."""
    told = followed(python, "-c", NOBODYS).text_err()
    left_out = re.search(r"0 objects were followed; (\d+) more blocks .*too long was looked for objects in vain", told)
    unfound = re.search(r"of (\d+) blocks of that size no object was found", told)
    assert left_out and unfound and int(left_out[1]) + int(unfound[1]) <= 300 and int(left_out[1]) > 200, told


HELD = """
import gc
gc.disable()
def cycle():
    mine = [None] * (1 << 20)
    mine[0] = mine
    return len(mine)
def later():
    return len([0] * (2 << 20))
cycle()
later()
"""


BESIDE_LINES = """
def rows_of(kept, count):
    for i in range(count):
        row = {"a": i}
        kept.append(row)
        part = [i]
        kept.append(part)
        row = part = None
def process():
    data = bytearray(60 << 20)
    total = len(data)
    rows = []
    rows_of(rows, 60000)
    return total + len(rows)
process()
"""


def test_snapshots_while_lines_are_followed(some_python, tmp_path):
    """Our code that runs at each line is neither a holder nor the place where what the program makes was allocated; and, where
    the interpreter does not put other instructions in the place of the program's, variables that are not used again are known."""
    program = tmp_path / "rows.py"
    program.write_text(BESIDE_LINES)
    main = followed(some_python, program, size="50MiB").report().main
    holders = main.fields["peak"]["holders"]
    assert "<holdfast>" not in json.dumps([[one["path"], one["others"]] for one in holders])
    [data] = [one for one in holders if one["bytes"] >= 60 << 20]
    assert data["path"].startswith("data in process()")
    if some_python.version < (3, 12):
        assert data["verdict"] == "dead", data
    ours = sum(site.blocks for site in main.sites if "<holdfast>/_" in site.stack[-1]["file"] and any(
        frame["function"] == "rows_of" for frame in site.stack))
    assert ours < 6000 < 60000 < sum(site.blocks for site in main.sites), ours


def test_verdicts_beside_a_watch(some_python):
    """What is garbage is told as in a run without it: its own reference is nobody's."""
    def verdicts(outcome):
        holders = outcome.report().main.fields["peak"]["holders"]
        return {one["path"]: (one["verdict"], one["saves_bytes"]) for one in holders if one["bytes"] > 4 << 20}
    watched = followed(some_python, "-c", HELD)
    assert "references to mine" in watched.text_err()
    alone = verdicts(harness.traced(some_python.path, "-c", HELD, env=some_python.environment()))
    assert verdicts(watched) == alone and "garbage" in dict(alone.values()), alone
