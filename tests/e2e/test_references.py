"""References that extension modules take and do not give back (`run --refs`): those that leak are named, with how many
they have leaked, and no others."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import harness
import pytest

COUNT = 1000
CROWD = 40
PROGRAM = harness.PROGRAMS / "leaky.py"
FLAGS = ("-q", "--refs")
HEADERS = "import sysconfig; print(sysconfig.get_paths()['include'])"
DEBIAN = Path("/usr/include/python3.11")


def headers_of(python):
    folder = Path(subprocess.run([python.path, "-I", "-c", HEADERS], check=True,
                                 stdout=subprocess.PIPE).stdout.decode().strip())
    return folder if (folder / "Python.h").exists() else None


def build(folder, name, headers, limited):
    subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", f"-I{headers}", f'-DNAME="leaky_{name}"',
                    f"-DINIT=PyInit_leaky_{name}", *([f"-DPy_LIMITED_API={limited}"] if limited else []),
                    harness.PROGRAMS / "leaky.c", "-o", folder / f"leaky_{name}.so"], check=True)


def build_all(folder, python):
    """With the interpreter's own headers; else with Debian's, for the stable ABI."""
    own = headers_of(python)
    if not own and not (DEBIAN / "Python.h").exists():
        pytest.skip("there is no Python.h")
    for name in ("clean", "plain", "inline"):
        build(folder, name, own or DEBIAN, None if own else "0x03080000")
    build(folder, "abi3", own or DEBIAN, "0x030c0000" if own and python.version >= (3, 12) else "0x03080000")


@pytest.fixture
def modules(tmp_path, python):
    build_all(tmp_path, python)
    return tmp_path


def run(python, folder, *ways, flags=FLAGS, **options):
    return harness.traced(python.path, PROGRAM, folder, *ways, flags=flags, env=python.environment(), **options)


def leaks_of(process):
    """By the module's file and the type; nobody's by None."""
    leaks = process.fields["references"]["leaks"]
    return {(Path(leak["module"]).name if leak["module"] else None, leak["type"]): leak for leak in leaks}


def balances_of(process):
    return {(Path(row["module"]).name, row["type"]): (row["taken"], row["given_back"])
            for row in process.fields["references"]["balances"]}


def counts_of(process):
    """Up to the process's end: taken, given back, not given back, and to how many objects."""
    return {(Path(row["module"]).name, row["type"]): (row["taken"], row["given_back"], row["not_given_back"], row["objects"])
            for row in process.fields["references"]["counts"]}


def nearly(count, of=COUNT):
    """The address of the last one or two may still stand somewhere."""
    return of - 10 <= count <= of


def test_leaks_are_named(any_python, tmp_path):
    if not any_python.gil:
        build(tmp_path, "clean", headers_of(any_python) or pytest.skip("there is no Python.h"), None)
        done = run(any_python, tmp_path, flags=("--refs",))
        fields = done.report().main.fields
        assert fields["references"] is None and "free-threaded" in fields["references_problem"]
        assert fields["free_threaded"] and fields["python"] == any_python.number
        said = "references cannot be counted in a free-threaded Python"
        assert done.text_err().startswith(f"holdfast: {said}; ") and said in harness.report_text(done.profile, "text")
        assert said in harness.report_text(done.profile, "html")
        return
    build_all(tmp_path, any_python)
    main = run(any_python, tmp_path, "small", "plain", "abi3", "inline").report().main
    leaks, balances = leaks_of(main), balances_of(main)
    item, one = leaks["leaky_plain.so", "__main__.Item"], leaks["leaky_abi3.so", "__main__.Shared"]
    assert {module for module, _ in leaks} <= {"leaky_plain.so", "leaky_abi3.so", None}
    assert nearly(item["references"]) and item["references"] == item["objects"]
    assert item["bytes"] >= 1000 * item["objects"]
    assert nearly(one["references"], 2 * COUNT) and one["objects"] == 1 and one["bytes"] < 1000
    assert [frame["function"] for frame in item["taken_at"]] == ["<module>", "main", "leak_items"]
    assert [frame["function"] for frame in one["taken_at"]] == ["<module>", "main", "leak_one"]
    assert (item["taken"], item["given_back"], one["taken"], one["given_back"]) == (COUNT, 0, 2 * COUNT, 0)
    assert balances["leaky_clean.so", "__main__.Item"] == (3 * COUNT, 2 * COUNT)
    # what was taken inline is lost, too, and nobody is named for it
    assert nearly(leaks[None, "__main__.Item"]["references"])


def test_clean(python, modules):
    """Neither what a module gives away nor what it keeps is a leak; and the program is as it was."""
    done = run(python, modules, "small")
    plain = harness.plain(python.path, PROGRAM, modules, "small", env=python.environment())
    assert done.text_out() == plain.stdout.decode()
    references = done.report().main.fields["references"]
    assert references["leaks"] == [] and references["whole"] and references["left_out"] == 0
    seen = references["seen"]
    assert seen["extension_modules"] == references["modules"] >= references["modules_seen"] >= 1
    assert seen["extension_modules_with_calls"] == references["modules_seen"]
    assert (seen["interpreter_core"], seen["births_and_deaths"]) == ("inlined", "allocator")
    assert seen["text"] in " ".join(harness.report_text(done.profile, "text").split())


@pytest.mark.parametrize("flag", ("--refs", "--ref-tracer"))
def test_reborn_objects(some_python, tmp_path, flag):
    """An object in the place of one that a module has handed over is not the module's."""
    if not some_python.gil:
        pytest.skip("nothing is counted without a GIL")
    build_all(tmp_path, some_python)
    main = run(some_python, tmp_path, "small", "reborn", flags=("-q", flag)).report().main
    leaks = main.fields["references"]["leaks"]
    assert {leak["module"] for leak in leaks} <= {None} and sum(leak["references"] for leak in leaks) > COUNT / 2
    if flag == "--ref-tracer" and some_python.version >= (3, 13):
        assert {leak["suspect"] for leak in leaks} == {None}


def test_packages_are_clean():
    """Those that take references inline, and keep objects for good in memory of their own."""
    program = "import numpy, pandas; f = pandas.DataFrame({'a': numpy.arange(9), 'b': list('abcabcabc')});" \
              "f.groupby('b').sum()"
    references = harness.traced(sys.executable, "-c", program, flags=FLAGS).report().main.fields["references"]
    assert references["leaks"] == [] and references["whole"] and references["modules"] > 20


def test_forked_child(python, modules):
    """It begins anew: its leaks are its own, and its parent has none."""
    report = run(python, modules, "child").report()
    main, child = sorted(report.processes, key=lambda process: process.fields["pid"] != report.main.fields["pid"])
    assert leaks_of(main) == {}
    assert nearly(leaks_of(child)["leaky_plain.so", "__main__.Item"]["references"])
    assert ("leaky_plain.so", "__main__.Item") not in counts_of(main)
    assert counts_of(child) == {("leaky_plain.so", "__main__.Item"): (COUNT, 0, COUNT, COUNT)}


def test_quiet_child(python, modules):
    """What its parent has leaked is the parent's."""
    report = run(python, modules, "plain", "quiet-child").report()
    main, child = sorted(report.processes, key=lambda process: process.fields["pid"] != report.main.fields["pid"])
    assert nearly(leaks_of(main)["leaky_plain.so", "__main__.Item"]["references"])
    assert child.fields["references"]["whole"] and leaks_of(child) == {} and counts_of(child) == {}
    assert counts_of(main)["leaky_plain.so", "__main__.Item"] == (COUNT, 0, COUNT, COUNT)


def test_classes_in_one_place(some_python, modules):
    """Each has counts of its own, also where another one had ended."""
    counts = counts_of(run(some_python, modules, "small", "many").report().main)
    taken = {name: figures[:2] for (_, name), figures in counts.items() if name.startswith("many.")}
    assert taken == {f"many.Class{i}": (1, 1) for i in range(50)}


def test_child_without_calls(some_python, modules):
    """That it took nothing is known, and of whom it is said that memory was not looked through."""
    done = run(some_python, modules, "small", "plain", "quiet-child")
    report = done.report()
    main, child = sorted(report.processes, key=lambda process: process.fields["pid"] != report.main.fields["pid"])
    references = child.fields["references"]
    assert (references["time_s"], references["leaks"], references["counts"]) == (None, [], [])
    assert references["modules"] == main.fields["references"]["modules"] > 0
    problem = child.fields["references_problem"]
    assert "only the counts of calls are known" in problem and main.fields["references_problem"] is None
    assert f"process {child.fields['pid']}: {problem}" in " ".join(harness.report_text(done.profile, "text").split())


def test_region(package):
    """Nobody has counted what was taken in a part of the run."""
    program = "import holdfast\nwith holdfast.region('part'): kept = [bytearray(1000) for _ in range(1000)]"
    done = harness.traced(sys.executable, "-c", program, flags=FLAGS, env=dict(os.environ, PYTHONPATH=str(package)))
    whole = done.report().main.fields
    shown = harness.execute([harness.holdfast_binary(), "report", done.profile, "--format", "json", "--region", "part"])
    part = harness.Report(shown.stdout.decode()).main.fields
    assert whole["references"] and part["references"] is None and part["references_problem"] is None


def build_crowd(folder):
    """Modules that the loader takes a while for, bound lazily or at once."""
    source = folder / "crowd.c"
    source.write_text("extern void Py_IncRef(void *), Py_DecRef(void *), _Py_Dealloc(void *); int target;"
                      f"int *const table[] = {{{'&target,' * 60000}}}; void (*const end)(void *) = _Py_Dealloc;"
                      "void borrow(void *object) { Py_IncRef(object); Py_DecRef(object); }")
    for binding in ("lazy", "now"):
        first = folder / f"crowd_{binding}_0.so"
        subprocess.run(["gcc", "-shared", "-fPIC", f"-Wl,-z,relro,-z,{binding}", source, "-o", first], check=True)
        for i in range(1, CROWD):
            shutil.copy(first, folder / f"crowd_{binding}_{i}.so")


def test_loaded_at_once(tmp_path):
    """What one thread loads is left alone while another's dlopen returns, and is seen none the less."""
    build_crowd(tmp_path)
    program = "import ctypes, sys, threading; paths = sys.argv[1:]; load = ctypes.CDLL(None).dlopen\n" \
              "load.argtypes = [ctypes.c_char_p, ctypes.c_int]; load.restype = ctypes.c_void_p\n" \
              "def work(part): return [load(p.encode(), 1 if 'lazy' in p else 2) or sys.exit(p) for p in part]\n" \
              "threads = [threading.Thread(target=work, args=(paths[i::4],)) for i in range(4)]\n" \
              "[t.start() for t in threads]; [t.join() for t in threads]\n" \
              "[ctypes.PyDLL(p).borrow(ctypes.py_object(threads)) for p in paths for _ in range(9)]"
    done = harness.traced(sys.executable, "-c", program, *sorted(tmp_path.glob("crowd_*.so")), flags=FLAGS)
    balances = balances_of(done.report().main)
    crowd = {module: counts for (module, _), counts in balances.items() if module.startswith("crowd_")}
    assert len(crowd) == 2 * CROWD and set(crowd.values()) == {(9, 9)}


def test_killed(python, modules):
    """What it had lost when it was looked at is known, and what was taken and not given back up to its end, to the unit. A
    snapshot that goes by the name of the last one is none."""
    done = harness.traced(python.path, PROGRAM, modules, "plain", "late", "kill", flags=FLAGS, expect=-9,
                          env=python.environment(HOLDFAST=str(harness.holdfast_binary())))
    main = done.report().main
    assert nearly(leaks_of(main)["leaky_plain.so", "__main__.Item"]["references"])
    assert ("leaky_plain.so", "__main__.Shared") not in balances_of(main)
    assert counts_of(main) == {("leaky_plain.so", "__main__.Item"): (COUNT, 0, COUNT, COUNT),
                               ("leaky_plain.so", "__main__.Shared"): (COUNT, 0, COUNT, COUNT),
                               ("leaky_clean.so", "__main__.Item"): (3 * COUNT, COUNT, 2 * COUNT, 2 * COUNT)}
    late, = (row for row in main.fields["references"]["counts"] if row["type"] == "__main__.Shared")
    assert [frame["function"] for frame in late["taken_at"]] == ["<module>", "main", "leak_late"]
    told = " ".join(harness.report_text(done.profile, "text").split())
    assert "leaky_plain.so took 1000 references to __main__.Shared by calls since the last look" in told
    assert told.count("since the last look") == 1


def test_text(python, modules):
    text = harness.report_text(run(python, modules, "small", "plain").profile, "text")
    told = " ".join(text.split())
    assert "native leak: leaky_plain.so took 1000 references to __main__.Item by calls and gave back none" in told
    assert "taken at leak_items(), leaky.py:" in told
    assert "interpreter core: inlined, seen through its allocator" in told and "leaky_clean.so" not in told


def test_page(python, modules, browser, tmp_path):
    """A leak is a card among the findings, with its way out."""
    done = run(python, modules, "small", "plain")
    page = tmp_path / "page.html"
    page.write_text(harness.report_text(done.profile, "html"))
    tab = browser.open(page)
    findings = tab.text("#findings")
    assert "leaky_plain.so leaks" in findings and "references to __main__.Item" in findings
    assert "taken at leak_items()" in findings and "give back each reference" in findings
    assert "seen through its allocator" in findings and "leaky_clean.so" not in findings


LATE = """
import gc, sys
gc.set_threshold(10 ** 9)
class Late:
    def __init__(self):
        self.myself = self
    def __del__(self):
        held = [object() for _ in range(20000)]
Late()
sys.stdout = sys.stderr = None
"""


def test_allocations_of_the_last_collection(python, tmp_path):
    """They come before the last snapshot can be taken, and cost no system call each until it is."""
    strace = shutil.which("strace") or pytest.skip("there is no strace")
    if subprocess.run([strace, "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("the system lets nothing be traced")
    calls = tmp_path / "calls"
    profile = harness.new_profile_path()
    harness.execute([strace, "-f", "-qq", "-e", "trace=gettid", "-o", calls, harness.holdfast_binary(), "run", *FLAGS,
                     "-o", profile, "--", python.path, "-c", LATE])
    snapshots = harness.Report(harness.report_text(profile)).main.fields["snapshots"]
    assert [snapshot["name"] for snapshot in snapshots] == ["end"]
    assert 0 < calls.read_text().count("gettid") < 1000
