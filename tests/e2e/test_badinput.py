"""What is asked for wrongly, or cannot be done: one line says what and what to do."""
import os
import shutil
import struct
import subprocess
import zlib

import pytest

from harness import holdfast_binary, plain, traced
from test_completion import commands

STATIC = "int puts(const char *); int main(int n, char **v) { puts(v[n - 1]); return 7; }"


def holdfast(*arguments, **options):
    return plain(holdfast_binary(), *arguments, **options)


def one_line(outcome):
    lines = outcome.text_err().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("holdfast:"), lines
    return lines[0]


def refused(outcome):
    assert outcome.status == 2, (outcome.status, outcome.text_err())
    assert outcome.stdout == b""
    return one_line(outcome)


def ran_untraced(outcome, status, stdout):
    assert (outcome.status, outcome.stdout) == (status, stdout)
    return one_line(outcome)


@pytest.mark.parametrize("arguments,named", [
    ([], "command"),
    (["run"], "command"),
    (["run", "--"], "command"),
    (["run", "--no-such-option", "--", "true"], "--no-such-option"),
    (["run", "-o"], "-o"),
    (["run", "--", "no-such-command-anywhere"], "no-such-command-anywhere"),
    (["run", "--", "/no/such/file"], "/no/such/file"),
    (["run", "--", "/etc/passwd"], "/etc/passwd"),
    (["run", "--", "/"], "/"),
    (["run", "--ceiling", "--", "true"], "--"),
    (["run", "--ceiling=", "--", "true"], "--ceiling"),
    (["run", "--ceiling=lots", "--", "true"], "'lots'"),
    (["run", "--ceiling=0", "--", "true"], "'0'"),
    (["run", "--ceiling=12PiB", "--", "true"], "12PiB"),
    (["run", "--ceiling=2GB", "--no-holders", "--", "true"], "--no-holders"),
    (["run", "--ceiling"], "--ceiling"),
    (["no-such-subcommand"], "no-such-subcommand"),
    (["snapshot"], "PID"),
    (["snapshot", "1", "2"], "'2'"),
    (["snapshot", "first"], "'first'"),
    (["snapshot", "0"], "'0'"),
    (["snapshot", "99999999999999999999"], "'99999999999999999999'"),
    (["snapshot", "--timeout", "0", "1"], "'0'"),
    (["snapshot", "--timeout", "soon", "1"], "'soon'"),
    (["snapshot", "--name", "", "1"], "--name"),
    (["snapshot", "--name", "x" * 65, "1"], "--name"),
    (["snapshot", "--no-such-option", "1"], "--no-such-option"),
    (["snapshot", "2147483647"], "no such process"),
    (["doctor", "--no-such-option"], "--no-such-option"),
    (["completion", "no-such-shell"], "which shell"),
    (["report"], "FILE"),
    (["report", "--no-such-option"], "--no-such-option"),
    (["report", "/no/such.holdfast"], "/no/such.holdfast"),
    (["report", "/etc/passwd"], "/etc/passwd"),
    (["report", "/"], "/"),
    (["report", "--format", "no-such-format", "/etc/passwd"], "no-such-format"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_misuse(arguments, named, tmp_path):
    assert named.lower() in refused(holdfast(*arguments, cwd=tmp_path)).lower()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in commands())],
                         ids=" ".join)
def test_help(arguments):
    outcome = holdfast(*arguments)
    assert outcome.status == 0 and outcome.stderr == b""
    assert b"holdfast" in outcome.stdout
    lines = outcome.text_out().splitlines()
    assert all(len(line) <= 100 for line in lines) and len(lines) <= (36 if "check" in arguments else 24)


def test_version():
    assert holdfast("--version").text_out().startswith("holdfast ")


@pytest.mark.parametrize("output", ["/no/such/folder/out.holdfast", "/", "/proc/out.holdfast"])
def test_unwritable_output_is_found_before_the_program_starts(tmp_path, output):
    witness = tmp_path / "started"
    outcome = holdfast("run", "-o", output, "--", "touch", witness)
    assert output in refused(outcome)
    assert not witness.exists()


def compiled(folder, name, text, *flags):
    source = folder / f"{name}.c"
    source.write_text(text)
    assert plain("gcc", *flags, "-o", folder / name, source).status == 0
    return folder / name


def test_static_binary(tmp_path):
    program = compiled(tmp_path, "static", STATIC, "-static")
    line = ran_untraced(traced(program, "hello", flags=(), expect=None), 7, b"hello\n")
    assert "static" in line


def test_setuid_binary(tmp_path):
    program = compiled(tmp_path, "setuid", STATIC)
    program.chmod(0o4755)
    if os.getuid() == 0:
        os.chown(program, 65534, 65534)
        program.chmod(0o4755)
    line = ran_untraced(traced(program, "hello", flags=(), expect=None), 7, b"hello\n")
    assert "set" in line


@pytest.mark.parametrize("machine", [0x28, 0xB7, 0xF3], ids=["arm", "aarch64", "riscv"])
def test_other_architecture(tmp_path, machine):
    """Refused or run untraced: here nothing can run it, so it ends as the kernel says."""
    program = compiled(tmp_path, "other", STATIC)
    image = bytearray(program.read_bytes())
    image[18:20] = struct.pack("<H", machine)
    program.write_bytes(image)
    outcome = traced(program, flags=(), expect=None)
    assert outcome.status == 2
    assert all(line.startswith("holdfast:") for line in outcome.text_err().splitlines())
    assert "architecture" in outcome.text_err() or "machine" in outcome.text_err()


def test_pypy(tmp_path):
    """What calls itself PyPy and is no CPython: a stand-in, since a real one need not be there."""
    program = compiled(tmp_path, "pypy3", STATIC)
    outcome = traced(program, "hello", flags=(), expect=None)
    assert (outcome.status, outcome.stdout) == (7, b"hello\n")
    assert any("PyPy" in line for line in outcome.text_err().splitlines())


def test_program_that_is_no_python(tmp_path):
    program = compiled(tmp_path, "native", """
#include <stdlib.h>
int main(void) { return malloc(5000003) == NULL; }
""", "-O0")
    process = traced(program, flags=()).report().main
    assert process.total(kinds=["heap"]) >= 5000003


def test_script_with_an_interpreter_line(tmp_path, python):
    script = tmp_path / "script"
    script.write_text(f"#!{python.path}\ndef hold():\n    return bytes(5000003)\nheld = hold()\n")
    script.chmod(0o755)
    assert traced(script, env=python.environment()).report().main.total(function="hold") == 5000003 + 33


def test_script_whose_interpreter_is_missing(tmp_path):
    """It is found, and exec fails; what says so is another process, which can do without stderr."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    command = [holdfast_binary(), "run", "-q", "-o", tmp_path / "p.holdfast", "--", script]
    assert f"cannot run {script}: No such file" in refused(plain(*command))
    silent = plain("sh", "-c", 'exec "$@" 2>&-', "sh", *command)
    assert (silent.status, silent.stdout, silent.stderr) == (2, b"", b"")
    assert not (tmp_path / "p.holdfast").exists()


def test_script_for_a_static_interpreter(tmp_path):
    interpreter = compiled(tmp_path, "static", STATIC, "-static")
    script = tmp_path / "script"
    script.write_text(f"#!{interpreter}\n")
    script.chmod(0o755)
    ran_untraced(traced(script, "hello", flags=(), expect=None), 7, b"hello\n")


# Profiles

@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    from interpreters import main_one
    python = main_one()
    path = tmp_path_factory.mktemp("profile") / "good.holdfast"
    outcome = traced(python.path, "-c", "held = [bytes(5000) for _ in range(1000)]",
                     env=python.environment())
    shutil.copy(outcome.profile, path)
    return path.read_bytes()


def report_of(data, tmp_path):
    path = tmp_path / "some.holdfast"
    path.write_bytes(data)
    return holdfast("report", path)


@pytest.mark.parametrize("part", [0, 1, 7, 8, 12, 100, 0.3, 0.9, -1])
def test_truncated_profile(profile, tmp_path, part):
    keep = int(len(profile) * part) if isinstance(part, float) else part
    line = refused(report_of(profile[:keep], tmp_path))
    assert "some.holdfast" in line


def test_damaged_profile(profile, tmp_path):
    """Whatever byte is wrong, it is said, or does not matter; never a crash."""
    step = max(1, len(profile) // 60)
    for at in range(0, len(profile), step):
        damaged = bytearray(profile)
        damaged[at] ^= 0x5A
        outcome = report_of(bytes(damaged), tmp_path)
        assert outcome.status in (0, 2), (at, outcome.status)
        if outcome.status == 2:
            one_line(outcome)


def with_version(profile, major, minor, needs):
    """The header as docs/profile-format.md has it for every version."""
    head = profile[:8] + struct.pack("<HH16s", major, minor, needs)
    return head + struct.pack("<I", zlib.crc32(head)) + profile[32:]


def test_newer_profile(profile, tmp_path):
    assert with_version(profile, 2, profile[10], b"0.1.0") == profile
    line = refused(report_of(with_version(profile, 99, 1, b"7.6.5"), tmp_path))
    assert "newer" in line and "7.6.5" in line
    assert report_of(with_version(profile, 2, 99, b"0.1.0"), tmp_path).status == 0


def test_older_profile(profile, tmp_path):
    line = refused(report_of(with_version(profile, 1, 1, b"0.1.0"), tmp_path))
    assert "older" in line


def test_source_files_need_not_be_there(profile, tmp_path):
    """A profile opens on another machine."""
    path = tmp_path / "moved.holdfast"
    path.write_bytes(profile)
    outcome = holdfast("report", path, cwd="/", env={"PATH": "/nonexistent"})
    assert outcome.status == 0 and outcome.stderr == b""


def test_report_that_cannot_be_written(profile, tmp_path):
    path = tmp_path / "fine.holdfast"
    path.write_bytes(profile)
    with open("/dev/full", "wb") as full:
        completed = subprocess.run([holdfast_binary(), "report", path], stdout=full,
                                   stderr=subprocess.PIPE)
    assert completed.returncode in (1, 2)
    assert completed.stderr.startswith(b"holdfast:")
