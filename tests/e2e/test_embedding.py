"""An interpreter that a C program loads later is found, and its stacks are read from its first object on."""
import os
import subprocess
from pathlib import Path

import pytest

import harness


WHERE = """
import sys, sysconfig
print(sysconfig.get_config_var("LIBDIR") + "/" + sysconfig.get_config_var("INSTSONAME"))
print(sys.base_prefix)
"""


def library_and_home(python):
    """The interpreter as a library, which Debian has beside a static one, and where its modules are."""
    found = harness.plain(python.path, "-I", "-c", WHERE, env=python.environment()).text_out()
    library, home = map(Path, found.splitlines())
    if ".so" not in library.name or not library.exists():
        pytest.skip("no shared libpython")
    return library, home


def build(tmp_path, *flags):
    program = tmp_path / "embedding"
    subprocess.run(["gcc", "-O1", "-g", "-Wall", "-Werror", *flags, "-o", program,
                    harness.PROGRAMS / "embedding.c", "-ldl"], check=True)
    return program


@pytest.mark.parametrize("way", ["local", "global", "searched", "run-path"])
def test_libpython_is_loaded_later(some_python, tmp_path, way):
    library, home = library_and_home(some_python)
    program = build(tmp_path, *([f"-Wl,-rpath,{library.parent}"] if way == "run-path" else []))
    environment = {**os.environ, "PYTHONHOME": str(home)}
    if way == "searched":
        environment["LD_LIBRARY_PATH"] = str(library.parent)
    outcome = harness.traced(program, library, way, env=environment)
    assert outcome.text_out() == "1\n"
    process = outcome.report().main
    if way == "run-path":
        # Our frame must not stand between dlopen and a caller with a run path, so that Python is found
        # late, if ever: bytes still count.
        assert process.peak >= 7000001 + 5000003 + (64 << 20)
        return
    header = some_python.sizes()["bytes_header"]
    assert process.total(function="inside", kinds=["python"]) == 5000003 + header
    assert [site.place()[1] for site in process.matching(function="inside")] == [2]
    assert process.fields["python"] == some_python.number


def test_libpython_is_restarted(python, tmp_path):
    """Each time that it ends, its last references are looked at: what was lost after the first is found."""
    library, home = library_and_home(python)
    outcome = harness.traced(build(tmp_path), library, "restarted", flags=("-q", "--refs"), env={**os.environ, "PYTHONHOME": str(home)})
    leaks = outcome.report().main.fields["references"]["leaks"]
    [late] = [leak["references"] for leak in leaks if leak["type"].endswith("Late")]
    assert 990 <= late <= 1000  # words left over elsewhere may explain one or two
