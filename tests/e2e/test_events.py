"""The event stream of --keep-events: played back, it gives the very sums that the profile holds."""
import collections

import pytest

import harness
from harness import traced, wait_for
from read_profile import KINDS, Profile

PROGRAM = harness.PROGRAMS / "events.py"
FLAGS = ("-q", "--keep-events")


class Sums:
    def __init__(self):
        self.live = self.peak = self.peak_ns = 0

    def add(self, size, now):
        self.live += size
        if self.live > self.peak:
            self.peak, self.peak_ns = self.live, now


class Replay:
    """Plays the events of a profile, following docs/profile-format.md."""

    def __init__(self, profile):
        self.now = self.process = 0
        self.tree = Sums()
        self.processes = collections.defaultdict(Sums)
        self.sites = collections.Counter()  # (process, site): live bytes
        self.apart = set()                  # processes that the tree does not count
        self.allocations = []               # (process, site, size), None once it is freed
        self.counts = collections.Counter()
        for name, values in profile.events():
            self.counts[name] += 1
            getattr(self, "play_" + name)(**values)

    def change(self, process, site, size):
        self.processes[process].add(size, self.now)
        self.sites[process, site] += size
        if process not in self.apart:
            self.tree.add(size, self.now)

    def play_alloc(self, site, size):
        self.allocations.append((self.process, site, size))
        self.change(self.process, site, size)

    def play_free(self, distance):
        assert 1 <= distance <= len(self.allocations)
        process, site, size = self.allocations[-distance]
        self.allocations[-distance] = None
        self.change(process, site, -size)

    def play_realloc(self, site, size, distance):
        self.play_free(distance)
        self.play_alloc(site, size)

    def play_realloc_moved(self, site, size, distance):
        self.play_alloc(site, size)
        self.play_free(distance + 1)

    def play_map(self, site, size):
        self.change(self.process, site, size)

    def play_unmap(self, site, size):
        self.change(self.process, site, -size)

    def play_time(self, number):
        self.now += number

    def play_process(self, number):
        self.process = number

    def play_start(self, number):
        assert number not in self.processes
        self.processes[number] = Sums()

    def play_leave(self, number):
        self.apart.add(number)
        self.tree.live -= self.processes[number].live

    def play_return(self, number):
        self.apart.remove(number)
        self.tree.add(self.processes[number].live, self.now)


def check(profile):
    replay = Replay(profile)
    assert replay.tree.peak == profile.run["peak"]
    assert replay.tree.peak_ns == profile.run["peak_ns"]
    assert len(profile.event_sites) == len(profile.processes)
    ends = collections.Counter()
    for (process, site), size in replay.sites.items():
        ends[(process, *profile.event_sites[process][site])] += size
    for number, row in enumerate(profile.processes):
        sums = replay.processes[number]
        assert (sums.peak, sums.peak_ns, sums.live) == (row["peak"], row["peak_ns"], row["end_bytes"])
    assert +ends == +collections.Counter(
        {(row["process"], row["node"], row["kind"]): row["end"] for row in profile.sites})
    assert all(kind < len(KINDS) for sites in profile.event_sites for _, kind in sites)
    return replay


def test_replay_gives_the_profile(some_python):
    outcome = traced(some_python.path, PROGRAM, flags=FLAGS, env=some_python.environment())
    profile = Profile(outcome.profile)
    assert profile.run["events"] == 1 and outcome.report().fields["has_events"]
    replay = check(profile)
    for name in ("free", "realloc", "realloc_moved", "map", "unmap", "time", "start", "leave", "return"):
        assert replay.counts[name], name
    assert replay.counts["alloc"] > 100000


def test_size(python):
    outcome = traced(python.path, PROGRAM, flags=(*FLAGS, "--no-holders"), env=python.environment())
    plain = traced(python.path, PROGRAM, flags=("-q", "--no-holders"), env=python.environment())
    events = sum(row["allocations"] + row["frees"] for row in Profile(outcome.profile).processes)
    grown = outcome.profile.stat().st_size - plain.profile.stat().st_size
    assert 0 < grown < 0.5 * events


def on_small_disk(*command):
    """Words that run a command in a mount space of its own, where the folder in $SMALL has 1 MB."""
    script = 'mount -t tmpfs -o size=1m none "$SMALL" && "$@" && cp "$SMALL"/* "$SMALL.out"'
    return ["unshare", "-m", "sh", "-c", script, "sh", *command]


def test_no_room_drops_the_events_only(python, tmp_path):
    small, kept = tmp_path / "small", tmp_path / "small.out"
    small.mkdir()
    kept.mkdir()
    program = tmp_path / "random_sizes.py"
    program.write_text("""
import random
kept = {}
for i in range(600000):
    kept[random.randrange(50000)] = bytes(random.randrange(2000))
""")
    environment = {**python.environment(), "SMALL": str(small)}
    if harness.execute(on_small_disk("touch", small / "x"), env=environment).returncode != 0:
        pytest.skip("needs to mount")
    outcome = harness.execute(on_small_disk(
        harness.holdfast_binary(), "run", "--keep-events", "-o", small / "out.holdfast", "--",
        python.path, program), env=environment)
    profile = Profile(kept / "out.holdfast")
    assert profile.run["events"] == 0 and not profile.event_stream
    assert {path.name for path in kept.iterdir()} == {"out.holdfast", "out.html", "x"}
    warnings = [line for line in outcome.stderr.decode().splitlines() if "event stream" in line]
    assert warnings[0] == "holdfast: the event stream was dropped: No space left on device"


def test_early_profile_has_events_too(python, tmp_path):
    """A process outlives the command: its profile is written twice."""
    outcome = traced(python.path, "-c", """
import os, sys, time
if os.fork() == 0:
    os.close(0), os.close(1), os.close(2)
    held = [bytes(1000) for _ in range(1000)]
    while os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    held += [bytes(1000) for _ in range(1000)]
    os._exit(0)
""", tmp_path, flags=FLAGS, env=python.environment())
    early = Profile(outcome.profile)
    assert early.run["complete"] == 0 and early.run["events"] == 1
    check(early)
    tmp_path.rmdir()
    wait_for(lambda: Profile(outcome.profile).run["complete"])
    late = Profile(outcome.profile)
    assert late.processes[1]["peak"] > early.processes[1]["peak"]
    check(late)
