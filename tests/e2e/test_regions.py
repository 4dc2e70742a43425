"""Regions: what each allocated itself, exactly, against programs that keep their own books."""
import subprocess

import pytest

import harness
from harness import MB
from read_profile import Profile


@pytest.fixture(scope="module")
def counted(compile_program):
    return compile_program("regions.c", "-ldl")


def regions_of(process):
    found = {" > ".join(region["path"]): region for region in process.fields["regions"]}
    assert len(found) == len(process.fields["regions"])
    for region in found.values():
        assert sum(site["bytes"] for site in region["sites"]) == region["peak"]["bytes"]
        assert sum(site["kept_bytes"] for site in region["sites"]) == region["kept_bytes"]
        assert region["process"]["peak_bytes"] >= max(region["process"]["begin_bytes"], region["process"]["end_bytes"])
        assert region["begin_s"] <= region["peak"]["time_s"] <= region["end_s"]
    return found


def booked(outcome):
    """(name, peak, kept) by the program's books, which agree with what the library told it."""
    rows = [line.split() for line in outcome.text_out().splitlines()]
    assert all(row[-4:-2] == row[-2:] for row in rows), rows
    return [(" ".join(row[:-4]), int(row[-4]), int(row[-3])) for row in rows]


def assert_agrees(found, books):
    """Of the regions of one name, the one with the highest peak is told."""
    for name in {name for name, _, _ in books}:
        own = [(peak, kept) for other, peak, kept in books if other == name]
        [region] = [one for one in found.values() if one["name"] == name]
        assert (region["peak"]["bytes"], region["kept_bytes"]) == max(own, key=lambda pair: pair[0]), name
        assert (region["count"], region["all_kept_bytes"]) == (len(own), sum(kept for _, kept in own)), name
        assert region["unclosed"] == 0


@pytest.mark.parametrize("flags", [["-q"], ["-q", "--keep-events"], ["-q", "--no-holders"]], ids=" ".join)
def test_exact(counted, flags):
    outcome = harness.traced(counted, "plain", flags=flags)
    found = regions_of(outcome.report().main)
    books = booked(outcome)
    assert len(books) == 2 + 100 + 2
    assert_agrees(found, books)
    assert found["outer > inner"]["name"] == "inner" and found["first > second"]
    # Of the process: a block from before that goes meanwhile is in its growth, not in the region's bytes
    outer = found["outer"]
    assert outer["process"]["growth_bytes"] == outer["kept_bytes"] - 1000003


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_by_chance(counted, seed):
    """Thousands of regions that cross each other, from few stacks: each is told as it was."""
    outcome = harness.traced(counted, "chance", seed)
    found, books = regions_of(outcome.report().main), booked(outcome)
    assert len(books) > 3000
    for name in "abcde":
        own = [(peak, kept) for other, peak, kept in books if other == name]
        rows = [region for region in found.values() if region["name"] == name]
        assert sum(region["count"] for region in rows) == len(own)
        assert sum(region["all_kept_bytes"] for region in rows) == sum(kept for _, kept in own)
        assert max(region["peak"]["bytes"] for region in rows) == max(own)[0]


def test_two_threads_at_once(counted):
    outcome = harness.traced(counted, "threads")
    found, books = regions_of(outcome.report().main), booked(outcome)
    assert len(books) == 2
    assert_agrees(found, books)
    assert all(region["threads"] == "one" for region in found.values())


def test_fork(counted):
    outcome = harness.traced(counted, "fork")
    parent, child = outcome.report().processes
    assert_agrees(regions_of(parent), [row for row in booked(outcome) if row[0] == "outer"])
    assert_agrees(regions_of(child), [row for row in booked(outcome) if row[0] == "child"])
    assert set(regions_of(child)) == {"child"} and child.peak >= 9000000


@pytest.mark.parametrize("how, status", [("open", 0), ("killed", -9)])
def test_never_ended(counted, how, status):
    found = regions_of(harness.traced(counted, how, expect=status).report().main)
    assert (found["outer"]["unclosed"], found["outer > inner"]["unclosed"]) == (1, 1)
    assert (found["outer"]["peak"]["bytes"], found["outer"]["kept_bytes"]) == (1777777, 777777)
    assert (found["outer > inner"]["peak"]["bytes"], found["outer > inner"]["kept_bytes"]) == (1000000, 0)


def test_more_names_than_are_kept(counted):
    """New names are left out from some number on, and nothing else is: neither regions nor the process."""
    outcome = harness.traced(counted, "many", 70000)
    process = outcome.report().main
    found = regions_of(process)
    assert outcome.text_out().split() == ["-2", "0", "50000000"]
    assert len(found) == 65536 and 50000000 <= process.peak < 50100000
    assert (found["0"]["peak"]["bytes"], found["0"]["count"]) == (50000000, 2)
    assert all(found[str(i)]["peak"]["bytes"] == 1000 + i for i in range(1, 65535))
    profile = Profile(outcome.profile)
    assert any("left out" in profile.strings[row["string"]] for row in profile.warnings)


def test_open_at_an_early_report(counted):
    """Once the command has ended, what it started is told as it is so far; and when that ends, as it was."""
    path = harness.new_profile_path()
    run = subprocess.Popen([harness.holdfast_binary(), "run", "-q", "-o", path, "--", counted, "survivor"],
                           stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def told():
        fields = harness.Report(harness.report_text(path)).processes[1].fields
        [region] = fields["regions"]
        return region["unclosed"], region["count"], region["peak"]["bytes"], region["kept_bytes"]
    try:
        assert run.wait(timeout=harness.TIME_LIMIT) == 0
        early = told()
    finally:
        run.stdin.close()
    assert early == (1, 1, 1000000, 1000000)
    harness.wait_for(lambda: told() != early)
    assert told() == (0, 1, 8000000, 7000000)


def test_untraced(counted):
    """The same program runs as it is."""
    outcome = harness.plain(counted, "plain")
    assert outcome.status == 0 and len(outcome.text_out().splitlines()) == 104


def test_python(any_python, package):
    environment = any_python.environment(PYTHONPATH=str(package))
    outcome = harness.traced(any_python.path, harness.PROGRAMS / "regions.py", "traced", env=environment)
    found = regions_of(outcome.report().main)
    assert len(found) == 7
    for path, region in found.items():
        expected = int(region["name"].partition(",")[0]) * MB
        assert expected <= region["peak"]["bytes"] < expected + MB, path
        assert 0 <= region["kept_bytes"] - (5 * MB if "keeps 5" in region["name"] else 0) < MB or "raised" in path
    assert {"30, keeps 5 > 20", "81, all threads > 40", "81, all threads > 41"} < set(found)
    assert found["81, all threads"]["threads"] == "all" and found["7, raised"]["kept_bytes"] > 7 * MB
    if any_python.known:
        [site] = [site for site in found["9"]["sites"] if site["bytes"] > 9 * MB]
        assert [frame["function"] for frame in site["stack"]][-2:] == ["decorated", "hold"]


NINE_DEEP = """
import contextlib, holdfast
with contextlib.ExitStack() as stack:
    regions = [stack.enter_context(holdfast.region(f"{depth}")) for depth in range(9)]
print(regions[7].figures().peak >= 0)
try:
    regions[8].figures()
except holdfast.NotTraced as error:
    print(error)
"""


def test_python_left_out(python, package):
    """One that is not followed has no figures, and says why, without a wait for them."""
    environment = python.environment(PYTHONPATH=str(package))
    outcome = harness.traced(python.path, "-c", NINE_DEEP, env=environment)
    answered, why = outcome.text_out().splitlines()
    assert answered == "True" and "the region was left out: it was more than eight deep" in why


TWO_THREADS = """\
import threading
import holdfast

shared = holdfast.region("shared")
begun, ended = threading.Event(), threading.Event()

def other():
    with shared:
        begun.set()
        ended.wait()
        bytearray(20_000_000)

thread = threading.Thread(target=other)
with shared:
    thread.start()
    begun.wait()
    bytearray(5_000_000)
ended.set()
thread.join()
"""


def test_python_threads_share_a_region(python, package, tmp_path):
    """Each ends what it has begun itself, though the other began later."""
    (tmp_path / "shared.py").write_text(TWO_THREADS)
    outcome = harness.traced(python.path, tmp_path / "shared.py", env=python.environment(PYTHONPATH=str(package)))
    found = [region for region in outcome.report().main.fields["regions"] if region["name"] == "shared"]
    assert 20_000_000 <= max(region["peak"]["bytes"] for region in found) < 21_000_000
    assert sum(region["count"] for region in found) == 2 and not any(region["unclosed"] for region in found)


def test_python_untraced(python, package):
    environment = python.environment(PYTHONPATH=str(package))
    outcome = harness.plain(python.path, harness.PROGRAMS / "regions.py", env=environment)
    assert (outcome.status, outcome.stderr) == (0, b"")


def test_text(python, package):
    environment = python.environment(PYTHONPATH=str(package))
    outcome = harness.traced(python.path, harness.PROGRAMS / "regions.py", "traced", env=environment)
    lines = harness.report_text(outcome.profile, "text").splitlines()
    at = lines.index("  regions, by the highest that each allocated itself:")
    assert "81, all threads; kept" in lines[at + 1] and "81." in lines[at + 1]
    assert any("30, keeps 5; kept 5.0" in line for line in lines[at:at + 8])


def test_second_reader_agrees(counted):
    outcome = harness.traced(counted, "plain")
    found = regions_of(outcome.report().main)
    profile = Profile(outcome.profile)
    names = [profile.strings[row["name"]] for row in profile.regions]
    assert sorted(names) == sorted(region["name"] for region in found.values())
    for row in profile.regions:
        [region] = [one for one in found.values() if one["name"] == profile.strings[row["name"]]]
        assert (row["peak"], row["kept"], row["count"]) == \
            (region["peak"]["bytes"], region["kept_bytes"], region["count"])
    assert sum(row["peak"] for row in profile.region_sites) == sum(row["peak"] for row in profile.regions)


MARKED = """
import time, holdfast
time.sleep(0.4)
with holdfast.region("outer"):
    kept = bytes(5 << 20)
    time.sleep(0.4)
    with holdfast.region("inner"):
        time.sleep(0.4)
time.sleep(0.4)
last = bytes(40 << 20)
"""

# The colour of the time line's ground, near its top, at a time.
GROUND = """(time => {
    const points = JSON.parse(document.getElementById('data').textContent).timelines[0].points;
    const canvas = document.querySelector('#time canvas'), box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width;
    const over = document.querySelector('#time .u-over').getBoundingClientRect(), first = points[0], last = points[points.length - 3];
    const x = over.left - box.left + over.width * (time - first) / (last - first), y = over.top - box.top + 4;
    return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data].join(' ');
})(%f)"""


def test_shaded_over_time(browser, python, package, tmp_path):
    """A region's stretch of the time line has a ground of its own; an inner region's is darker."""
    environment = python.environment(PYTHONPATH=str(package))
    outcome = harness.traced(python.path, "-c", MARKED, env=environment)
    page = tmp_path / "page.html"
    page.write_text(harness.report_text(outcome.profile, "html"))
    outer, inner = (next(one for one in outcome.report().main.fields["regions"] if one["path"][-1] == name)
                    for name in ("outer", "inner"))
    tab = browser.open(page)
    times = [outer["begin_s"] - 0.2, (outer["begin_s"] + inner["begin_s"]) / 2, (inner["begin_s"] + inner["end_s"]) / 2, inner["end_s"] + 0.1]
    before, within, twice, after = (tab.run(GROUND % time) for time in times)
    assert before == after and len({before, within, twice}) == 3, (before, within, twice, after)
    assert "regions of the program" in tab.text("#time .legend") and tab.errors() == []
    tab.close()


NO_RESULT = """
import os, resource, holdfast
from holdfast import _regions
from holdfast._regions import _library

def naps(region):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    assert _library.measure(region, (_regions.ctypes.c_uint64 * 6)()) == -1
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before

first = _library.begin(b"first", 0)
if os.fork() == 0:
    os._exit(min(naps(first) // 1000, 255))
status = os.wait()[1]
_library.end(first)
for _ in range(20):
    with holdfast.region("later") as later:
        pass
later.figures()
print(status, naps(first) // 1000, naps(first + 1000) // 1000)
"""


def test_no_result_is_not_waited_for(python, package):
    """Of a region that is the parent's, one whose place later ones took, and one that never was."""
    outcome = harness.traced(python.path, "-c", NO_RESULT, env=python.environment(PYTHONPATH=str(package)))
    assert outcome.text_out() == "0 0 0\n"


OVERTAKEN = """
import holdfast
from holdfast._regions import _library

def late(*arguments):
    _library.turnover = turnover
    for _ in range(20):
        with holdfast.region("later") as later:
            pass
    later.figures()
    return turnover(*arguments)

with holdfast.region("first") as first:
    kept = bytearray(1 << 20)
turnover, _library.turnover = _library.turnover, late
figures = first.figures()
print(figures.peak >= 1 << 20, figures.churn, figures.kept_native)
"""


def test_others_that_end_meanwhile(python, package):
    """What was known before they took the place is told all the same."""
    outcome = harness.traced(python.path, "-c", OVERTAKEN, env=python.environment(PYTHONPATH=str(package)))
    assert outcome.text_out() == "True None None\n"
