"""`holdfast.watch`: the listings of an object's references against hand-made ones, for what each interpreter really does."""
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
    """By label, the rows: line, count, changes."""
    found = {}
    for text in outcome.text_err().split("holdfast: references to ")[1:]:
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
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
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
