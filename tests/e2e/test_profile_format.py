"""The profile's description is complete: a reader made from it agrees with Holdfast's own."""
import json

import harness
from read_profile import Profile

PROGRAM = """
import subprocess, sys, threading
def keep(count):
    return [bytearray(1000 + i) for i in range(count)]
def work():
    kept.append(keep(500))
kept = [keep(300)]
thread = threading.Thread(target=work, name="worker-3")
thread.start()
thread.join()
subprocess.run([sys.executable, "-c", "x = bytearray(20_000_000)"])
"""


def sites_of(fields):
    """As Profile.peak_sites gives them."""
    return {(tuple((frame["function"], frame["file"], frame["line"]) for frame in site["stack"]),
             site["kind"]): [site["bytes"], site["blocks"]] for site in fields["sites"]}


def test_second_reader_agrees(python):
    outcome = harness.traced(python.path, "-c", PROGRAM)
    report = json.loads(harness.report_text(outcome.profile))
    profile = Profile(outcome.profile)
    assert profile.run["command"] == report["command"]
    assert profile.run["peak"] == report["tree_peak"]["bytes"]
    assert len(profile.processes) == len(report["processes"]) >= 2
    for number, (own, fields) in enumerate(zip(profile.processes, report["processes"])):
        assert (own["pid"], own["ppid"], own["command"]) == \
            (fields["pid"], fields["ppid"], fields["command"])
        assert own["status"] == (fields["exit"]["status"] or 0)
        assert own["peak"] == fields["peak"]["bytes"]
        assert profile.peak_sites(number) == sites_of(fields["peak"])
    timeline = [(point["time"], point["bytes"]) for point in profile.points]
    shown = [point for fields in [report, *report["processes"]] for point in fields["timeline"]]
    assert sorted(size for _, size in timeline) == sorted(point[1] for point in shown)
