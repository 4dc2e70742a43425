"""Snapshots of the references are taken, within their budget, and the program does not notice.

Whether one was taken is read from the profile; what is in it is other tests' matter."""
import os

import pytest

import read_profile
from harness import MB, traced
from test_invisible import compare

# Grows by a few hundred bytes at a time, from below the first snapshot's threshold to far above.
GROW = """
def grow(megabytes):
    return [{"number": [i]} for i in range(megabytes * 3000)]
"""


COMPLETE, SHALLOW = 1, 2  # flags of a snapshot
CEILING = 2  # reason


def process_of(outcome):
    """The first process of a profile: how many snapshots, and for how long it stood still."""
    return read_profile.Profile(outcome.profile).processes[0]


def kept_of(outcome):
    """The snapshots that the profile has kept, of all processes."""
    return read_profile.Profile(outcome.profile).snapshots


def test_without_the_gil(free_threaded):
    """Of the thread's own frames, among others that go on allocating."""
    outcome = compare(free_threaded, "-c", GROW + """
import threading
stop = []
def churn():
    while not stop:
        held = [{"x": [i]} for i in range(3000)]
        big = bytearray(1 << 20)
threads = [threading.Thread(target=churn) for _ in range(3)]
for thread in threads:
    thread.start()
held = [grow(10), bytearray(30 << 20), bytearray(50 << 20), bytearray(90 << 20)]
stop.append(1)
for thread in threads:
    thread.join()
print([len(one) for one in held])
""")
    kept = kept_of(outcome)
    assert kept and all(snapshot["flags"] & SHALLOW for snapshot in kept)


def with_gil(python):
    if not python.gil:
        pytest.skip("there is no moment at which one thread holds the interpreter")


def invisible(python, program, **options):
    """Compares a program with itself untraced, and makes sure that there was something to notice.

    On a busy machine a single snapshot may use up the budget: so there need not be more."""
    outcome = compare(python, "-c", GROW + program, **options)
    assert process_of(outcome)["snapshots"] >= 1
    return outcome


def test_taken(any_python):
    """Each at least a step above the last."""
    with_gil(any_python)
    outcome = invisible(any_python, "held = grow(60); print(len(held))")
    assert any(snapshot["flags"] & COMPLETE for snapshot in kept_of(outcome))
    process = process_of(outcome)
    steps = 0
    size = 8 * MB
    while size < process["peak"]:
        size *= 1.05
        steps += 1
    assert process["snapshots"] <= steps + 1


def test_none_below_the_threshold(python):
    outcome = traced(python.path, "-c", "held = [bytes(1000) for _ in range(1000)]",
                     env=python.environment())
    assert process_of(outcome)["snapshots"] == 0


def test_one_large_block(python):
    """Twice as much at once: each time, the moment before it is kept."""
    process = process_of(invisible(python, "a = bytes(20 << 20); b = bytes(50 << 20); c = bytes(99 << 20)"))
    assert 1 <= process["snapshots"] <= 4


def test_growth_beside_an_arena(python):
    """A mapping that is far larger than what a program holds otherwise does not hide that."""
    outcome = invisible(python, """
import mmap, time
began = time.monotonic()
arena = mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
took = time.monotonic() - began  # with a snapshot: the budget has room for another one before long
held = []
for _ in range(10):
    held += grow(3)
    time.sleep(max(0.05, 10 * took))
print(len(held))
""")
    best = max(snapshot["bytes"] for snapshot in kept_of(outcome)) - (1 << 30)
    assert best > (process_of(outcome)["peak"] - (1 << 30)) / 2


def test_after_an_allocation_that_failed(python):
    """What was asked for and not given is not what the next snapshots are measured by."""
    process = process_of(invisible(python, """
for size in (1 << 45, 1 << 62):
    try:
        bytes(size)
    except MemoryError:
        print("too much")
held = grow(40)
"""))
    assert process["snapshots"] >= 2


def test_none_while_it_goes_up_and_down(python):
    """Below what was seen already, nothing is due: the last one is from before the peak, or none would be kept of it."""
    outcome = invisible(python, """
held = [grow(20), bytes(60 << 20)]
del held
for _ in range(20):
    held = grow(15)
    del held
""")
    kept = kept_of(outcome)
    assert kept and all(snapshot["bytes"] + snapshot["pending"] > 70 * MB for snapshot in kept)


def test_children_and_signals(any_python):
    with_gil(any_python)
    invisible(any_python, """
import os, signal, time
seen = []
signal.signal(signal.SIGCHLD, lambda *_: seen.append("SIGCHLD"))
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lambda: seen.append("fork"), after_in_child=lambda: seen.append("child"),
                        after_in_parent=lambda: seen.append("parent"))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
held = grow(40)
for flags in (0, os.WNOHANG):
    try:
        print("reaped", os.waitpid(-1, flags))
    except ChildProcessError:
        print("no child")
try:
    print("reaped", os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG))
except ChildProcessError:
    print("no child")
print(seen, signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(sorted(os.listdir("/proc/self/fd")), signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL))
if os.fork() == 0:
    held += grow(40)
    os._exit(7)
print(os.WEXITSTATUS(os.wait()[1]), seen)
""")


def test_its_own_child_is_waited_for(python):
    """A child that ends while a copy lives is the one that a wait finds."""
    invisible(python, """
import os, subprocess, sys
for _ in range(10):
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    held = grow(10 + _ * 5)
    print(child.wait())
    try:
        os.wait()
    except ChildProcessError:
        print("no child")
""")


def test_resource_usage_of_children(python):
    invisible(python, """
import os, resource
held = grow(60)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime, usage.ru_stime, usage.ru_maxrss, usage.ru_minflt)
times = os.times()
print(times.children_user, times.children_system)
""")


def test_no_process_left(python):
    """A copy does not stay behind as a zombie, nor as a process."""
    invisible(python, """
import os, time
held = grow(60)
for _ in range(3000):  # longer than any copy lives
    more = grow(1)
    time.sleep(0.01)
    left = open("/proc/self/task/%d/children" % os.getpid()).read()
    if not left:
        break
print("left:", left)
""")


def test_threads_without_the_gil(python, helpers):
    """What other threads allocate counts, and does not disturb the copies."""
    program = """
import ctypes, sys, threading
helpers = ctypes.CDLL(sys.argv[1])
threads = [threading.Thread(target=helpers.churn, args=(number, 200000)) for number in range(3)]
for thread in threads:
    thread.start()
held = grow(60)
for thread in threads:
    thread.join()
print(len(held))
"""
    outcome = compare(python, "-c", GROW + program, helpers)
    assert process_of(outcome)["snapshots"] >= 1


def test_many_threads_each_growing(any_python):
    with_gil(any_python)
    invisible(any_python, """
import threading
results = []
threads = [threading.Thread(target=lambda: results.append(len(grow(10)))) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results)
""")


@pytest.mark.parametrize("count", [300, pytest.param(10000, marks=pytest.mark.full)])
def test_the_frames_of_many_threads(python, count):
    """Each holds its own, and all are one line."""
    outcome = compare(python, "-c", f"""
import threading
threading.stack_size(128 << 10)
go, there = threading.Event(), threading.Semaphore(0)
def hold(number):
    rows = bytearray(1000)
    there.release()
    go.wait()
    return len(rows)
threads = [threading.Thread(target=hold, args=(number,)) for number in range({count})]
for thread in threads:
    thread.start()
for thread in threads:
    there.acquire()
last = bytearray(64 << 20)
go.set()
for thread in threads:
    thread.join()
print(len(last))
""")
    main = outcome.report().main
    assert main.fields["counts"]["dropped"] == 0
    rows = [one for one in main.fields["peak"]["holders"] if one["root"]["name"] == "rows"]
    assert [one["count"] for one in rows] == [count] and rows[0]["verdict"] in ("in use", "unknown")


def test_small_stack(python):
    """The copy does not work on the stack of the thread that it is made from."""
    invisible(python, """
import threading
threading.stack_size(64 << 10)
results = []
thread = threading.Thread(target=lambda: results.append(len(grow(40))))
thread.start()
thread.join()
print(results)
""")


SUBINTERPRETER = """
def function(count):
    unread = bytearray(9 << 20)
    rows = [{"a": [i]} for i in range(count)]
    other = bytearray(30 << 20)
    return len(rows)
function(60000)
"""


def test_other_interpreters(any_python):
    """What they hold is known, or it is unknown; and they run on while the main one's heap is copied."""
    outcome = compare(any_python, "-c", GROW + f"""
import threading
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
run = getattr(interpreters, "exec", None) or interpreters.run_string
number = interpreters.create()
thread = threading.Thread(target=run, args=(number, {SUBINTERPRETER!r}))
thread.start()
held = grow(40)
thread.join()
interpreters.destroy(number)
last = bytearray(30 << 20)
print(len(held))
""", env=any_python.environment(PYTHONWARNINGS="ignore"))
    assert process_of(outcome)["snapshots"] >= 1
    for holder in outcome.report().main.fields["peak"]["holders"]:
        assert holder["verdict"] != "dead" or holder["root"]["name"] == "unread", holder


def test_forks(python):
    """Each process has its own snapshots; a child's begin anew."""
    outcome = invisible(python, """
import os
held = grow(30)
for _ in range(3):
    if os.fork() == 0:
        more = [grow(30), bytes(50 << 20)]
        os._exit(len(more))
    print(os.WEXITSTATUS(os.wait()[1]))
""")
    processes = read_profile.Profile(outcome.profile).processes
    assert len(processes) == 4
    assert all(process["snapshots"] >= 1 for process in processes)


REFUSE = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32)]
class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint16), ("filter", ctypes.POINTER(Filter))]
def refuse(x86_64, aarch64):
    number = {"x86_64": x86_64, "aarch64": aarch64}[platform.machine()]
    lines = (Filter * 4)(Filter(0x20, 0, 0, 0), Filter(0x15, 0, 1, number), Filter(0x06, 0, 0, 0x5000b), Filter(0x06, 0, 0, 0x7fff0000))
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(Program(4, lines)), 0, 0) == 0
clone, acct = (56, 220), (163, 89)
"""


def test_no_copy_can_be_made(python):
    """As where the number of processes is limited: EAGAIN."""
    outcome = invisible(python, REFUSE + "refuse(*clone); held = grow(40); print(len(held))")
    kept = kept_of(outcome)
    assert kept and all(snapshot["flags"] & SHALLOW for snapshot in kept)


def test_no_more_processes(python):
    """The user's own limit, which root does not have."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    outcome = invisible(python, """
import os, resource
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
os.setuid(54321)
try:
    os.fork()
except BlockingIOError:
    print("no child")
held = grow(40)
print(len(held))
""")
    assert outcome.stdout.startswith(b"no child\n")
    kept = kept_of(outcome)
    assert kept and all(snapshot["flags"] & SHALLOW for snapshot in kept)


@pytest.mark.parametrize("limit", ["RLIMIT_NPROC, (0, 0)", "RLIMIT_FSIZE, (0, 0)", "RLIMIT_CORE, (0, 0)",
                                   "RLIMIT_NOFILE, (5, 5)"])
def test_resource_limits(python, limit):
    invisible(python, f"import resource; resource.setrlimit(resource.{limit}); held = grow(40); print(len(held))")


def traps(function):
    """Objects of a type whose traverse function is one of helpers.c."""
    return """
import ctypes, os, sys
helpers = ctypes.PyDLL(sys.argv[1])
class Slot(ctypes.Structure):
    _fields_ = [("slot", ctypes.c_int), ("function", ctypes.c_void_p)]
class Spec(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("size", ctypes.c_int), ("item", ctypes.c_int),
                ("flags", ctypes.c_uint), ("slots", ctypes.POINTER(Slot))]
slots = (Slot * 2)(Slot(71, ctypes.cast(helpers.%s, ctypes.c_void_p).value), Slot(0, None))
spec = Spec(b"test.Trap", 32, 0, 1 << 18 | 1 << 14, slots)
make = ctypes.pythonapi.PyType_FromSpec
make.restype = ctypes.py_object
helpers.home()
traps = [make(ctypes.byref(spec))() for _ in range(3)]
""" % function


def test_copy_that_crashes(any_python, helpers, tmp_path):
    """A type whose traverse function kills every process but the one that it was made in."""
    with_gil(any_python)
    program = traps("traverse_only_here") + """
import gc, time
def at_work(child):
    try:
        return open("/proc/%s/stat" % child).read().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # it has been waited for in the meantime
        return False
def wait_for_copies():
    while any(at_work(child) for child in open("/proc/self/task/%d/children" % os.getpid()).read().split()):
        time.sleep(0.01)
held = []
for _ in range(8):
    held += grow(5)
    wait_for_copies()
# Each more than twice as much: before one of them at least, it is known that copies die.
for size in (100, 300):
    held.append(bytes(size << 20))
    wait_for_copies()
print(gc.collect() >= 0, len(held), sorted(os.listdir(".")))
"""
    outcome = compare(any_python, "-c", GROW + program, helpers, cwd=tmp_path)
    assert process_of(outcome)["snapshots"] >= 1
    # One that was taken before there were traps may have come to its end; later ones are of locals alone.
    kept = kept_of(outcome)
    assert any(snapshot["flags"] & SHALLOW for snapshot in kept if snapshot["reason"] == 1), kept
    assert not any(snapshot["flags"] & (COMPLETE | SHALLOW) == COMPLETE and snapshot["bytes"] > 25 * MB
                   for snapshot in kept_of(outcome))
    assert list(tmp_path.iterdir()) == []


def test_the_copy_is_killed_first(python, helpers):
    """Where memory runs out, the kernel chooses the copy, which the program does without, before the program."""
    program = traps("traverse_for_ever_elsewhere") + """
import signal, time
def scores():
    for child in open("/proc/self/task/%d/children" % os.getpid()).read().split():
        try:
            yield int(open("/proc/%s/oom_score_adj" % child).read()), int(child)
        except OSError:  # it has been waited for in the meantime
            pass
held, size = [], 16 << 20
while size < 4 << 30:
    held.append(bytearray(size))
    size *= 2
    for _ in range(200):
        found, copy = max(scores(), default=(0, 0))
        if found:
            print(found, open("/proc/self/oom_score_adj").read().strip())
            os.kill(copy, signal.SIGKILL)  # or its end would be waited for
            sys.exit()
        time.sleep(0.01)
"""
    own = open("/proc/self/oom_score_adj").read().strip()
    outcome = traced(python.path, "-c", program, helpers, env=python.environment())
    assert outcome.text_out() == f"1000 {own}\n"


def test_budget(python, helpers):
    """It is spent by waiting for copies that never end, since a filter is installed; from then on there is no copy
    for each step, but what frames hold is told when all has doubled."""
    steps, longest_wait = 24, 200e6
    outcome = compare(python, "-c", traps("traverse_for_ever_elsewhere") + REFUSE + f"""
held, size = [], 16
for _ in range({steps}):
    held.append(bytes(int(size * 1024 ** 2)))
    size = sum(map(len, held)) / 1024 ** 2 / 6
    refuse(*acct)
refuse(*clone)
held.append(bytes(1500 << 20))
""", helpers)
    kept = [snapshot for snapshot in kept_of(outcome) if snapshot["pending"] > 1500 * MB]
    assert len(kept) == 1 and kept[0]["flags"] & SHALLOW
    # What they took is no figure to rely on where others run, but a copy for each step would take far more.
    assert process_of(outcome)["snapshot_ns"] < steps * longest_wait / 2


def test_ceiling(python):
    """One at the first moment above, which is kept although a higher peak comes later."""
    program = GROW + "small = bytes(9 << 20); import time; time.sleep(0.1); held = grow(30); print(len(held))"
    for _ in range(3):  # a collector that is kept from its work for a second misses it
        outcome = compare(python, "-c", program, flags=("-q", "--ceiling", "12MiB"))
        kept = [snapshot for snapshot in kept_of(outcome) if snapshot["reason"] == CEILING]
        if kept:
            break
    assert len(kept) == 1 and kept[0]["flags"] & COMPLETE
    assert 12 * MB < kept[0]["bytes"] + kept[0]["pending"] <= 12.5 * MB


def test_among_many_sites(some_python, tmp_path):
    """Sites are given up as the profile takes them over: what a large block says of its site is taken before."""
    with_gil(some_python)
    many = 12000
    program = tmp_path / "many.py"
    program.write_text("kept = []\nfirst = bytes(64 << 20)\n" + "kept.append(bytes(600))\n" * many +
                       "last = bytes(90 << 20)\n")
    outcome = traced(some_python.path, program, env=some_python.environment())
    assert len(read_profile.Profile(outcome.profile).sites) > many
    holder, = (one for one in outcome.report().main.fields["peak"]["holders"] if one["path"] == "first")
    assert [(frame["function"], frame["line"]) for frame in holder["allocated_at"]] == [("<module>", 2)]
