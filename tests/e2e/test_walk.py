"""The heap walker on each interpreter, against what that interpreter says of itself."""
import subprocess

import pytest

import harness
import interpreters

LIBRARY = harness.holdfast_binary().parent.parent / "tests" / "unit" / "walk_object.so"


def run(python, scratch, program, *arguments):
    if not LIBRARY.exists():
        pytest.skip(f"no {LIBRARY}: it is built together with the unit tests")
    return subprocess.run([python.path, harness.PROGRAMS / program, LIBRARY, harness.ROOT / "tests" / "e2e",
                           scratch / f"graph-{python.label}", *arguments], env=python.environment(),
                          text=True, stdout=subprocess.PIPE, timeout=harness.TIME_LIMIT)


def test_graph_is_true(any_python, scratch):
    done = run(any_python, scratch, "walk_truth.py", *([] if any_python.gil else ["shallow"]))
    assert done.stdout.startswith("right"), done.stdout
    if any_python.gil:
        _, objects, compared = done.stdout.split()
        assert int(objects) > 10000 and int(compared) > 5000


def test_random_moments(any_python, scratch):
    if not any_python.gil:
        pytest.skip("its heap is not walked")
    done = run(any_python, scratch, "walk_stress.py", "1", "100")
    assert done.returncode == 0 and done.stdout == "100 walks\n"


@pytest.mark.parametrize("python", [one for one in interpreters.everything() if not one.known],
                         ids=lambda one: one.label)
def test_unknown_version_is_refused(python, scratch):
    done = run(python, scratch, "walk_refused.py")
    assert done.stdout == "refused, 0 bytes\n"
