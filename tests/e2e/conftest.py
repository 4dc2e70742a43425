"""Fixtures: the C helpers, built once, and the interpreters that a test asks for by name."""
import gc
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness
import interpreters
from browser import Browser

# A test that takes one of these runs once for each interpreter of the group.
GROUPS = {"any_python": interpreters.known, "some_python": interpreters.some}


def pytest_addoption(parser):
    parser.addoption("--one-interpreter", action="store_true", help="only Debian's own interpreter")


def pytest_generate_tests(metafunc):
    for name, group in GROUPS.items():
        if name in metafunc.fixturenames:
            chosen = [interpreters.main_one()] if metafunc.config.getoption("--one-interpreter") \
                else group()
            # In the scope of a module, so that all that it tests of one interpreter comes together.
            metafunc.parametrize(name, chosen, ids=[one.label for one in chosen], scope="module")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("full") and not harness.FULL:
            item.add_marker(pytest.mark.skip(reason="HOLDFAST_FULL=1 runs it"))


def pytest_sessionstart(session):
    # A report is some 100,000 dictionaries, all of which stay: the default looks through them again and again.
    gc.set_threshold(500_000)
    if not harness.holdfast_binary().exists():
        pytest.exit(f"no {harness.holdfast_binary()}: run scripts/build first", 2)


@pytest.fixture(scope="module")
def browser():
    one = Browser()
    yield one
    one.close()


@pytest.fixture(scope="session", autouse=True)
def scratch():
    """Where profiles and what tests build go; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="holdfast-tests-") as folder:
        import os
        os.environ["HOLDFAST_TEST_TMP"] = folder
        yield Path(folder)


@pytest.fixture
def python():
    return interpreters.main_one()


@pytest.fixture
def free_threaded():
    found = [one for one in interpreters.known() if not one.gil]
    if not found:
        pytest.skip("no free-threaded interpreter")
    return found[-1]


def compiled(scratch, name, *flags):
    target = scratch / Path(name).stem
    if "-shared" in flags:
        target = target.with_suffix(".so")
    subprocess.run(["gcc", "-O1", "-g", "-Wall", "-Werror", "-pthread", *flags, "-o", target,
                    harness.PROGRAMS / name], check=True)
    return target


@pytest.fixture(scope="session")
def helpers(scratch):
    """Path of the shared object made from helpers.c, for ctypes."""
    return compiled(scratch, "helpers.c", "-shared", "-fPIC")


@pytest.fixture(scope="session")
def compile_program(scratch):
    return lambda name, *flags: compiled(scratch, name, *flags)


@pytest.fixture
def tmp_copy(tmp_path):
    """Copies programs into a folder of the test's own."""
    return lambda name: Path(shutil.copy(harness.PROGRAMS / name, tmp_path))


@pytest.fixture(scope="session")
def package(scratch):
    """The Python package as it is installed, in a folder for PYTHONPATH."""
    folder = scratch / "packages"
    shutil.copytree(harness.ROOT / "python" / "holdfast", folder / "holdfast", dirs_exist_ok=True)
    (folder / "holdfast" / "_version.py").write_text('version = "0"\n')
    return folder
