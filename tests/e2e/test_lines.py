"""Stacks and lines, in every kind of frame and thread; see tests/programs/lines.py."""
import pytest

import harness
from harness import traced

PROGRAM = harness.PROGRAMS / "lines.py"


@pytest.fixture(scope="module")
def process_of(helpers):
    """The program's report on an interpreter; run once for all that look at it. It is too big to keep each."""
    done = {}

    def get(python):
        if python not in done:
            done.clear()
            done[python] = traced(python.path, PROGRAM, helpers, *greenlet(python),
                                  env=python.environment()).report().main
        return done[python]
    return get


def greenlet(python):
    there = harness.plain(python.path, "-c", "import greenlet", env=python.environment()).status == 0
    return ["greenlet"] if there else []


def test_lines_and_stacks(any_python, process_of):
    names = {"with_greenlet": len(greenlet(any_python))}
    broken = harness.complaints(process_of(any_python), PROGRAM, names)
    assert not broken, "\n" + "\n".join(broken)


def test_thread_without_python_frames_has_a_name(any_python, process_of):
    process = process_of(any_python)
    assert process.total(mentions="pure-c-thread") == 7 * 1001
    assert process.blocks(mentions="pure-c-thread") == 7


@pytest.mark.parametrize("name,size", [("by-another", 1201), ("by-itself", 2 * 1203),
                                       ("by-the-holder", 1205), ("by-itself-again", 2 * 1207)])
def test_the_last_name_of_a_thread_counts(any_python, process_of, name, size):
    assert process_of(any_python).total(mentions=name) == size


def test_code_that_comes_and_goes(any_python, process_of):
    found = {}
    for site in process_of(any_python).matching(kinds=["heap"]):
        found.setdefault(site.innermost.get("function"), []).append((site.place(), site.bytes))
    wrong = []
    for number in range(2000):
        sites = found.get(f"made_{number}")
        if sites != [((f"module_{number}.py", number % 97 + 3), 3000 + number)]:
            wrong.append((number, sites))
    assert wrong == []


def test_lines_far_apart(any_python, process_of):
    sites = process_of(any_python).matching(function="far", kinds=["heap"])
    assert sorted((site.bytes, site.place()[1]) for site in sites) == [
        (5003, 2), (5004, 302), (5005, 70303)]


def test_deep_recursion(any_python, process_of):
    deepest = max(process_of(any_python).matching(function="sink", kinds=["heap"]),
                  key=lambda site: site.bytes)
    assert deepest.functions().count("sink") == 100001
    lines = {frame["line"] for frame in deepest.stack if frame["function"] == "sink"}
    assert len(lines) == 2
    process = process_of(any_python).fields
    others = process["span_stacks"] + [site["stack"] for site in process["lifetimes"]["sites"]]
    assert 256 < max(map(len, others)) <= 257  # whole stacks of 100,000 frames are there once


def test_deep_stacks_that_differ_far_out(any_python):
    """What was called from each line, though only an outer frame's position tells the stacks apart."""
    process = traced(any_python.path, harness.PROGRAMS / "deep_lines.py").report().main
    found = {}
    for site in process.matching(function="hold", kinds=["heap"]):
        if site.bytes // site.blocks == 3001:
            line = next(frame["line"] for frame in site.stack if frame["function"] == "many_lines")
            found[line] = found.get(line, 0) + site.blocks
    lines = (harness.PROGRAMS / "deep_lines.py").read_text().splitlines()
    calls = {number: 30 * max(text.count("(DEPTH)"), 1) for number, text in enumerate(lines, 1)
             if number > lines.index("def many_lines():") + 3 and
             any(name in text for name in ("down(", "fall(", "looked", "next(", "map("))}
    assert len(calls) == 13
    assert found == calls


def test_objects_made_on_different_lines(any_python):
    """From 3.13 on, a frame of the interpreter's own stands between a class that is called and its __init__."""
    process = traced(any_python.path, harness.PROGRAMS / "made_lines.py").report().main
    lines = (harness.PROGRAMS / "made_lines.py").read_text().splitlines()
    found = {}
    for site in process.matching(function="__init__", kinds=["python"]):
        file, number = site.place()
        if file == "made_lines.py" and "bytes(SIZE)" in lines[number - 1]:
            line = next((frame["line"] for frame in site.stack if frame["function"] == "many_lines"), None)
            found[line] = found.get(line, 0) + site.bytes
    del found[None]  # a first call
    calls = {number: 3 * 30 * max(text.count("make("), 1) for number, text in enumerate(lines, 1)
             if lines.index("def many_lines():") + 1 < number < lines.index("def generate():") and
             any(name in text for name in ("make(", "Made(", "derive(", "Derived("))}
    assert len(calls) == 14
    size = 3 * (401 + any_python.sizes()["bytes_header"])  # of a call; the first one takes a little beside
    assert {line: found[line] // size for line in found} == calls


def frames_in(report):
    """Every frame that a part of a report has."""
    if isinstance(report, dict) and "function" in report:
        yield report
    elif isinstance(report, (dict, list)):
        for part in report.values() if isinstance(report, dict) else report:
            yield from frames_in(part)


@pytest.mark.parametrize("flags", [(), ("--native", "--lifetimes")], ids=["python", "native"])
def test_no_frame_stands_between_a_class_and_its_init(any_python, flags):
    """The one of 3.13 and later is in no source. Code of the program's own may have its name and its file."""
    report = traced(any_python.path, harness.PROGRAMS / "made_lines.py", flags=flags).report()
    assert {frame["line"] for frame in frames_in(report.fields)
            if (frame["function"], frame.get("file")) == ("__init__", "__init__")} == {3}
    lines = (harness.PROGRAMS / "made_lines.py").read_text().splitlines()
    stacks = [site.functions() for site in report.main.matching(file="made_lines.py", kinds=["python"])
              if "bytes(SIZE)" in lines[site.place()[1] - 1]]
    assert {tuple(stack[stack.index("many_lines") + 1:]) for stack in stacks if "many_lines" in stack} == {
        ("__init__",), ("make", "__init__"), ("__init__", "__init__"), ("derive", "__init__", "__init__")}
    assert report.main.total(line=3, file="__init__", kinds=["python"]) >= 30 * (
        5003 + any_python.sizes()["bytes_header"])


def test_subinterpreter(any_python, process_of):
    sites = process_of(any_python).matching(function="in_subinterpreter", kinds=["python"])
    assert [(site.place(), site.bytes) for site in sites] == [
        (("sub.py", 3), 1000003 + any_python.sizes()["bytes_header"])]


def test_unknown_version_gives_no_stacks(tmp_path):
    """Never wrong ones: what is newer than the tables has none, and a line says so."""
    import interpreters
    newer = [one for one in interpreters.everything() if not one.known]
    if not newer:
        pytest.skip("no interpreter that is too new")
    outcome = traced(newer[-1].path, "-c", "held = bytes(5000003)", flags=(),
                     env=newer[-1].environment())
    process = outcome.report().main
    assert process.peak > 5000003
    assert all(not frame.get("line") for site in process.sites for frame in site.stack)
    assert sum("stacks" in line and "Python" in line for line in outcome.text_err().splitlines()) == 1
