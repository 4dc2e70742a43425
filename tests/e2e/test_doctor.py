"""`holdfast doctor` against the truth: what it says of a machine, and whether `run` then works there."""
import errno
import json
import os
import platform
import resource
import shutil

import pytest

import harness
import interpreters
from harness import MB

# Numbers of system calls.
CALLS = {"x86_64": {"memfd_create": 319, "pidfd_open": 434, "clone": 56, "socket": 41},
         "aarch64": {"memfd_create": 279, "pidfd_open": 434, "clone": 220, "socket": 198}}[platform.machine()]
BROKEN, LIMITED, FINE = "broken", "limited", ("ok", "note")


class Diagnosis:
    def __init__(self, outcome):
        self.status = outcome.status
        assert outcome.stderr == b""
        self.fields = json.loads(outcome.text_out())
        assert self.fields["schema"] == "holdfast.doctor/1"
        self.checks = {check["name"]: check for check in self.fields["checks"]}
        self.works = self.fields["works"]
        assert self.works == (self.status == 0)
        assert self.works == all(check["status"] != BROKEN for check in self.checks.values())

    def says(self, name, status, *texts):
        check = self.checks[name]
        assert check["status"] in (status if isinstance(status, tuple) else (status,)), check
        told = check["text"] + " " + (check["advice"] or "")
        assert all(text in told for text in texts), told


def holdfast(*arguments, before=(), binary=None, **options):
    return harness.plain(*before, binary or harness.holdfast_binary(), *arguments, **options)


def diagnose(*arguments, **options):
    return Diagnosis(holdfast("doctor", "--format", "json", *arguments, **options))


def really_works(python, folder, **options):
    """Whether a run in the same circumstances leaves a profile that knows what was allocated where."""
    profile = folder / "really.holdfast"
    outcome = holdfast("run", "-q", "-o", profile, "--", python.path, "-S", "-c",
                       "def hold():\n    held = bytearray(20000000)\nhold()", **options)
    if outcome.status != 0 or not profile.exists():
        return False
    report = harness.Report(harness.report_text(profile))
    return report.main.total(function="hold") >= 20 * 10**6


def test_this_machine(any_python):
    """Each interpreter is what the tests know it to be, and works."""
    diagnosis = diagnose(any_python.path, env=any_python.environment())
    [found] = diagnosis.fields["interpreters"]
    assert (found["version"], found["implementation"]) == (any_python.number, "cpython")
    assert found["libpython"] == ("shared" if any_python.shared else "static")
    assert found["free_threaded"] == (not any_python.gil)
    assert found["stacks"] == any_python.known
    assert diagnosis.status == 0
    diagnosis.says("trial", FINE, any_python.number)


def test_unknown_version():
    unknown = [one for one in interpreters.everything() if not one.known]
    if not unknown:
        pytest.skip("all interpreters here are known")
    diagnosis = diagnose(unknown[0].path)
    assert diagnosis.status == 0 and not diagnosis.fields["interpreters"][0]["stacks"]
    diagnosis.says("trial", LIMITED, unknown[0].number, "stacks cannot be read", "version that is known")


def environment_with(folder, *pythons):
    """PATH with these interpreters alone, as python3, python3.N and so on."""
    folder.mkdir()
    for python in pythons:
        (folder / f"python{'.'.join(map(str, python.version))}").symlink_to(python.path)
    return {"PATH": str(folder), "HOME": "/nonexistent"}


def test_finds_what_is_on_the_path(tmp_path):
    pythons = {one.version: one for one in interpreters.known() if one.gil}
    environment = environment_with(tmp_path / "bin", *pythons.values())
    (tmp_path / "bin" / "python-config").write_text("#!/bin/sh\ntouch started\n")
    (tmp_path / "bin" / "python-config").chmod(0o755)
    (tmp_path / "bin" / "python9").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "python9").chmod(0o755)
    found = diagnose(env=environment, cwd=tmp_path).fields["interpreters"]
    assert sorted(one["version"] for one in found) == sorted(one.number for one in pythons.values())
    assert not (tmp_path / "started").exists()


def test_finds_what_pyenv_has(tmp_path, python):
    versions = tmp_path / "pyenv" / "versions" / "mine" / "bin"
    versions.mkdir(parents=True)
    (versions / "python3").symlink_to(python.path)
    found = diagnose(env={"PATH": "/nonexistent", "PYENV_ROOT": str(tmp_path / "pyenv")}).fields["interpreters"]
    assert [one["version"] for one in found] == [python.number]


def test_no_interpreter(tmp_path):
    environment = environment_with(tmp_path / "bin")
    diagnosis = diagnose(env=environment)
    assert diagnosis.status == 1 and diagnosis.fields["interpreters"] == []
    diagnosis.says("interpreters", BROKEN, "no Python", "holdfast doctor /path")
    text = holdfast("doctor", env=environment).text_out()
    assert text.splitlines()[0] == "holdfast run does not work here:"
    assert "no Python is on PATH" in text.splitlines()[1]


def test_interpreter_that_hangs(tmp_path):
    (tmp_path / "python3").write_text("#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n")
    (tmp_path / "python3").chmod(0o755)
    diagnosis = diagnose(tmp_path / "python3")
    assert diagnosis.status == 1
    diagnosis.says("interpreter", BROKEN, "does not run")


@pytest.mark.parametrize("program, text", [("/bin/ls", "does not run as a Python"), ("/no/such", "not found"),
                                           ("/", "folder")])
def test_no_such_interpreter(program, text):
    diagnosis = diagnose(program)
    assert diagnosis.status == 1
    diagnosis.says("interpreter", BROKEN, text)


@pytest.fixture(scope="module")
def forbid(compile_program):
    program = compile_program("forbid.c")
    return lambda call, error, *more: [program, str(error), str(CALLS[call]), *more]


@pytest.mark.parametrize("call, error, name, texts", [
    ("memfd_create", errno.EPERM, "shared memory", ["memfd_create", "Operation not permitted", "seccomp"]),
    ("memfd_create", errno.ENOSYS, "shared memory", ["memfd_create", "Linux 3.17"]),
    ("pidfd_open", errno.ENOSYS, "processes", ["pidfd_open", "Linux 5.3"]),
    ("pidfd_open", errno.EPERM, "processes", ["pidfd_open", "seccomp"]),
    ("socket", errno.EACCES, "sockets", ["socket", "Permission denied"]),
])
def test_refused_call(forbid, python, tmp_path, call, error, name, texts):
    before = forbid(call, error)
    diagnosis = diagnose(python.path, before=before)
    diagnosis.says(name, BROKEN, *texts)
    diagnosis.says("trial", BROKEN)
    diagnosis.says("seccomp", "note", "filter")
    assert not really_works(python, tmp_path, before=before)


def test_refused_copies(forbid, python, tmp_path):
    """Only part of it does not work then."""
    before = forbid("clone", errno.EPERM, "0")
    diagnosis = diagnose(python.path, before=before)
    diagnosis.says("copies", LIMITED, "clone", "local variables")
    diagnosis.says("trial", LIMITED, "local variables")
    assert diagnosis.status == 0 and really_works(python, tmp_path, before=before)


def limited(kind, value):
    return {"preexec_fn": lambda: resource.setrlimit(kind, (value, value))}


@pytest.mark.parametrize("files", [6, 7, 12, 20, 76, 1000])
def test_open_files(python, tmp_path, files):
    before = limited(resource.RLIMIT_NOFILE, files)
    diagnosis = diagnose(python.path, **before)
    diagnosis.says("open files", BROKEN if files < 12 else LIMITED if files < 76 else FINE, str(files) if files < 76 else "")
    assert diagnosis.works == really_works(python, tmp_path, **before) == (files >= 12)


@pytest.mark.parametrize("files, fits", [(16, 2), (40, 14)])
def test_processes_that_fit(python, tmp_path, files, fits):
    """As many as it says are followed at the same time."""
    before = limited(resource.RLIMIT_NOFILE, files)
    diagnose(python.path, **before).says("open files", LIMITED, f"enough to follow {fits} processes")
    program = """
import os, sys
ends, joined = os.pipe(), os.pipe()
children = int(sys.argv[1]) - 1
for _ in range(children):
    if os.fork() == 0:
        held = bytearray(1000000)
        os.write(joined[1], b"j")
        os.close(ends[1])
        os.read(ends[0], 1)
        os._exit(0)
for _ in range(children):
    os.read(joined[0], 1)
os.close(ends[1])
for _ in range(children):
    os.wait()
"""
    profile = tmp_path / "out.holdfast"
    assert holdfast("run", "-q", "-o", profile, "--", python.path, "-S", "-c", program, fits, **before).status == 0
    assert len(harness.Report(harness.report_text(profile)).processes) == fits


@pytest.mark.parametrize("kind, value", [
    (resource.RLIMIT_AS, 90 * MB), (resource.RLIMIT_AS, 4096 * MB), (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_FSIZE, 1 << 16), (resource.RLIMIT_FSIZE, 50 * MB)])
def test_memory_limits(python, tmp_path, kind, value):
    diagnosis = diagnose(python.path, **limited(kind, value))
    assert diagnosis.works == really_works(python, tmp_path, **limited(kind, value)) == (value >= 50 * MB)
    diagnosis.says("memory limits", LIMITED if value < 100 * MB else FINE)


def test_folder_that_cannot_be_written(python):
    diagnosis = diagnose(python.path, cwd="/proc")
    diagnosis.says("profile", LIMITED, "/proc", "-o")
    assert diagnosis.status == 0


def test_library_is_missing(tmp_path, python):
    copy = shutil.copy(harness.holdfast_binary(), tmp_path)
    diagnosis = diagnose(python.path, binary=copy)
    diagnosis.says("library", BROKEN, "install")
    diagnosis.says("trial", BROKEN, "libholdfast.so")


def test_library_cannot_be_run(tmp_path, python):
    """On a file system that is mounted so."""
    (tmp_path / "cli").mkdir()
    (tmp_path / "preload").mkdir()
    copy = shutil.copy(harness.holdfast_binary(), tmp_path / "cli")
    library = harness.holdfast_binary().parent.parent / "preload" / "libholdfast.so"
    mount = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c",
             'mount -t tmpfs -o noexec none "$0" && cp "$1" "$0" && shift && exec "$@"',
             tmp_path / "preload", library]
    if harness.plain(*mount, "true").status != 0:
        pytest.skip("not allowed to mount")
    diagnosis = diagnose(python.path, before=mount, binary=copy)
    diagnosis.says("library", BROKEN, "noexec")
    diagnosis.says("trial", BROKEN)


def test_text(python):
    text = holdfast("doctor", python.path).text_out()
    assert text.startswith("holdfast run works here.\n") and python.number in text
    assert all(len(line) <= 200 for line in text.splitlines())


@pytest.mark.parametrize("arguments, named", [(["--format", "xml"], "xml"), (["a", "b"], "one interpreter")])
def test_misuse(arguments, named):
    outcome = holdfast("doctor", *arguments)
    assert outcome.status == 2 and outcome.stdout == b"" and named in outcome.text_err()
    assert outcome.text_err().startswith("holdfast: ")


def test_leaves_nothing_behind(tmp_path, python):
    holdfast("doctor", python.path, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_version_knows_the_tables():
    """What it says of interpreters is what there are tables for, and what the library looks into."""
    tables = {path.stem for path in (harness.ROOT / "preload" / "offsets").glob("*.h")}
    source = (harness.ROOT / "preload" / "python.c").read_text()
    assert all(f"&offsets_{name.replace('.', '_')}," in source for name in tables)
    listed = (harness.ROOT / "preload" / "meson.build").read_text().partition("python_versions = [")[2].partition("]")[0]
    assert {name.strip(" '") for name in listed.split(",")} == tables
    text = holdfast("--version").text_out()
    assert "zstd" in text and "elfutils 0." in text and platform.machine() in text
    minors = sorted(int(name[2:]) for name in tables if not name.endswith("t"))
    assert f"CPython 3.{minors[0]} to 3.{minors[-1]};" in text
