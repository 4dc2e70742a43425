"""The wheel that scripts/wheel builds: what is in it, what it needs of a machine, and that it works from
wherever an installer puts it, for interpreters other than the one that it is installed for.

HOLDFAST_WHEEL names another wheel; without any, these tests are skipped.
"""
import os
import platform
import re
import shutil
import time
import zipfile
from pathlib import Path

import pytest

import harness
import interpreters

PACKAGING = harness.ROOT / ".cache" / "packaging" / "bin"
OLD_ROOT = harness.ROOT / ".cache" / "old-libc" / "bullseye"
OLDEST_GLIBC = (2, 17)
INSTALLED_FOR = ["3.8", "3.11", "3.13", "3.14"]
HELD = 30_000_000
PROGRAM = f"""
import os, sys, threading

def hold():
    held = bytearray({HELD})
    thread = threading.Thread(target=bytearray, args=(1000000,))
    thread.start()
    thread.join()
    return os.system("exit 3"), len(held)

print(hold()[1], flush=True)
"""


@pytest.fixture(scope="module")
def wheel():
    found = [Path(os.environ["HOLDFAST_WHEEL"])] if "HOLDFAST_WHEEL" in os.environ else \
        sorted((harness.ROOT / "build-wheel" / "dist").glob("*.whl"))
    if not found:
        pytest.skip("no wheel: scripts/wheel builds one")
    return found[-1]


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    """Its files, where a prefix would have them."""
    prefix = tmp_path_factory.mktemp("prefix")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            match = re.match(r"[^/]+\.data/(data|scripts|purelib)/(.+[^/])$", name)
            if match:
                folder = {"data": "", "scripts": "bin", "purelib": "packages"}[match[1]]
                target = prefix / folder / match[2]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))
                target.chmod(archive.getinfo(name).external_attr >> 16 & 0o777)
    return prefix


def output(*command, **options):
    outcome = harness.plain(*command, **options)
    assert outcome.status == 0, outcome.text_out()[-2000:] + outcome.text_err()[-2000:]
    return outcome.text_out()


def clean_environment(**extra):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "HOLDFAST", "PYTEST", "LD_", "VIRTUAL_ENV", "PIP_"))}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **extra}


def assert_held(report, number):
    """The program's memory is blamed on its line, in an interpreter of that version."""
    process = report.main
    assert process.fields["python"] == number
    assert HELD <= process.total(function="hold", line=5) < HELD + 1000


# What it is

def test_tags(wheel):
    assert re.match(r"holdfast-[\d.]+-py3-none-.*manylinux_2_17_\w+\.whl$", wheel.name)


def test_auditwheel_agrees(wheel):
    if not (PACKAGING / "auditwheel").exists():
        pytest.skip("no auditwheel")
    text = " ".join(output(PACKAGING / "auditwheel", "show", wheel).split())
    assert re.search(r'consistent with the following platform tag: "manylinux_2_17_\w+"', text)


def test_library_needs_an_old_libc_alone(unpacked):
    text = output("objdump", "-p", unpacked / "libexec" / "holdfast" / "libholdfast.so")
    assert set(re.findall(r"NEEDED +(\S+)", text)) == {"libc.so.6", "libdl.so.2", "libpthread.so.0"}
    assert not re.search("RPATH|RUNPATH", text)
    versions = {tuple(map(int, number.split("."))) for number in re.findall(r"GLIBC_([\d.]+)", text)}
    assert versions and max(versions) <= OLDEST_GLIBC


def test_executable_needs_nothing(unpacked):
    text = output("objdump", "-p", unpacked / "bin" / "holdfast")
    assert "NEEDED" not in text and "INTERP" not in text
    # to load a library would be to have another libc than its own
    assert b"libdebuginfod" not in (unpacked / "bin" / "holdfast").read_bytes()


def test_licences(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("LICENSE", "THIRD-PARTY.txt", "LGPL-2.1.txt"):
        assert any(".dist-info/licenses/" in entry and entry.endswith(name) for entry in names)


def test_what_else_it_holds(unpacked):
    """Manual pages and completions, where programs look below an environment's prefix."""
    pages = {path.name for path in (unpacked / "share" / "man" / "man1").iterdir()}
    assert pages == {path.name for path in (harness.ROOT / "man").glob("*.1")}
    for name in ("bash-completion/completions/holdfast", "zsh/site-functions/_holdfast",
                 "fish/vendor_completions.d/holdfast.fish"):
        assert b"holdfast" in (unpacked / "share" / name).read_bytes()
    assert [path.name for path in unpacked.rglob("*.[ah]")] == ["holdfast.h"]


def test_pytest_finds_the_plugin(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [entries] = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        assert "[pytest11]\nholdfast = holdfast.pytest_plugin" in re.sub(" *= *", " = ", archive.read(entries).decode())
        modules = {name.rpartition("/")[2] for name in archive.namelist() if "/holdfast/" in name and name.endswith(".py")}
    assert {path.name for path in (harness.ROOT / "python" / "holdfast").glob("*.py")} < modules


# Where nothing else is

def copied_root(folder):
    """A root with this machine's C library and interpreter, and nothing else."""
    python = "/usr/bin/python3.11"
    if not os.path.exists(python) or "libpython" in output("ldd", python):
        pytest.skip("no interpreter that can be copied")
    needed = {"/bin/sh", python}
    for program in list(needed):
        needed.update(re.findall(r"(/\S+)", output("ldd", program)))
    needed.update(str(path) for library in list(needed) if "/libc.so" in library
                  for path in Path(library).parent.glob("lib[dp][lt]*.so.[02]"))  # libdl, libpthread
    for path in needed:
        target = folder / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    modules = Path("/usr/lib/python3.11")
    shutil.copytree(modules, folder / str(modules)[1:],
                    ignore=shutil.ignore_patterns("test*", "__pycache__", "lib2to3", "idlelib", "config-*"))
    return python


def fetched_root(folder):
    """Debian 11's C library, from before libdl and libpthread became part of it."""
    if not OLD_ROOT.is_dir():
        pytest.skip("not fetched: scripts/fetch-interpreters --old-libc")
    shutil.copytree(OLD_ROOT, folder, symlinks=True, dirs_exist_ok=True)
    return "/usr/bin/python3.9"


def in_root(folder, *command):
    """Runs a command there, with a /proc where that can be had."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    ways = [["unshare", *user, "--mount", "--pid", "--fork", "sh", "-c",
             'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"', folder],
            ["unshare", *user, "chroot", folder]]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    for way in ways:
        if harness.plain(*way, "/bin/sh", "-c", ":", env=environment).status == 0:
            return harness.plain(*way, *command, env=environment)
    pytest.skip("not allowed to change the root")


def run_in_root(folder, python, unpacked):
    for name in ("proc", "tmp", "home"):
        (folder / name).mkdir(exist_ok=True)
    shutil.copytree(unpacked, folder / "opt" / "holdfast")
    (folder / "home" / "program.py").write_text(PROGRAM)
    return in_root(folder, "/opt/holdfast/bin/holdfast", "run", "-o", "/home/out.holdfast", "--",
                   python, "/home/program.py")


@pytest.mark.parametrize("make", [copied_root, fetched_root])
def test_bare_root(unpacked, tmp_path, make):
    python = make(tmp_path)
    outcome = run_in_root(tmp_path, python, unpacked)
    assert (outcome.status, outcome.text_out()) == (0, f"{HELD}\n"), outcome.text_err()
    assert all(line.startswith(("holdfast:", " ")) or not line for line in outcome.text_err().splitlines())
    report = harness.Report(harness.report_text(tmp_path / "home" / "out.holdfast"))
    version = in_root(tmp_path, python, "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])")
    assert_held(report, version.text_out().strip())


def test_root_without_all_of_the_c_library(unpacked, tmp_path):
    """The loader would end a program whose preloaded library lacks something."""
    python = copied_root(tmp_path)
    for path in list(tmp_path.rglob("libdl.so.2")):
        path.unlink()
    outcome = run_in_root(tmp_path, python, unpacked)
    assert (outcome.status, outcome.text_out()) == (0, f"{HELD}\n")
    assert outcome.text_err().startswith("holdfast: ") and outcome.text_err().count("\n") == 1
    assert "libdl.so.2" in outcome.text_err() and "untraced" in outcome.text_err()


# Where installers put it

def installers():
    """One of each version."""
    found = {".".join(map(str, one.version)): one for one in interpreters.everything() if one.gil}
    return [found[version] for version in INSTALLED_FOR if version in found]


def another_than(python):
    others = [one for one in interpreters.known() if one.version != python.version]
    return others[python.version[1] % len(others)] if others else python


def make_environment(python, folder):
    """A virtual environment, and the command that is pip for it: the newest knows no old interpreters."""
    own_pip = python.version < (3, 10)
    if not own_pip and not (PACKAGING / "pip").exists():
        pytest.skip("no pip for it")
    output(python.path, "-m", "venv", *([] if own_pip else ["--without-pip"]), folder, env=clean_environment())
    return [folder / "bin" / "python", "-m", "pip"] if own_pip else \
        [PACKAGING / "pip", "--python", folder / "bin" / "python"]


def files_below(folder):
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts and not path.is_dir()}


def trace_with(*holdfast, python, folder):
    """The report of a program that was traced from an empty folder."""
    profile = folder / "out.holdfast"
    text = output(*holdfast, "run", "-q", "-o", profile, "--", python.path, "-c", PROGRAM,
                  env=python.environment(), cwd=folder)
    assert text == f"{HELD}\n"
    return harness.Report(harness.report_text(profile))


@pytest.mark.parametrize("python", installers(), ids=lambda python: python.label)
def test_virtual_environment(wheel, tmp_path, python):
    home = tmp_path / "venv"
    pip = make_environment(python, home)
    before = files_below(home)
    output(*pip, "install", "--no-index", "--quiet", wheel, env=clean_environment())
    other = another_than(python)
    assert_held(trace_with(home / "bin" / "holdfast", python=other, folder=tmp_path), other.number)
    module = [home / "bin" / "python", "-m", "holdfast"]
    version = output(*module, "--version", cwd=tmp_path)
    assert version == output(home / "bin" / "holdfast", "--version")
    assert output(home / "bin" / "python", "-c", "import holdfast; print('holdfast', holdfast.__version__)",
                  env=clean_environment(), cwd=tmp_path) == version.splitlines()[0] + "\n"
    output(*pip, "uninstall", "--yes", "--quiet", "holdfast", env=clean_environment())
    assert files_below(home) == before


def test_link_from_elsewhere(unpacked, tmp_path, python):
    """As pipx makes them."""
    (tmp_path / "holdfast").symlink_to(unpacked / "bin" / "holdfast")
    assert_held(trace_with(tmp_path / "holdfast", python=python, folder=tmp_path), python.number)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="native stacks are read on x86-64")
def test_native(unpacked, tmp_path, python):
    """Debug information that is nowhere is not looked for on servers."""
    holdfast, profile = unpacked / "bin" / "holdfast", tmp_path / "out.holdfast"
    output(holdfast, "run", "-q", "--native", "-o", profile, "--", python.path, "-c", PROGRAM,
           env={**python.environment(), "DEBUGINFOD_URLS": "http://127.0.0.1:9"})
    report = harness.Report(output(holdfast, "report", "--format", "json", "--frames", "all", profile))
    [held] = [site for site in report.main.sites if HELD <= site.bytes < HELD + 1000]
    assert any("module" in frame for frame in held.stack) and "hold" in held.functions()


@pytest.mark.parametrize("folder", ["My Projects", "a:b", "$ORIGIN"])
def test_path_that_the_loader_cannot_take(unpacked, tmp_path, python, folder):
    """LD_PRELOAD separates names by spaces and colons, and replaces what begins with a dollar. The link that stands in for such a path works for what
    outlives the run, is one for all runs, and is nobody else's."""
    shutil.copytree(unpacked, tmp_path / folder)
    holdfast = tmp_path / folder / "bin" / "holdfast"
    for _ in range(2):
        assert_held(trace_with(holdfast, python=python, folder=tmp_path), python.number)
    library = next((tmp_path / folder).rglob("libholdfast.so"))
    links = [link for link in Path("/tmp").glob("holdfast-*.so") if os.readlink(link) == str(library)]
    try:
        assert len(links) == 1
        later = tmp_path / "later"
        output(holdfast, "run", "-q", "-o", tmp_path / "later.holdfast", "--",
               "sh", "-c", "(sleep 0.5; /bin/true >$0 2>&1; echo end >>$0) &", later)
        while not (later.exists() and later.read_text().endswith("end\n")):
            time.sleep(0.1)
        assert later.read_text() == "end\n"
    finally:
        for link in links:
            link.unlink()


@pytest.mark.parametrize("way", ["--user", "--target", "--prefix"])
def test_other_places(wheel, tmp_path, python, way):
    if not (PACKAGING / "pip").exists():
        pytest.skip("no pip of our own")
    place = tmp_path / "place"
    environment = clean_environment(PYTHONUSERBASE=str(place), PIP_BREAK_SYSTEM_PACKAGES="1")
    output(PACKAGING / "pip", "--python", python.path, "install", "--no-index", "--quiet", way,
           *([] if way == "--user" else [place]), wheel, env=environment)
    if way != "--user":
        environment["PYTHONPATH"] = str(next(place.rglob("holdfast/__init__.py")).parent.parent)
    assert output(python.path, "-m", "holdfast", "--version", env=environment).startswith("holdfast ")
    assert_held(trace_with(place / "bin" / "holdfast", python=python, folder=tmp_path), python.number)


def test_module_passes_signals_on(unpacked, tmp_path, python):
    """Python ignores SIGPIPE; a program that it starts for us must not."""
    status = ["sh", "-c", "grep -E '^Sig(Ign|Blk)' /proc/self/status"]
    environment = clean_environment(PYTHONPATH=str(unpacked / "packages"), PATH=f"{unpacked}/bin:{os.environ['PATH']}")
    assert output(python.path, "-m", "holdfast", "run", "-q", "-o", tmp_path / "out.holdfast", "--", *status,
                  env=environment) == output(*status)


def test_module_without_its_executable(unpacked, tmp_path, python):
    shutil.copytree(unpacked / "packages", tmp_path / "packages")
    outcome = harness.plain(python.path, "-m", "holdfast", "--version",
                            env={"PYTHONPATH": str(tmp_path / "packages"), "PATH": str(tmp_path)})
    assert outcome.status == 2 and outcome.text_err().startswith("holdfast: ")
    assert outcome.text_err().count("\n") == 1
