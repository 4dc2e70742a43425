"""Programs that forbid themselves system calls, among them those that the library makes for snapshots and for waiting:
they must end as they do untraced, and the report says what is missing."""
import pytest

import harness
import read_profile
from test_invisible import compare

PROGRAM = harness.PROGRAMS / "filtered.py"
LARGE = 100 * harness.MB  # what it allocates last
COMPLETE, SHALLOW = 1, 2  # flags of a snapshot
CEILING = 2  # a reason
# What an interpreter needs to go on growing, as a narrow sandbox would have it.
NARROW = "read,write,mmap,munmap,mremap,brk,madvise,rt_sigaction,sigaltstack,exit_group,fstat,newfstatat,lseek,ioctl"
FORBIDDEN = ["clone", "readlinkat", "wait4", "kill", "futex,clock_gettime,nanosleep", "socket", "gettid,prctl,getpid,tgkill",
             "rt_sigprocmask"]


def filtered(python, *arguments, expect=3, **options):
    outcome = compare(python, PROGRAM, *arguments, **options)
    assert outcome.status == expect, outcome.text_err()[-1000:]
    return outcome


def warnings_of(outcome):
    profile = read_profile.Profile(outcome.profile)
    return [text for row in profile.warnings for text in [profile.strings[row["string"]]] if "filter" in text]


def snapshots_after(outcome):
    """Those that saw most of what grew after the filter."""
    profile = read_profile.Profile(outcome.profile)
    return [one for one in profile.snapshots if one["bytes"] > (profile.processes[0]["peak"] - LARGE) // 2]


@pytest.mark.parametrize("calls", FORBIDDEN)
@pytest.mark.parametrize("way, action", [("prctl", "kill"), ("syscall", "kill"), ("syscall", "trap"), ("prctl", "errno")])
def test_goes_on(python, way, action, calls):
    outcome = filtered(python, way, action, calls, "grow")
    assert len(warnings_of(outcome)) == 1
    assert not any(one["flags"] & (COMPLETE | SHALLOW) == COMPLETE for one in snapshots_after(outcome))


def test_narrow(any_python):
    """Only what the program itself needs is left, and all else ends it."""
    outcome = filtered(any_python, "prctl", "allow", NARROW, "grow")
    assert len(warnings_of(outcome)) == 1 and not snapshots_after(outcome)


@pytest.mark.parametrize("calls", ["nanosleep", "clock_gettime"])
def test_figures_of_a_region(python, calls):
    """Nothing is waited for where waiting could end the program."""
    filtered(python, "prctl", "kill", calls, "region")


def test_without_copies(python):
    """What a thread can see by itself is still told."""
    kept = snapshots_after(filtered(python, "prctl", "kill", "clone", "grow"))
    assert kept and all(one["flags"] & SHALLOW for one in kept)


def test_whole_heap_from_before(python):
    """What was seen as copies could be made is told beside locals that hold nothing at the peak."""
    outcome = compare(python, "-c", """
import sys, time
sys.argv = ["", "none"]
exec(open(%r).read().replace("\\nmain()\\n", ""))
cache = []
def fill(count):
    for _ in range(count):
        more = bytearray(4 << 20)
        cache.append(more)
        del more
        time.sleep(0.1)
fill(8)
install("prctl", "errno", ["clone"])
fill(8)
print(len(cache), flush=True)
""" % str(PROGRAM))
    process = outcome.report().main
    peak, snapshots = process.fields["peak"], process.fields["snapshots"]
    assert [one["shallow"] for one in snapshots] == [True, False]
    assert snapshots[0]["bytes"] > snapshots[1]["bytes"] == peak["snapshot"]["bytes"] and peak["snapshot"]["far_from_peak"]
    held = [one for one in peak["holders"] if one["root"]["kind"] == "global" and one["root"]["name"] == "cache"]
    assert sum(one["bytes"] for one in held) > 0.9 * peak["snapshot"]["bytes"] - 8 * harness.MB
    assert "below the peak" in harness.report_text(outcome.profile, "text")


def test_filter_that_leaves_all(python):
    """One that concerns none of our calls changes nothing."""
    outcome = filtered(python, "prctl", "kill", "ioctl", "grow", flags=("-q", "--ceiling", "100MiB"))
    assert not warnings_of(outcome)
    kept = [one for one in snapshots_after(outcome) if one["reason"] == CEILING]
    assert len(kept) == 1 and not kept[0]["flags"] & SHALLOW


def test_memory_of_its_own_forbidden(python):
    """What was there before stays in the profile."""
    outcome = compare(python, "-c", """
import sys
sys.argv = ["", "none"]
exec(open(%r).read().replace("\\nmain()\\n", ""))
held = grow(15)
install("prctl", "kill", ["mmap", "munmap"])
for i in range(400000):
    last = [i]
print(last, flush=True)
os._exit(0)
""" % str(PROGRAM))
    assert len(warnings_of(outcome)) == 1
    assert read_profile.Profile(outcome.profile).processes[0]["peak"] > 10 << 20


def test_strict(python):
    outcome = filtered(python, "strict", expect=7)
    assert len(warnings_of(outcome)) == 1


@pytest.mark.parametrize("calls", ["clone", "socket"])
@pytest.mark.parametrize("then", ["fork", "exec"])
def test_inherited(python, then, calls):
    """By forked children and new images; those that may not even join are not followed."""
    if then == "fork" and calls == "clone":
        calls = "readlinkat"  # a fork is a clone
    outcome = filtered(python, "prctl", "kill", calls, then, expect=3 if then == "fork" else 0)
    assert warnings_of(outcome)
    profile = read_profile.Profile(outcome.profile)
    assert len(profile.processes) == (1 if calls == "socket" else 2)


def test_system_call_with_six_arguments(python):
    """None of them is lost on the way, nor is what lies beside them."""
    compare(python, "-c", """
import ctypes, mmap, os, platform
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
number = {"x86_64": 9, "aarch64": 222}[platform.machine()]
with open("/proc/self/exe", "rb") as file:
    data = file.read(12288)
    long = ctypes.c_long
    at = libc.syscall(long(number), long(0), long(4096), long(1), long(2), long(file.fileno()), long(8192))
    print(ctypes.string_at(at, 4096) == data[8192:])
print(libc.syscall(-1), ctypes.get_errno(), libc.syscall({"x86_64": 39, "aarch64": 172}[platform.machine()]) == os.getpid())
""")
