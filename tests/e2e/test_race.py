"""The order of events between threads: a race whose final live set must be exact in every run."""
import json
import os

import pytest

import harness
from harness import traced

PROGRAM = harness.PROGRAMS / "race.py"
RUNS = int(os.environ.get("HOLDFAST_RACE_RUNS", "100" if harness.FULL else "20"))
# Of each thread; threads that hold the GIL wait for each other most of the time.
STEPS = {"native": 20000, "mixed": 4000}


def differences(python, helpers, mode, seed):
    outcome = traced(python.path, PROGRAM, helpers, mode, seed, STEPS[mode], env=python.environment())
    process = outcome.report().main
    wrong = []
    for number, live in json.loads(outcome.stdout).items():
        wanted = {"mentions": f"racer-{number}"} if mode == "native" else {"function": f"racer_{number}"}
        found = [process.total(kinds=["heap"], **wanted), process.blocks(kinds=["heap"], **wanted)]
        if found != live:
            wrong.append(f"seed {seed}, racer {number}: {found}, not {live}")
    return wrong


# Split in two, so that two processors share them.
@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("mode", ["native", "mixed"])
def test_race(python, helpers, mode, half):
    wrong = []
    for seed in range(half, RUNS, 2):
        wrong += differences(python, helpers, mode, seed)
    assert wrong == []


@pytest.mark.parametrize("mode", ["native", "mixed"])
def test_race_on_each_interpreter(any_python, helpers, mode):
    assert differences(any_python, helpers, mode, 1000) == []
