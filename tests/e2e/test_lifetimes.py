"""How long blocks lived, how they ended and where they were freed, against programs that count that themselves."""
import json
import re
import subprocess

import pytest

import harness
from read_profile import Profile

ENDS = {"freed", "collecting", "without_gil", "resized", "unseen", "exit", "never"}


@pytest.fixture(scope="module")
def library(compile_program):
    return compile_program("lives.c", "-shared", "-fPIC")


def one_site(process, function, kind="python"):
    """The one in which a function allocated most."""
    sites = [site for site in process["lifetimes"]["sites"] if site["stack"][-1]["function"] == function and site["kind"] == kind]
    return max(sites, key=lambda site: site["allocated_bytes"])


def ended(site, size=1):
    """How many blocks of about that size ended how; without what the interpreter needs itself for the line's code."""
    assert set(site["ended"]) == ENDS
    return {how: end["bytes"] // size if size > 1 else end["blocks"] for how, end in site["ended"].items() if end["bytes"] >= size}


def without_zeros(ages):
    while ages and not ages[-1]:
        ages = ages[:-1]
    return ages


def freed_in(site, size):
    return {freed["stack"][-1]["function"]: freed["bytes"] // size for freed in site["freed_at"] if freed["bytes"] >= size}


def assert_sums(process):
    lifetimes, counts = process["lifetimes"], process["counts"]
    assert lifetimes["allocated_blocks"] >= sum(site["allocated_blocks"] for site in lifetimes["sites"])
    assert sum(lifetimes["ages"]) == sum(lifetimes["lived_ms"])
    assert sum(lifetimes["ages"]) == sum(end["blocks"] for how, end in lifetimes["ended"].items() if how != "never")
    assert lifetimes["kept_bytes"] == process["end_bytes"]
    assert sum(lifetimes["ages"]) <= counts["frees"] + lifetimes["ended"]["unseen"]["blocks"]
    for site in lifetimes["sites"]:
        if site["kind"] != "mapped":
            assert sum(end["blocks"] for end in site["ended"].values()) == site["allocated_blocks"], site
            assert sum(end["bytes"] for end in site["ended"].values()) == site["allocated_bytes"], site


def lives(interpreter, package, library, *flags):
    outcome = harness.traced(interpreter.path, harness.PROGRAMS / "lives.py", library, flags=("-q", "--lifetimes", *flags),
                             env=interpreter.environment(PYTHONPATH=str(package)))
    return outcome, json.loads(outcome.text_out()), outcome.report().processes[0].fields


def test_sums_of_many_processes(some_python):
    """Those after the 64th name only stacks that held something; their sums are exact all the same."""
    program = """
import os
for _ in range(66):
    pid = os.fork()
    if pid == 0:
        gone = bytearray(1 << 20)
        del gone
        held = bytearray(3 << 20)
        os._exit(0)
    os.waitpid(pid, 0)
"""
    outcome = harness.traced(some_python.path, "-c", program, flags=("-q", "--lifetimes", "--no-holders"))
    processes = [process.fields for process in outcome.report().processes]
    assert len(processes) == 67
    together = []
    for process in processes:
        lifetimes = process["lifetimes"]
        assert_sums(process)
        assert lifetimes["allocated_bytes"] >= 4 << 20 or process is processes[0]
        assert lifetimes["allocated_blocks"] >= process["counts"]["allocations"]
        together += [site["allocated_bytes"] for site in lifetimes["sites"] if not site["stack"]]
    assert len([size for size in together if size >= 1 << 20]) == 3


def test_known_to_the_unit(any_python, package, library):
    _, truth, process = lives(any_python, package, library)
    assert_sums(process)
    size = truth["size"]
    short, handed, cyclic, kept = (one_site(process, name) for name in ("short", "handed", "cyclic", "keep"))
    assert ended(short, size) == {"freed": truth["short"]} and freed_in(short, size) == {"short": truth["short"]}
    assert short["allocated_bytes"] // size == truth["short"]
    assert sum(short["ages"][:3]) >= truth["short"]  # few others, such as a number, came in between
    assert ended(handed, size + 1) == {"freed": truth["handed"]} and freed_in(handed, size + 1) == {"release": truth["handed"]}
    assert ended(cyclic, size + 2) == {"collecting": truth["cyclic"]} and freed_in(cyclic, size + 2) == {"collect": truth["cyclic"]}
    assert kept["exit_bytes"] // (size + 3) == truth["keep"] and set(ended(kept, size + 3)) <= {"exit", "never"}
    old = one_site(process, "old")
    assert sum(old["lived_ms"][9:]) >= truth["old"] and old["lived_s"] >= 0.29 * truth["old"]
    native, grown, leaked = (one_site(process, name, "heap") for name in ("native", "grow", "leak"))
    assert native["ages"] == without_zeros(truth["native"]) and ended(native) == {"freed": 10000}
    assert ended(grown) == {"resized": truth["grow"], "freed": 1}
    assert ended(leaked) == {"never": truth["leak"]} and leaked["kept_bytes"] == 1000 * truth["leak"]
    beside = one_site(process, "native_without", "heap")
    assert beside["ages"] == without_zeros(truth["native_without"])
    assert ended(beside) == {"without_gil": 5000} or not any_python.gil


def own_rows(lifetimes):
    """Of the program's own classes, which without a GIL have no module: with a __del__ last, of two that have the same name."""
    return sorted((row for row in lifetimes["types"] if own_name(row)), key=lambda row: row["finalizer"] == "python")


def ends_by_type(lifetimes):
    return {own_name(row): {how: end["blocks"] for how, end in row["ended"].items() if end["blocks"]} for row in own_rows(lifetimes)}


def own_name(row):
    name = (row["type"] or ".").removeprefix("__main__.")
    return name if "." not in name or name == "dotted.Name" else None


def test_types_known_to_the_unit(any_python):
    """Subclasses, slots, exceptions, dicts of instances, classes that are gone: each object that died, and how."""
    outcome = harness.traced(any_python.path, harness.PROGRAMS / "typed.py", flags=("-q", "--lifetimes", "--no-holders"), env=any_python.environment())
    truth, lifetimes = json.loads(outcome.text_out()), outcome.report().processes[0].fields["lifetimes"]
    found = ends_by_type(lifetimes)
    assert {name: found.get(name) for name in truth} == truth
    python = sum(end["blocks"] for site in lifetimes["sites"] if site["kind"] == "python" for how, end in site["ended"].items() if how != "never")
    assert sum(row["blocks"] for row in lifetimes["types"]) >= python  # of sites, the biggest are told
    finalizers = {own_name(row): row["finalizer"] for row in own_rows(lifetimes)}
    assert {name: finalizers[name] for name in truth if finalizers[name]} == {
        "WithDel": "python", "DelSub": "python", "async_generator": "python", "dotted.Name": "python" if any_python.gil else "native"}
    collected = {(own_name(row), row["stack"][-1]["function"]): (row["blocks"], row["finalizer"]) for row in lifetimes["collected"]}
    assert collected["Plain", "cyclic"] == (truth["Plain"]["collecting"], None)
    assert collected["WithDel", "cyclic"] == (truth["WithDel"]["collecting"], "python")
    assert not any(name in ("Sub", "Slotted", "DelSub") for name, _ in collected)
    for kind in ("type", "collected"):
        assert lifetimes[f"{kind}_count"] == len(lifetimes["types" if kind == "type" else kind]) < 1000


def left(interpreter, how):
    outcome = harness.traced(interpreter.path, harness.PROGRAMS / "left.py", how, flags=("-q", "--lifetimes", "--no-holders"),
                             expect=-9 if how == "kill" else 0, env=interpreter.environment())
    return json.loads(outcome.text_out()), [process.fields for process in outcome.report().processes]


def never_by_type(process):
    """And all of them are as many as all sites say, with those of no known type."""
    lifetimes = process["lifetimes"]
    python = [site["kept_blocks"] for site in lifetimes["sites"] if site["kind"] == "python"]
    assert sum(row["ended"]["never"]["blocks"] for row in lifetimes["types"]) >= sum(python)  # of sites, the biggest are told
    return {own_name(row): row["ended"]["never"]["blocks"] for row in lifetimes["types"] if row["ended"]["never"]["blocks"] and own_name(row)}


def test_types_of_what_nobody_frees(any_python):
    """As the process ends without its interpreter's end: each object that it leaves, by type."""
    truth, [process] = left(any_python, "exit")
    found = never_by_type(process)
    assert {name: found.get(name) for name in truth} == truth
    assert "Gone0" not in found


def test_types_of_what_is_left_in_other_ways(some_python):
    """What the interpreter's end takes is told as it is freed. A forked child has what it made itself; before an exec it is
    asked again, if one has failed; and of who is killed nothing is known."""
    truth, [process] = left(some_python, "end")
    found = never_by_type(process)
    assert not any(found.get(name) for name in truth)
    truth, [parent, child] = left(some_python, "fork")
    assert {name: never_by_type(parent).get(name) for name in truth} == truth
    assert never_by_type(child)["Plain"] == 50 and "Slotted" not in never_by_type(child)
    truth, [process, _] = left(some_python, "exec")
    found = never_by_type(process)
    assert found.pop("Table") == truth.pop("Table") + 10
    assert {name: found.get(name) for name in truth} == truth
    _, [process] = left(some_python, "kill")
    assert not never_by_type(process)
    [unknown] = [row for row in process["lifetimes"]["types"] if row["type"] is None]
    assert unknown["ended"]["never"]["blocks"] >= sum(truth.values())


def test_with_events(python, package, library):
    """Both ask for something of each block; and the other reader finds the same."""
    outcome, truth, process = lives(python, package, library, "--keep-events")
    assert_sums(process)
    assert one_site(process, "native", "heap")["ages"] == without_zeros(truth["native"])
    profile = Profile(outcome.profile)
    assert sum(1 for name, _ in profile.events() if name in ("alloc", "realloc", "realloc_moved")) >= 10000
    rows = [row for row in profile.lifetimes if row["process"] == 0]
    assert sum(row[f"blocks{end}"] for row in rows for end in range(6)) == sum(process["lifetimes"]["ages"])
    [churned] = [row for row in rows if profile.stack(row["node"])[-1][0] == "native" and row["kind"] == 0]
    assert [churned[f"age{bits}"] for bits in range(32)] == truth["native"]


def view(profile, name):
    return subprocess.run([harness.holdfast_binary(), "report", "--view", name, profile], stdout=subprocess.PIPE, check=True,
                          timeout=harness.TIME_LIMIT).stdout.decode()


def test_views(python, package, library):
    outcome, truth, _ = lives(python, package, library)
    leaks, temporary, lifetimes = (view(outcome.profile, name) for name in ("leaks", "temporary", "lifetimes"))
    assert re.search(r" keep\(\) \S*lives\.py:", leaks) and " short()" not in leaks
    assert re.search(r" short\(\) \S*lives\.py:", temporary) and " keep()" not in temporary
    assert f"{truth['cyclic']} freed during a collection" in lifetimes
    assert re.search(rf"{truth['handed']} blocks freed in release\(\) \S*lives\.py:", lifetimes)
    by_collection = lifetimes[lifetimes.index("freed by a collection of garbage alone"):]
    assert re.search(rf" {truth['cyclic']} objects of bytes\n +cyclic\(\) \S*lives\.py:", by_collection)
    assert f" {truth['cyclic']} objects of __main__.Node, with a __del__\n" in by_collection
    bad = harness.execute([harness.holdfast_binary(), "report", "--view", "nothing", outcome.profile])
    assert bad.returncode == 2 and b"unknown view" in bad.stderr
    for form in "json", "html":
        bad = harness.execute([harness.holdfast_binary(), "report", "--view", "leaks", "--format", form, outcome.profile])
        assert bad.returncode == 2 and not bad.stdout and f"--view leaks goes with --format text, not with {form}".encode() in bad.stderr


def test_not_recorded(python, package, library):
    """What was allocated and given back is told all the same, and of lifetimes that they are not known."""
    outcome = harness.traced(python.path, harness.PROGRAMS / "lives.py", library, env=python.environment(PYTHONPATH=str(package)))
    truth, process = json.loads(outcome.text_out()), outcome.report().processes[0].fields
    assert not process["lifetimes"]["followed"] and "ages" not in process["lifetimes"]
    leaked = one_site(process, "leak", "heap")
    assert (leaked["allocated_blocks"], leaked["kept_blocks"]) == (truth["leak"], truth["leak"])
    assert one_site(process, "short")["allocated_bytes"] // truth["size"] == truth["short"]
    assert " leak() " in view(outcome.profile, "leaks") and " short() " in view(outcome.profile, "temporary")
    assert "run --lifetimes" in view(outcome.profile, "lifetimes")


def rows_of(tab, table):
    tab.click(f"input[name=table][value='{table}'] + span")
    tab.type("#filter", "lives.py")
    return [[cell.strip() for cell in row.split("\t")] for row in tab.texts("#run-table tbody tr:not(.gap)")]


def test_page(python, package, library, browser):
    outcome, truth, process = lives(python, package, library)
    path = outcome.profile.with_suffix(".html")
    path.write_text(harness.report_text(outcome.profile, "html"))
    tab = browser.open(path)
    leaks, temporary, lifetimes = (rows_of(tab, table) for table in ("leaks", "temporary", "lifetimes"))
    [left] = [row for row in leaks if "leak()" in row]
    assert left[2] == str(truth["leak"]) and not any("short()" in row for row in leaks)
    assert "short()" in temporary[0] and not any("leak()" in row for row in temporary)
    assert any("cyclic()" in row and str(truth["cyclic"]) in row for row in lifetimes)
    assert "about a millisecond" in tab.text("#tables")
    tab.type("#filter", "")
    tab.click("input[name=table][value=collected] + span")
    tab.type("#filter", "__main__.Node")
    [node] = [[cell.strip() for cell in row.split("\t")] for row in tab.texts("#types-table tbody tr:not(.gap)")]
    assert node[1:4] == [str(truth["cyclic"]), "__main__.Node", "__del__"] and "lives.py" in node[4]
    tab.click("input[name=table][value=types] + span")
    [node] = [[cell.strip() for cell in row.split("\t")] for row in tab.texts("#types-table tbody tr:not(.gap)")]
    assert node[1:4] == ["__main__.Node", "__del__", str(truth["cyclic"])] and tab.errors() == []
