"""holdfast snapshot: a process that runs is asked for one, and what is said when there is none."""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import Report, descendants, execute, holdfast_binary, report_text

TELL = "import os, sys; print(os.getpid(), flush=True); "
WAITS = TELL + "sys.stdin.read()"  # and allocates nothing


class Running:
    """A program under Holdfast, until it is left: it ends when its stdin does."""

    def __init__(self, python, profile, code, *options):
        self.command = [str(word) for word in (holdfast_binary(), "run", "-q", "-o", profile, *options,
                                               "--", python.path, "-c", code)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.pid = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.communicate()


def living(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def ask(*arguments):
    outcome = execute([holdfast_binary(), "snapshot", *arguments])
    assert outcome.stdout == b""
    return outcome.returncode, outcome.stderr.decode().splitlines()


def refused(pid, reason):
    status, lines = ask(pid)
    assert status == 2 and len(lines) == 1, lines
    assert lines[0].startswith(f"holdfast: no snapshot of process {pid}: ") and reason in lines[0]


def test_untraced_process():
    sleeper = subprocess.Popen(["sleep", "100"])
    refused(sleeper.pid, "not traced")
    sleeper.kill()
    sleeper.wait()
    refused(sleeper.pid, "no such process")


def test_without_holders(python, tmp_path):
    with Running(python, tmp_path / "p", WAITS, "--no-holders") as running:
        refused(running.pid, "--no-holders")


def test_process_that_allocates_nothing(python, tmp_path):
    with Running(python, tmp_path / "p", WAITS) as running:
        status, lines = ask("--timeout", "1", running.pid)
        assert status == 1 and len(lines) == 1
        assert "allocated nothing for 1 s" in lines[0]
        status, lines = ask("--timeout", "3", running.pid)  # the request that was given up is no obstacle
        assert status == 1 and len(lines) == 2 and "waiting" in lines[0]


def test_without_the_gil(free_threaded, tmp_path):
    """What it waits for there is told."""
    busy = TELL + "import select\nwhile not select.select([0], [], [], 0)[0]: held = bytearray({})"
    with Running(free_threaded, tmp_path / "p", busy.format(60 << 10)) as running:
        status, lines = ask("--timeout", "1", running.pid)
        assert status == 1 and "no 128 KiB at once" in lines[0]
    with Running(free_threaded, tmp_path / "p", busy.format(1 << 20)) as running:
        assert ask(running.pid)[0] == 0


def test_collector_that_was_killed(python, tmp_path):
    with Running(python, tmp_path / "p", WAITS) as running:
        for pid in descendants(running.process.pid) - {running.process.pid, running.pid}:
            assert Path(f"/proc/{pid}/comm").read_text() == "holdfast\n"
            os.kill(pid, signal.SIGKILL)
            while living(pid):  # one that is dying may still take a request
                time.sleep(0.01)
        refused(running.pid, "its collector has ended")


GROWS = TELL + "import select\nheld = []\nwhile not select.select([0], [], [], 0.01)[0]: held.append(bytearray(300000))"


def test_profile_of_a_run_that_goes_on(python, tmp_path):
    """Two on the way, with their snapshots or without; the last one is as if nobody had asked."""
    out, first, second = (tmp_path / name for name in ("p", "first", "second"))
    with Running(python, out, GROWS) as running:
        assert ask("-o", first, "--name", "now", running.pid) == (0, [])
        assert ask("-o", second, "--no-snapshot", running.pid) == (0, [])
        assert not out.exists()
    peaks = []
    for path in (first, second, out):
        report = Report(report_text(path))
        peaks.append(report.tree_peak)
        assert [snapshot["name"] for snapshot in report.main.fields["snapshots"] if snapshot["name"]] == ["now"]
    assert 0 < peaks[0] <= peaks[1] <= peaks[2]
    assert {path.name for path in tmp_path.iterdir()} == {"p", "first", "second"}


EXECS = f"import os, sys\nos.execv(sys.executable, [sys.executable, '-c', {WAITS!r}])"


@pytest.mark.parametrize("code", [WAITS, EXECS], ids=["itself", "after an exec"])
def test_a_run_that_goes_on_has_no_end(python, tmp_path, code):
    """An exec ends an image of the program, not the program."""
    out, first = tmp_path / "p", tmp_path / "first"
    with Running(python, out, code) as running:
        assert ask("-o", first, "--no-snapshot", running.pid) == (0, [])
    for path, text, status in ((first, "still running", None), (out, "exit status 0", 0)):
        assert Report(report_text(path)).fields["exit"] == {"status": status, "signal": None}
        assert text in execute([holdfast_binary(), "report", path]).stdout.decode()


def test_profile_that_cannot_be_written(python, tmp_path):
    with Running(python, tmp_path / "p", WAITS) as running:
        status, lines = ask("-o", tmp_path / "none" / "there", "--no-snapshot", running.pid)
        assert status == 2 and "cannot write" in lines[0] and len(lines) == 1
        status, lines = ask("-o", tmp_path, "--no-snapshot", running.pid)
        assert status == 2 and "not a regular file" in lines[0] and len(lines) == 1
    assert ask("--no-snapshot", "1")[0] == 2
