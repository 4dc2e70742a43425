"""What the README says to type works as it stands there."""
import os
import re

import pytest

import harness

README = (harness.ROOT / "README.md").read_text()


def commands(text):
    return re.findall(r"^    (holdfast [a-z].*?)(?: +#.*)?$", text, re.M)


COMMANDS = commands(README)
EVERYWHERE = sorted({command for page in (harness.ROOT / "docs").glob("*.md") for command in commands(page.read_text())} | {*COMMANDS})


def test_commands(python, tmp_path):
    (tmp_path / "app.py").write_text("held = bytes(5000000)\n")
    (tmp_path / "python").symlink_to(python.path)
    folders = [str(tmp_path), str(harness.holdfast_binary().resolve().parent), os.environ["PATH"]]
    environment = python.environment(PATH=":".join(folders))
    # The others need a program that is running, or one with holders, or a tool that draws.
    typed = [command for command in COMMANDS
             if command.startswith(("holdfast run", "holdfast report")) and "dot" not in command]
    assert len(typed) >= 5
    for command in typed:
        done = harness.execute(["bash", "-c", command], cwd=tmp_path, env=environment)
        assert done.returncode == 0 and (done.stdout or done.stderr or " -o " in command), command
        for name in re.findall(r" -o (\S+)", command):
            assert (tmp_path / name).stat().st_size > 500, command
    assert (tmp_path / "app.html").stat().st_size > 10000


@pytest.mark.parametrize("command", EVERYWHERE)
def test_options(command):
    """Each option that is typed anywhere is in the help."""
    name = command.split()[1]
    text = harness.plain(harness.holdfast_binary(), name, "--help").text_out()
    given = re.findall(r" (--?[a-z]+)\b", command.split(" -- ")[0].split(" | ")[0])
    assert all(re.search(rf"{option}\b", text) for option in given), given


def test_linked_pages_are_there():
    for page in [harness.ROOT / "README.md", *(harness.ROOT / "docs").glob("*.md")]:
        for name in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / name).exists(), f"{page.name}: {name}"
