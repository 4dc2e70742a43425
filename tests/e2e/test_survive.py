"""Whatever ends the program, or Holdfast itself: the profile is there, and the program is as it was."""
import mmap
import os
import random
import re
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

import harness
from harness import plain, traced, wait_for

KILLS = int(os.environ.get("HOLDFAST_KILLS", "200" if harness.FULL else "24"))
ENDINGS = re.findall(r'^    "([^"]+)":', (harness.PROGRAMS / "endings.py").read_text(), re.M)


class Page:
    """The page that noted.py writes, from this side."""

    def __init__(self, folder):
        self.path = folder / "page"
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)

    def numbers(self):
        return dict(zip(("live", "highest", "pending", "steps"), struct.unpack_from("4q", self.memory)))

    @property
    def pid(self):
        return struct.unpack_from("q", self.memory, 1024)[0]

    def wait_for_steps(self, steps, process):
        limit = time.monotonic() + harness.TIME_LIMIT
        while self.numbers()["steps"] < steps:
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < limit, "it does not get there"
            time.sleep(0.0001)  # or it would take the processor from what is waited for


def start_noted(python, helpers, page, mode, seed):
    profile = harness.new_profile_path()
    command = [harness.holdfast_binary(), "run", "-q", "-o", profile, "--", python.path,
               harness.PROGRAMS / "noted.py", helpers, page.path, mode, seed]
    process = subprocess.Popen([str(word) for word in command], env=python.environment(),
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return process, profile


# In four parts, so that processors share them.
@pytest.mark.parametrize("part", range(4))
def test_killed_at_a_random_moment(python, helpers, tmp_path, part):
    wrong = []
    for seed in range(part, KILLS, 4):
        page = Page(tmp_path)
        process, profile = start_noted(python, helpers, page, ["cdll", "pydll"][seed // 4 % 2], seed)
        try:
            page.wait_for_steps(random.Random(seed).choice([200, 5000, 100000]) + seed * 7, process)
            os.kill(page.pid, signal.SIGKILL)
        finally:
            process.communicate(timeout=harness.TIME_LIMIT)
        notes = page.numbers()
        main = harness.Report(harness.report_text(profile)).main
        found = main.total(function="note", kinds=["heap"])
        if found not in {notes["highest"], max(notes["highest"], notes["live"] + notes["pending"])}:
            wrong.append((seed, found, notes))
        if process.returncode != -signal.SIGKILL:
            wrong.append((seed, "status", process.returncode))
    assert wrong == []


@pytest.mark.parametrize("way", ENDINGS)
def test_endings(python, way):
    program = harness.PROGRAMS / "endings.py"
    without = plain(python.path, program, way, env=python.environment())
    outcome = traced(python.path, program, way, expect=None, env=python.environment())
    assert (outcome.status, outcome.stdout) == (without.status, without.stdout)
    assert without_addresses(outcome.stderr) == without_addresses(without.stderr)
    process = outcome.report().main
    assert process.total(function="hold") == 5000003 + 33
    if way == "failed-exec":
        assert process.total(function="hold_more") == 6000003 + 33


def without_addresses(text):
    return re.sub(rb"0x[0-9a-f]+", b"0x", text)


def test_report_says_how_it_ended(python):
    program = harness.PROGRAMS / "endings.py"
    for way, wanted in [("exit", {"status": 3, "signal": None}), ("kill", 9), ("abort", 6)]:
        ended = traced(python.path, program, way, expect=None,
                       env=python.environment()).report().fields["exit"]
        if isinstance(wanted, int):
            assert ended["signal"] in (wanted, signal.Signals(wanted).name)
        else:
            assert ended == wanted


AFTER_THE_COLLECTOR = """
import os, sys, time
folder = sys.argv[1]
held = [bytes(1000) for _ in range(10000)]
open(folder + "/ready", "w").close()
while not os.path.exists(folder + "/go"):
    held.append(bytes(1000))
    time.sleep(0.001)
for _ in range(200000):
    held.append(bytes(1000)); held.pop()
children = [os.fork() for _ in range(1)]
if children[0] == 0:
    os._exit(0)
os.wait()
os.system("exit 0")
with open(folder + "/done", "w") as file:
    file.write("all done")
print("all done")
sys.exit(5)
"""


def collectors(binary):
    """Every process that runs this very executable."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.path.samefile(entry / "exe", binary):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda number: number.name)
def test_collector_killed(python, tmp_path, number):
    """The program does not notice: it finishes its work and gives its status."""
    program = tmp_path / "after.py"
    program.write_text(AFTER_THE_COLLECTOR)
    process = subprocess.Popen(
        [str(harness.holdfast_binary()), "run", "-o", str(harness.new_profile_path()), "--", python.path,
         str(program), str(tmp_path)], env=python.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        wait_for((tmp_path / "ready").exists)
        family = harness.descendants(process.pid)
        ours = [pid for pid in collectors(harness.holdfast_binary()) if pid in family]
        assert ours
        # Where the command that was typed is a process of its own, it lives to hand the status on.
        victims = [pid for pid in ours if pid != process.pid] or ours
        for pid in victims:
            os.kill(pid, number)
    finally:
        (tmp_path / "go").touch()
    wait_for((tmp_path / "done").exists)
    output, _ = process.communicate(timeout=harness.TIME_LIMIT)
    assert output == b"all done\n"
    if process.pid not in victims:
        assert process.returncode == 5


DAMAGE = """
import os, random, re, sys
chance = random.Random(int(sys.argv[1]))
held = [bytes(1000) for _ in range(20000)]
for line in open("/proc/self/maps"):
    match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-s .*memfd:", line)
    if match:
        start, end = int(match[1], 16), int(match[2], 16)
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            for _ in range(200):
                memory.seek(start + chance.choice([chance.randrange(0, end - start - 64),
                                                   chance.randrange(0, min(16384, end - start - 64))]))
                memory.write(bytes(chance.randrange(256) for _ in range(chance.choice([1, 8, 64]))))
os.write(1, b"damaged\\n")
os._exit(0)
"""


@pytest.mark.parametrize("seed", range(40 if harness.FULL else 12))
def test_rings_damaged(python, tmp_path, seed):
    """A program that writes into its rings hurts itself at most: the collector goes on to the end."""
    program = tmp_path / "damage.py"
    program.write_text(DAMAGE)
    outcome = traced(python.path, program, seed, expect=None, env=python.environment())
    assert outcome.profile.exists(), outcome.text_err()
    harness.report_text(outcome.profile)
    assert outcome.status >= 0 or -outcome.status in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)


def test_disk_full(python, tmp_path):
    """The program still runs as ever; one line says that there is no profile."""
    small = tmp_path / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=8k none "$0" && head -c 8192 /dev/zero >"$0/filler"; exec "$@"'
    outcome = plain("unshare", "-m", "sh", "-c", script, small, harness.holdfast_binary(), "run", "-q",
                    "-o", small / "out.holdfast", "--", python.path, "-c",
                    "import json, asyncio; print('as ever'); exit(3)", env=python.environment())
    if b"unshare:" in outcome.stderr or b"mount:" in outcome.stderr:
        pytest.skip("may not mount")
    assert (outcome.status, outcome.stdout) == (3, b"as ever\n")
    said = outcome.text_err().splitlines()
    assert len(said) == 1 and said[0].startswith("holdfast:")
