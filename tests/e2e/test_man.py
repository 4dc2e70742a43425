"""The manual pages: there is one for each command, it has each option that --help has and no other, and
it renders without a warning."""
import re
import shutil

import pytest

import harness
from test_completion import commands, holdfast, options

MAN = harness.ROOT / "man"
LETTER = r"^  -(\w), "


def rendered(page):
    """As plain text, in lines too long to be broken."""
    outcome = harness.plain("groff", "-Kutf8", "-Tascii", "-P-cbou", "-mandoc", "-rLL=1000n", "-ww", page)
    assert (outcome.status, outcome.text_err()) == (0, "")
    return outcome.text_out()


def tagged(page):
    """The options that a page has an entry for, letters and names."""
    entries = re.findall(r"^\.It (Fl .*)", page.read_text(), re.MULTILINE)
    return {name for entry in entries for name in re.findall(r"Fl (-?[\w-]+)", entry)}


def synopsis(page):
    text = page.read_text().partition(".Sh SYNOPSIS")[2].partition(".Sh")[0]
    return set(re.findall(r"Fl (-?[\w-]+)", text)) - {"-"}


@pytest.mark.parametrize("page", sorted(MAN.glob("*.1")), ids=lambda page: page.name)
def test_renders(page):
    if not shutil.which("groff"):
        pytest.skip("no groff")
    text = rendered(page)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
        assert f"\n{section}\n" in text
    if shutil.which("mandoc"):
        assert harness.plain("mandoc", "-Tlint", "-Wwarning", page).text_out() == ""


def test_a_page_for_each_command():
    assert {page.stem for page in MAN.glob("*.1")} == {"holdfast"} | {f"holdfast-{name}" for name in commands()}
    installed = set(re.findall(r"'(holdfast[\w-]*\.1)'", (MAN / "meson.build").read_text()))
    assert installed == {page.name for page in MAN.glob("*.1")}
    listed = re.findall(r"^\.It Cm (\w+)", (MAN / "holdfast.1").read_text(), re.MULTILINE)
    assert listed == commands()


@pytest.mark.parametrize("command", commands())
def test_options(command):
    page = MAN / f"holdfast-{command}.1"
    text = holdfast(command, "--help")
    wanted = {name[1:] for name in options(command)} | set(re.findall(LETTER, text, re.MULTILINE))
    assert tagged(page) == wanted
    # One form of each is in the synopsis
    for name in options(command):
        letter = re.search(rf"^  -(\w), {name}\b", text, re.MULTILINE)
        assert name == "--help" or {name[1:], letter and letter[1]} & synopsis(page), name


def test_formats():
    page = (MAN / "holdfast-report.1").read_text()
    listed = re.search(r"--format FORMAT  (.*?)\n  -o", holdfast("report", "--help"), re.DOTALL)[1]
    formats = [line.strip().split(":")[0].split()[0] for line in listed.splitlines()]
    described = re.search(r"Fl -format Ar format\n(.*?)^\.El", page, re.DOTALL | re.MULTILINE)[1]
    assert re.findall(r"^\.It Cm (\w+)", described, re.MULTILINE) == formats


def test_references():
    """Pages refer to pages that are there, or to the system's."""
    for page in MAN.glob("*.1"):
        for name in re.findall(r"^\.Xr (holdfast\S*) 1", page.read_text(), re.MULTILINE):
            assert (MAN / f"{name}.1").exists() and name != page.stem or page.stem == "holdfast", (page, name)
