"""The process tree: each child is followed, with a peak of its own, and the tree has one at an instant."""
import os
import re

import pytest

import harness
from harness import MB, traced

PROGRAM = harness.PROGRAMS / "family.py"
WAYS = [name.replace("_", "-") for name in re.findall(r"^def by_(\w+)\(\):", PROGRAM.read_text(), re.M)
        if name != "turns"]
METHODS = ["multiprocessing-fork", "multiprocessing-spawn", "multiprocessing-forkserver"]
PARENT, CHILD = 10000003 + 33, 20000003 + 33


def run(python, way, **options):
    return traced(python.path, PROGRAM, way, env=python.environment(), **options).report()


@pytest.mark.parametrize("way", WAYS + METHODS)
def test_followed(some_python, way):
    header = some_python.sizes()["bytes_header"] - 33
    report = run(some_python, way)
    assert report.main.total(function="own_work") == PARENT + header
    assert report.main.total(function="child_work") == 0
    children = [process for process in report.processes[1:]
                if process.total(function="child_work") == CHILD + header]
    assert len(children) == 1, [(process.command, process.peak) for process in report.processes]
    # What it inherited stays its parent's.
    assert children[0].total(function="own_work") == 0
    assert report.tree_peak >= PARENT + CHILD
    assert children[0].fields["ppid"] in {process.pid for process in report.processes} or way == "daemon"


@pytest.mark.parametrize("way", ["fork", "subprocess", "system", "multiprocessing-spawn"])
def test_not_followed(python, way):
    report = run(python, way, flags=("-q", "--no-follow"))
    assert len(report.processes) == 1
    assert report.main.total(function="own_work") == PARENT
    assert report.tree_peak == report.main.peak


def test_own_reports_are_left_out(python, package, tmp_path):
    """What the package starts for a report about the program, wherever the executable's libraries are."""
    path = f"{harness.holdfast_binary().resolve().parent}:{os.environ['PATH']}"
    program = (f"from holdfast import _reports\n_reports.write_profile({str(tmp_path / 'so-far.holdfast')!r})\n"
               "import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])")
    environment = python.environment(PYTHONPATH=str(package), PATH=path)
    report = traced(python.path, "-c", program, env=environment).report()
    assert (tmp_path / "so-far.holdfast").exists()
    commands = [process.command for process in report.processes]
    assert len(commands) == 2 and not any("so-far" in str(command) for command in commands[1:]), commands


@pytest.mark.parametrize("attempt", range(3))
def test_taking_turns(python, attempt):
    """Parent and child hold 100 MB in turns: the peak of the tree is that of one of them."""
    report = run(python, "turns")
    assert all(process.peak > 100 * MB for process in report.processes)
    assert 100 * MB < report.tree_peak < 130 * MB


def test_renamed_just_before_the_fork(compile_program):
    parent, child = traced(compile_program("renamed.c", "-fno-builtin")).report().processes
    assert (parent.peak, child.peak) == (1000 * 1000, 500 * 3000)


def test_freeing_what_was_inherited_changes_nothing(python, tmp_path):
    program = tmp_path / "inherited.py"
    program.write_text("""
import os
held = [bytes(30 << 20)]
if os.fork() == 0:
    held.clear()
    held.append(bytes(7 << 20))
    os._exit(0)
os.wait()
""")
    report = traced(python.path, program, env=python.environment()).report()
    parent, child = report.processes
    assert parent.total(file="inherited.py", kinds=["python"]) >= 30 * MB
    assert 7 * MB <= child.peak < 12 * MB


def test_exec_starts_at_zero(python):
    report = traced("/bin/sh", "-c", 'exec "$0" -c "held = bytes(9000003)"', python.path,
                    env=python.environment()).report()
    last = report.processes[-1]
    assert last.total(function="<module>", kinds=["python"]) >= 9000003
    assert len({process.pid for process in report.processes}) == 1


def test_many_children(python, tmp_path):
    program = tmp_path / "many.py"
    program.write_text("""
import os
def work():
    held = bytes(2000003)
for round in range(10):
    for _ in range(20):
        if os.fork() == 0:
            work()
            os._exit(0)
    for _ in range(20):
        os.wait()
""")
    report = traced(python.path, program, env=python.environment()).report()
    assert sum(process.total(function="work") == 2000003 + 33 for process in report.processes) == 200


def test_pool(some_python, tmp_path):
    program = tmp_path / "pool.py"
    program.write_text("""
import multiprocessing, sys
def work(number):
    return len(bytes(5000003))
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Pool(3) as pool:
        assert pool.map(work, range(30)) == [5000003] * 30
        pool.close()
        pool.join()
""")
    for method in ("fork", "forkserver"):
        report = traced(some_python.path, program, method, env=some_python.environment()).report()
        assert any(process.total(function="work") for process in report.processes[1:])
