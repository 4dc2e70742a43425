"""When big blocks were touched, against a program that notes the times of its touches itself."""
import functools
import json
import re

import pytest

import harness

PHASES = ("lag", "use", "drag", "void")


def by_function(process, names):
    """Byte-seconds of each phase, by the function of the program that made the blocks."""
    found = {}
    for site in process["drag"]["sites"]:
        for name in names.intersection(frame["function"] for frame in site["stack"]):
            sums = found.setdefault(name, dict.fromkeys(PHASES, 0))
            for phase in PHASES:
                sums[phase] += site[phase]["byte_seconds"]
    return found


def skip_without_looks(outcome):
    if outcome.report().main.fields["drag"] is None:
        assert harness.looks_are_refused()
        pytest.skip("there are no looks on this machine")


@functools.lru_cache(None)
def timed_touches(python, span):
    return harness.traced(python.path, harness.PROGRAMS / "drag.py", str(span), flags=("-q", "--drag"))


def complaints(python, span):
    """What is more than 15 % off; of a phase that is hardly there, more than 5 % of the whole life."""
    outcome = timed_touches(python, span)
    skip_without_looks(outcome)
    truth, process = json.loads(outcome.stdout), outcome.report().main.fields
    measured = by_function(process, set(truth))
    assert set(truth) == set(measured)
    assert process["drag"]["left_out_blocks"] == 0
    assert process["drag"]["look_s"] < 0.03 * process["end_s"]
    return [(name, phase, measured[name][phase], expected) for name, phases in truth.items() for phase, expected in phases.items()
            if abs(measured[name][phase] - expected) > max(0.15 * expected, 0.05 * sum(phases.values()))]


def assert_timed(python):
    """A machine that is busy may keep the collector from looking, and for long after a look that lasted: then the
    program gets more time, of which the same delay is less."""
    for span in (0.6, 1.2, 2.4, 4.8, 9.6):
        wrong = complaints(python, span)
        if not wrong:
            return
    pytest.fail(f"{wrong}")


def test_timed_touches(some_python):
    assert_timed(some_python)


def test_timed_touches_without_the_gil(free_threaded):
    assert_timed(free_threaded)


def test_view(some_python):
    outcome = timed_touches(some_python, 0.6)
    skip_without_looks(outcome)
    text = harness.execute([harness.holdfast_binary(), "report", "--view", "drag", outcome.profile]).stdout.decode()
    assert text.startswith("holdfast: big blocks lay untouched for ")
    assert "__init__() drag.py:" in text and "never seen touched" in text and "looks at what was touched" in text
    page = harness.report_text(outcome.profile, "html")
    rows = json.loads(re.search(r'"drag":({"followed":true.*?\]})', page).group(1))["rows"]
    assert sum(row[6] for row in rows) == outcome.report().main.fields["drag"]["void"]["byte_seconds"] > 0


def test_without(some_python):
    """Nothing is known of a run without it, and its mappings are as they are without holdfast."""
    program = "block = bytearray(8 << 20); print(open('/proc/self/smaps').read().count(' rr '))"
    for flags, split in (((), False), (("--drag",), True)):
        outcome = harness.traced(some_python.path, "-c", program, flags=("-q", *flags))
        assert (outcome.stdout.strip() != b"0") == split
        assert split or outcome.report().main.fields["drag"] is None
    text = harness.execute([harness.holdfast_binary(), "report", "--view", "drag",
                            harness.traced(some_python.path, "-c", "pass").profile]).stdout.decode()
    assert "holdfast run --drag looks at that" in text


def test_kept_by_a_reallocation(some_python):
    """What a buffer keeps as it grows does not become the first to be swapped out. A look may come between, but not each time."""
    program = """
data = bytearray(b'x') * (8 << 20)
data.extend(bytes(1 << 20))
entries = open('/proc/self/smaps').read().split('VmFlags:')
print(max(int(one.split('Referenced:')[1].split()[0]) for one, flags in zip(entries, entries[1:]) if ' rr ' in flags.split('\\n')[0]))
"""
    kept = [int(harness.traced(some_python.path, "-c", program, flags=("-q", "--drag")).stdout) >> 10 for _ in range(3)]
    assert max(kept) >= 7


def test_same_as_plain(some_python):
    """Big blocks that are moved, shrunk and inherited by children have what was in them, and are moved without a copy."""
    program = """
import os
data = bytearray(b'x' * (3 << 20))
for step in range(40):
    data += b'%02d' % step * (1 << 21)
print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) << 10 < 1.5 * len(data))
pid = os.fork()
if pid == 0:
    data += b'y' * (4 << 20)
    os._exit(data.count(b'x') != 3 << 20 or data[-1:] != b'y')
print(os.waitpid(pid, 0)[1], len(data), hash(bytes(data)), data.count(b'39'))
del data[1 << 20:]
print(len(data), data.count(b'x'))
"""
    environment = {"PYTHONHASHSEED": "1"}
    plain = harness.plain(some_python.path, "-c", program, env=some_python.environment(**environment))
    traced = harness.traced(some_python.path, "-c", program, flags=("-q", "--drag"), env=some_python.environment(**environment))
    assert traced.stdout == plain.stdout and traced.stderr == plain.stderr


def idle_holders(python, span):
    """By MiB, since free-threaded interpreters have shallow snapshots, which know no path to some."""
    outcome = harness.traced(python.path, harness.PROGRAMS / "idle.py", str(span), flags=("-q", "--drag"))
    holders = outcome.report().main.fields["peak"]["holders"]
    return outcome, {holder["bytes"] >> 20: holder for holder in holders}


def assert_idle(python):
    for span in (2, 4, 8):
        outcome, holders = idle_holders(python, span)
        skip_without_looks(outcome)
        verdicts = [holders[size]["verdict"] if size in holders else "not seen" for size in (24, 20, 16)]
        if verdicts == ["idle", "unknown", "dead"]:
            break
    assert verdicts == ["idle", "unknown", "dead"]
    cache, hot, data = holders[24], holders[20], holders[16]
    assert 0.6 * span < cache["idle_s"] < span + 2
    assert "not touched for " in cache["reason"] and " before the peak, by 5 looks or more" in cache["reason"]
    assert hot["idle_s"] is None and data["idle_s"] is None
    text = harness.report_text(outcome.profile, "text")
    assert ", idle" in text and "not touched for " in text


def test_idle(some_python):
    """Evidence is told with how long it was, and takes no other verdict's place."""
    assert_idle(some_python)


def test_idle_without_the_gil(free_threaded):
    assert_idle(free_threaded)


def regions_off(python, package, span):
    """What is more than 15 % off of a region's phases, or more than 5 % of all where it is hardly there."""
    outcome = harness.traced(python.path, harness.PROGRAMS / "region_drag.py", str(span), flags=("-q", "--drag"),
                             env=python.environment(PYTHONPATH=str(package)))
    skip_without_looks(outcome)
    said, process = json.loads(outcome.stdout), outcome.report().main.fields
    regions = {region["name"]: region for region in process["regions"]}
    assert set(regions) == set(said["truth"])
    assert said["told"]["first"] == regions["first"]["all_drag"]["wasted_byte_seconds"]
    # Of the two times together, of which the program has asked for the last.
    wrong = [] if 0 < said["told"]["second"] < regions["second"]["all_drag"]["wasted_byte_seconds"] else ["the last time"]
    most = {name: (region["all_drag"]["most"] or {"stack": [{"function": None}]})["stack"][-1]["function"] for name, region in regions.items()}
    wrong += [most] if most != {"first": "load", "second": "reserve", "outer": "load"} else []
    return outcome, wrong + [(name, phase, regions[name]["all_drag"][phase]["byte_seconds"], expected)
                     for name, phases in said["truth"].items() for phase, expected in phases.items()
                     if abs(regions[name]["all_drag"][phase]["byte_seconds"] - expected)
                     > max(0.15 * expected, 0.05 * sum(phases.values()))]


def test_regions(some_python, package, tmp_path):
    """A region has what its own blocks lay untouched until its end; in all reports, and with a ceiling in check. On a busy
    machine, see assert_timed()."""
    for span in (0.6, 1.2, 2.4, 4.8):
        outcome, wrong = regions_off(some_python, package, span)
        if not wrong:
            break
    assert not wrong
    text = harness.report_text(outcome.profile, "text")
    assert re.search(r"first; kept 14\.0 MiB; untouched [\d.]+ MiB s, most from load\(\), \S*region_drag\.py:\d", text), text
    one = harness.execute([harness.holdfast_binary(), "report", "--view", "drag", "--region", "first", outcome.profile]).stdout.decode()
    assert re.search(r"in region outer > first, while it was open\n.* MiB s in use, .* after the last touch", one), one
    assert re.search(r"most of what lay untouched, [\d.]+ MiB s:\n +load\(\) \S*region_drag\.py:\d", one), one
    page = harness.report_text(outcome.profile, "html")
    first = next(region for region in outcome.report().main.fields["regions"] if region["name"] == "first")
    assert f'"untouched":{first["all_drag"]["wasted_byte_seconds"]},' in page
    done = harness.execute([harness.holdfast_binary(), "check", "--max", "drag:first=1GB", "--max", "drag:second=1MB", "--write",
                            f"json={tmp_path / 'verdict.json'}", outcome.profile])
    assert done.returncode == 1 and b"untouched big blocks of region second" in done.stdout, done.stderr
    found = {one["subject"]: one for one in json.loads((tmp_path / "verdict.json").read_text())["judgements"]}
    assert found["first"]["verdict"] == "within" and found["first"]["kind"] == "drag"
    assert found["first"]["bytes"] == first["all_drag"]["wasted_byte_seconds"]
    assert found["second"]["verdict"] == "beyond" and found["second"]["place"]["function"] == "reserve"
