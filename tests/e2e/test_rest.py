"""While the traced program does nothing, the collector hardly does anything either."""
import subprocess
import time
from pathlib import Path

import harness

WINDOW_S = 1
PROGRAM = """
import sys
print("ready", flush=True)
sys.stdin.read()
kept = [bytearray(100_000) for _ in range(100)]
print(len(kept))
"""


def collector_of(launcher):
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return next(child for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "holdfast")


def switches(pid):
    """How often its threads have gone to sleep."""
    status = [(task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for text in status)


def switches_in_a_window(pid):
    before = switches(pid)
    time.sleep(WINDOW_S)
    return switches(pid) - before


def test_sleeps_long_while_nobody_writes(python):
    profile = harness.new_profile_path()
    command = [harness.holdfast_binary(), "run", "-q", "-o", profile, "--", python.path, "-c", PROGRAM]
    with subprocess.Popen([str(word) for word in command], env=python.environment(),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout.readline() == b"ready\n"
        collector = collector_of(launcher.pid)
        harness.wait_for(lambda: switches_in_a_window(collector) < 60)  # it was 200
        assert launcher.communicate(b"")[0] == b"100\n"
        assert launcher.returncode == 0
    report = harness.Report(harness.report_text(profile))
    assert report.tree_peak > 10_000_000
