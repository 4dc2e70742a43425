"""The cycle collector's runs, against what a program counts by gc.callbacks."""
import json
import re
from pathlib import Path

import harness
import pytest

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


@pytest.fixture
def memory_is_readable():
    """At 1 the program lets the collector read it; beyond that, the system's administrator alone could."""
    if SCOPE.exists() and int(SCOPE.read_text()) > 1:
        pytest.skip("Yama lets nobody read other processes")


@pytest.mark.usefixtures("memory_is_readable")
def test_counts(any_python, package):
    outcome = harness.traced(any_python.path, harness.PROGRAMS / "gc_runs.py", flags=("-q", "--no-holders"),
                             env=any_python.environment(PYTHONPATH=str(package)))
    truth, told = json.loads(outcome.text_out()), outcome.report().processes[0].fields["collections"]
    young, middle, old = told["by_generation"]
    assert [young, middle] == truth["counts"][:2]
    assert truth["counts"][2] <= old <= truth["counts"][2] + 8  # some more while the interpreter ends
    assert told["count"] == young + middle + old == sum(run["count"] for run in told["runs"])
    assert sum(run["objects"] for run in told["runs"]) >= sum(truth["objects"])
    times = [run["time_s"] for run in told["runs"]]
    assert times == sorted(times) and {run["generation"] for run in told["runs"]} >= {1, 2}
    assert 0 <= told["longest_s"] <= told["paused_s"] or told["longest_s"] == 0


def run_pauses(some_python, package):
    """Durations as the program counted them, the rows of the same collections, and the run."""
    outcome = harness.traced(some_python.path, harness.PROGRAMS / "gc_pauses.py", flags=("-q", "--no-holders"),
                             env=some_python.environment(PYTHONPATH=str(package)))
    truth, process = json.loads(outcome.text_out()), outcome.report().processes[0].fields
    [region] = [region for region in process["regions"] if region["name"] == "measured"]
    runs = [run for run in process["collections"]["runs"] if region["begin_s"] - 0.03 <= run["time_s"] <= region["end_s"]]
    assert sum(run["count"] for run in runs) == len(truth) == 8 and {run["generation"] for run in runs} == {2}
    return truth, [run for run in runs if run["count"] == 1 and run["duration_s"]], outcome


@pytest.mark.usefixtures("memory_is_readable")
def test_pauses(some_python, package):
    """Each collection that lasts is seen by itself, and takes as long as the program says; what it gave back had waited.

    A collector that is kept from its work may miss some, and sees a beginning or an end late: of five runs,
    one goes undisturbed."""
    for _ in range(5):
        truth, seen, outcome = run_pauses(some_python, package)
        told, counted = sum(run["duration_s"] for run in seen), len(seen) * sum(truth) / len(truth)
        if len(seen) >= 6 and told == pytest.approx(counted, rel=0.2, abs=len(seen) * 0.015):
            break
    else:
        pytest.fail(f"{len(seen)} of 8 collections seen, {told} s in place of {counted}")
    assert sum(run["freed_bytes"] >= 4_900_000 for run in seen) >= 5
    waited = re.search(r"; 38\d MiB waited up to (\d+\.\d+) s for a full one", harness.report_text(outcome.profile, "text"))
    assert waited and float(waited[1]) >= 0.2


def test_none():
    """A program without an interpreter has none to count."""
    outcome = harness.traced("/bin/true")
    assert outcome.report().processes[0].fields["collections"] is None
