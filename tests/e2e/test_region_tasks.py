"""Regions of tasks that take turns in one thread: none is charged with what others do while its task waits."""
import harness
from test_regions import regions_of

MB = 10**6
SLACK = 64 << 10  # what a task's own machinery allocates: events, handles, frames


def within(value, expected):
    return expected <= value < expected + SLACK


def test_interleaved(some_python, package):
    environment = some_python.environment(PYTHONPATH=str(package))
    outcome = harness.traced(some_python.path, harness.PROGRAMS / "region_tasks.py", env=environment)
    lines = [line.rsplit(" ", 4) for line in outcome.text_out().splitlines()]
    assert len(lines) == 8
    for name, *numbers in lines:
        peak, kept, told_peak, told_kept = map(int, numbers)
        assert within(told_peak, peak) and within(told_kept, kept), (name, numbers)
    found = regions_of(outcome.report().main)
    for path, expected in {"decorated": 9, "shared": 7, "by hand 11": 11, "by hand 12": 12, "failing": 4,
                           "cancelled": 6, "turn 30": 32, "turn 30 > inner 30": 2}.items():
        assert within(found[path]["peak"]["bytes"], expected * MB), path
    assert found["shared"]["count"] == 3 and not any(region["unclosed"] for region in found.values())
    assert "closed" not in found  # it never ran


def test_untraced(python, package):
    environment = python.environment(PYTHONPATH=str(package))
    outcome = harness.plain(python.path, harness.PROGRAMS / "region_tasks.py", env=environment)
    assert (outcome.status, outcome.stderr) == (0, b"")
