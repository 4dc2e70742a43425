"""Who held a region's memory: looked at near the region's own peak, however far below the process's that is."""
import json
import re

import pytest

import harness
from test_regions import regions_of

MB = 10**6
PROGRAM = """\
import time
import holdfast

def before():
    high = bytearray(300_000_000)
    return len(high)

def load():
    first = bytearray(10_000_000)
    second = bytes(8 * len(first))
    return len(second)

def keep():
    global KEPT
    KEPT = bytearray(5_000_000)
    return len(bytes(60_000_000))

ELSEWHERE = bytearray(9_000_000)
before()
time.sleep(1)  # from which snapshots have their time, however slow the machine is
for _ in range(3):
    time.sleep(0.3)
    with holdfast.region("outer"), holdfast.region("load"):
        load()
for _ in range(3):
    time.sleep(0.3)
    with holdfast.region("keep"):
        keep()
with holdfast.region("tiny"):
    bytearray(1000)
"""


@pytest.fixture(scope="module")
def profile(package, tmp_path_factory):
    path = tmp_path_factory.mktemp("regions") / "job.py"
    path.write_text(PROGRAM)
    return harness.traced("/usr/bin/python3", path, env={"PYTHONPATH": str(package), "PATH": "/usr/bin:/bin"}).profile


def report(profile, *arguments, expect=0):
    done = harness.execute([harness.holdfast_binary(), "report", profile, *arguments])
    assert done.returncode == expect, done.stderr.decode()
    return (done.stdout if expect == 0 else done.stderr).decode()

# The pauses let the collector catch up, so that it is known what is live.
MANY = """\
import time
import holdfast
high = bytearray(200_000_000)
del high
base = [bytes(1000) for _ in range(40_000)]
for _ in range(600):
    time.sleep(0.002)
    with holdfast.region("turn"):
        bytes(60_000_000)
"""


def test_regions_that_double_what_is_live(package):
    """However many there are, what is told for them is paid for from their part of the budget."""
    outcome = harness.traced("/usr/bin/python3", "-c", MANY, env={"PYTHONPATH": str(package), "PATH": "/usr/bin:/bin"})
    process = outcome.report().main
    assert regions_of(process)["turn"]["count"] == 600
    assert 1 <= process.fields["snapshot_cost"]["count"] < 200


def test_json(profile):
    whole = harness.Report(harness.report_text(profile))
    assert whole.tree_peak > 300 * MB
    assert whole.main.fields["peak"]["snapshot"]["bytes"] > 300 * MB, "the peak's own snapshot is not given up for theirs"
    found = regions_of(whole.main)
    for name in ("outer", "outer > load"):
        peak = found[name]["peak"]
        assert 90 * MB <= peak["bytes"] < 91 * MB
        assert 0.9 * peak["bytes"] < peak["snapshot"]["bytes"] <= peak["bytes"] < peak["snapshot"]["process_bytes"]
        held = {holder["path"]: holder for holder in peak["holders"]}
        first = held["first in load() (job.py:10)"]
        assert 10 * MB <= first["bytes"] < 10.1 * MB and first["since_begin"] is True
        assert not any("ELSEWHERE" in path for path in held), "what was there before is not the region's"
    assert found["tiny"]["peak"]["snapshot"] is None and found["tiny"]["peak"]["holders"] == []


def test_text(profile):
    lines = report(profile).splitlines()
    at = next(i for i, line in enumerate(lines) if " outer > load, 3 times" in line)
    assert re.search(r"9.54 MiB  bytearray len 10000000, held by local `first` in load\(\), \S*job.py:10", lines[at + 1])


def test_report_of_one_region(profile):
    text = report(profile, "--region", "load")
    assert text.startswith("holdfast: region outer > load: peak 85.8 MiB")
    assert re.search(r"held by local `first` in load\(\), \S*job.py:10", text) and "second = bytes(8 * len(first))" in text
    assert "ELSEWHERE" not in text and "before()" not in text
    one = harness.Report(report(profile, "--region", "outer > load", "--format", "json"))
    assert one.main.fields["peak"]["resident"] is None and one.main.fields["collections"] is None, "the process's, not its own"
    assert one.fields["region"] == "outer > load" and 90 * MB <= one.tree_peak < 91 * MB
    assert one.main.peak == one.tree_peak and len(one.processes) == 1
    lines = report(profile, "--region", "load", "--format", "collapsed").splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == one.tree_peak
    assert 'digraph' in report(profile, "--region", "load", "--format", "dot", "--holder", "1")
    nothing = harness.Report(report(profile, "--region", "tiny", "--format", "json"))
    assert nothing.main.fields["peak"]["holders"] == [] and 1000 <= nothing.tree_peak < 3000
    assert "no region 'lo'" in report(profile, "--region", "lo", expect=2)
    assert "leave --snapshot out" in report(profile, "--region", "load", "--snapshot", "x", expect=2)


def test_pages(browser, profile, tmp_path):
    whole, one = tmp_path / "whole.html", tmp_path / "one.html"
    whole.write_text(report(profile, "--format", "html"))
    one.write_text(report(profile, "--region", "load", "--format", "html"))
    tab = browser.open(whole)
    table = tab.text("#regions")
    assert "whole run" in tab.text("#tables")
    assert "first in load() (job.py:10)" in table and "not looked at near its peak" in table
    tab.close()
    tab = browser.open(one)
    assert json.loads(tab.run("document.getElementById('data').textContent"))["region"] == "outer > load"
    assert "whole run" not in tab.text("#tables"), "what a region allocated in all is not known"
    assert "in the region outer > load" in tab.text("header") and "first in load()" in tab.text("main")
    assert tab.errors() == []
    tab.close()
    # A global's is in no finding: nothing is to be saved there.
    one.write_text(report(profile, "--region", "keep", "--format", "html"))
    tab = browser.open(one)
    assert "KEPT" in tab.text("#holders .holder-list") and "KEPT" in tab.text("#holders article")
    assert tab.run("document.querySelector('nav a[href=\"#holders\"]') !== null") and tab.errors() == []
    tab.close()


IN_A_CHILD = """
import gc, subprocess, sys
held = bytearray(60_000_000)
gc.collect()
subprocess.run([sys.executable, "-c", '''
import gc, holdfast
with holdfast.region("child"):
    block = bytearray(20_000_000)
    gc.collect()
'''], check=True)
"""


def test_region_of_a_child(browser, package, tmp_path):
    """What belongs to other processes, or to all of one, is not in the report of a region."""
    outcome = harness.traced("/usr/bin/python3", "-c", IN_A_CHILD,
                             env={"PYTHONPATH": str(package), "PATH": "/usr/bin:/bin"})
    one = harness.Report(report(outcome.profile, "--region", "child", "--format", "json"))
    assert len(one.processes) == 1 and 20 * MB <= one.tree_peak < 21 * MB
    page = tmp_path / "child.html"
    page.write_text(report(outcome.profile, "--region", "child", "--format", "html"))
    tab = browser.open(page)
    assert "in the region child" in tab.text("header") and tab.errors() == []
    tab.close()
