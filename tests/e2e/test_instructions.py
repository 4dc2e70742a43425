"""How many instructions tracing adds to an allocation and to a free: no clock, so nothing that could flake.

Valgrind counts all instructions of small programs (tests/programs/counted.c and .py), untraced and
traced, doing their work N and 2N times, so that start-up falls out. The figures are compared with
instructions.json, which has them by compiler; the library is optimised alike in all builds. After a change that
is meant to change them:

    HOLDFAST_RENEW_INSTRUCTIONS=1 .venv/bin/pytest tests/e2e/test_instructions.py

writes the file, for the compiler that built the library. Of Python's, an allocation has 79.8 instructions and its free 46.9 in one
checkout, 82.7 and 44.3 in one with another path, 127 together in both: what is stored lies between. Where they go:

    holdfast run --no-holders -- valgrind --tool=callgrind PROGRAM WORK N; callgrind_annotate callgrind.out.*
"""
import json
import os
import platform
import re
from pathlib import Path

import pytest

import harness

STORED = Path(__file__).with_name("instructions.json")
RENEW = os.environ.get("HOLDFAST_RENEW_INSTRUCTIONS") == "1"
COUNTING = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
LIBRARY = harness.holdfast_binary().resolve().parent.parent / "preload" / "libholdfast.so"
TIMES = 50_000
TOLERANCE = 0.05
# Fewer instructions than this are no difference: a call's share of what happens now and then.
SLACK = 2
# A program's works, and the figures that follow from what they cost: to free is what a pair has more.
NATIVE = {"allocation": ("keep",), "free": ("pair", "keep"), "reallocation": ("resize",)}
PYTHON = {"allocation": ("keep",), "free": ("pair", "keep"), "reallocation": ("resize",),
          "large object": ("large",), "change of stack": ("stack", "pair", "pair"),
          "change of instruction": ("beside", "pair", "pair"), "call without allocation": ("call",)}


def compiler():
    """Of the library, such as "gcc 12 x86_64"; what made it writes its name into it."""
    names = set(re.findall(rb"(GCC|clang)[^\0]*? (\d+)\.\d+\.\d+\0", LIBRARY.read_bytes()))
    assert len(names) == 1, names
    name, major = names.pop()
    return f"{name.decode().lower()} {major.decode()} {platform.machine()}"


def counted(command, environment):
    done = harness.execute(command, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    found = re.search(rb"I +refs: +([\d,]+)", done.stderr)
    return int(found[1].replace(b",", b""))


def added(command, work, environment):
    """Instructions that tracing adds to doing a work once."""
    run = [harness.holdfast_binary(), "run", "-q", "--no-holders", "-o", harness.new_profile_path(), "--"]
    costs = []
    for before in ([], run):
        once, twice = (counted([*before, *COUNTING, *command, work, times], environment)
                       for times in (TIMES, 2 * TIMES))
        costs.append((twice - once) / TIMES)
    return costs[1] - costs[0]


def measured(command, figures, environment):
    works = {work for needed in figures.values() for work in needed}
    costs = {work: added(command, work, environment) for work in works}
    return {name: round(costs[needed[0]] - sum(costs[work] for work in needed[1:]), 1)
            for name, needed in figures.items()}


def stored(program):
    every = json.loads(STORED.read_text()) if STORED.exists() else {}
    return every, every.setdefault(compiler(), {}).get(program)


def compare(program, found):
    every, expected = stored(program)
    if RENEW:
        every[compiler()][program] = found
        STORED.write_text(json.dumps(every, indent=2, sort_keys=True) + "\n")
    elif expected is None:
        pytest.skip(f"no figures for {compiler()}; HOLDFAST_RENEW_INSTRUCTIONS=1 stores them")
    else:
        off = {name: (expected[name], found[name]) for name in found
               if abs(found[name] - expected[name]) > max(SLACK, TOLERANCE * expected[name])}
        assert not off, f"instructions, as stored and as counted now (see the head of this file): {off}"


def test_native(compile_program):
    program = compile_program("counted.c", "-fno-builtin")
    compare("native", measured([program], NATIVE, dict(os.environ)))


def test_python(python):
    if not python.number.startswith("3.11.2"):
        pytest.skip("the figures are of Debian 12's Python")
    command = [python.path, "-sS", harness.PROGRAMS / "counted.py"]
    # A fixed seed makes dictionaries alike; -I would ignore it.
    compare("python", measured(command, PYTHON, python.environment(PYTHONHASHSEED="0")))
