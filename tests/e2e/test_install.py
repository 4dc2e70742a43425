"""`meson install`, as packagers use it: into a staging folder, and from a prefix that is then moved."""
import json
import shutil
from pathlib import Path

import pytest

import harness

BUILD = harness.holdfast_binary().parent.parent
PROGRAM = "def hold():\n    held = bytearray(20000000)\nhold()"


def meson(*arguments):
    """The one that made the build; another may not read what that has written."""
    info = json.loads((BUILD / "meson-info" / "meson-info.json").read_text())
    for name in ("/usr/bin/meson", shutil.which("meson")):
        if name and harness.plain(name, "--version").text_out().strip() == info["meson_version"]["full"]:
            outcome = harness.plain(name, *arguments)
            assert outcome.status == 0, outcome.text_err() + outcome.text_out()
            return
    pytest.skip("the build was made by another meson")


def option(name):
    options = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
    return next(one["value"] for one in options if one["name"] == name)


@pytest.fixture
def prefix(tmp_path):
    """The prefix of an installation below a staging folder."""
    meson("install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", tmp_path / "staging")
    return tmp_path / "staging" / option("prefix").lstrip("/")


def assert_works(binary, python, folder):
    profile = folder / "out.holdfast"
    outcome = harness.plain(binary, "run", "-q", "-o", profile, "--", python.path, "-S", "-c", PROGRAM)
    assert (outcome.status, outcome.stderr) == (0, b"")
    report = harness.Report(harness.report_text(profile))
    assert report.main.total(function="hold") >= 20 * 10**6
    profile.unlink()


def test_runs_from_the_staging_folder_and_when_moved(prefix, python, tmp_path):
    assert_works(prefix / "bin" / "holdfast", python, tmp_path)
    moved = Path(shutil.move(prefix, tmp_path / "elsewhere"))
    assert_works(moved / "bin" / "holdfast", python, tmp_path)
    (tmp_path / "link").symlink_to(moved / "bin" / "holdfast")
    assert_works(tmp_path / "link", python, tmp_path)


def test_library_is_taken_from_beside(prefix, python, tmp_path):
    """Not from the place that was compiled in: without its own, it says that it is missing."""
    library = prefix / option("libdir") / "holdfast" / "libholdfast.so"
    library.unlink()
    outcome = harness.plain(prefix / "bin" / "holdfast", "run", "--", python.path, "-c", "", cwd=tmp_path)
    assert outcome.status == 2 and "libholdfast.so is not where it was installed" in outcome.text_err()


def test_what_is_installed(prefix):
    share = prefix / option("datadir")
    names = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    pages = {path.name for path in (prefix / option("mandir") / "man1").iterdir()}
    assert pages == {path.name for path in (harness.ROOT / "man").glob("*.1")}
    for name in ("bash-completion/completions/holdfast", "zsh/site-functions/_holdfast",
                 "fish/vendor_completions.d/holdfast.fish", "doc/holdfast/LICENSE", "doc/holdfast/README.md"):
        assert (share / name).is_file()
    assert any(name.endswith("/holdfast/__init__.py") for name in names)
    assert [Path(name).name for name in names if name.endswith((".a", ".h"))] == ["holdfast.h"]
    assert "libdl" not in " ".join(names)
