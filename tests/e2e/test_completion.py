"""Completion in the shells: bash's is driven as a user drives it, with a terminal and the tab key."""
import os
import pty
import re
import select
import shutil
import time

import pytest

import harness

END = "--end--"


def holdfast(*arguments):
    outcome = harness.plain(harness.holdfast_binary(), *arguments)
    assert outcome.status == 0 and outcome.stderr == b""
    return outcome.text_out()


def commands():
    return re.findall(r"^  (\w+) ", holdfast("--help").partition("Commands:")[2], re.MULTILINE)


def options(command):
    """The long options in a command's --help."""
    return re.findall(r"^  (?:-\w, |    )(--[\w-]+)", holdfast(command, "--help"), re.MULTILINE)


class Bash:
    """An interactive one, in which `holdfast` prints its arguments, each in angle brackets."""

    def __init__(self, folder, script):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"],
                      {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "", "INPUTRC": "/dev/null"})
        self.enter(f"bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; source {script}")
        self.enter("holdfast() { printf '<%s>' \"$@\"; }; stty -echo")

    def enter(self, text):
        """What the line prints, once tab has completed what it can."""
        os.write(self.terminal, f"{text}\necho {END[:3]}''{END[3:]}\n".encode())
        seen, deadline = "", time.monotonic() + harness.TIME_LIMIT
        while f"{END}\r\n" not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([self.terminal], [], [], 1)[0]:
                seen += os.read(self.terminal, 65536).decode()
        return seen

    def complete(self, line):
        """The arguments of `holdfast` after tab; "^" in the line is a tab before its end."""
        seen = self.enter("holdfast " + line.replace("^", "\t") + "\t")
        return re.findall(r"<([^<>]*)>", seen.split("holdfast ")[-1])

    def close(self):
        os.write(self.terminal, b"\x15exit\n")
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "holdfast.bash"
    path.write_text(holdfast("completion", "bash"))
    return path


@pytest.fixture
def bash(tmp_path, script):
    for name in ("before work.holdfast", "other.txt"):
        (tmp_path / name).touch()
    shell = Bash(tmp_path, script)
    yield shell
    shell.close()


@pytest.mark.parametrize("line, wanted", [
    ("rep", ["report"]),
    ("--ver", ["--version"]),
    ("report --sn", ["report", "--snapshot"]),
    ("report --format sp", ["report", "--format", "speedscope"]),
    ("report --format=sp", ["report", "--format=speedscope"]),
    ("report -f js", ["report", "-f", "json"]),
    ("rep^b", ["report", "before work.holdfast"]),  # spaces are quoted; what is no profile is not offered
    ("report -f text bef", ["report", "-f", "text", "before work.holdfast"]),
    ("report -o oth", ["report", "-o", "other.txt"]),
    ("run --keep^--no-fol", ["run", "--keep-events", "--no-follow"]),
    ("run --ceiling 2GB --qu", ["run", "--ceiling", "2GB", "--quiet"]),
    ("run -- whoam", ["run", "--", "whoami"]),
    ("run --quiet whoam", ["run", "--quiet", "whoami"]),
    ("run whoami oth", ["run", "whoami", "other.txt"]),
    ("run whoami --keep", ["run", "whoami", "--keep"]),  # which are not our options
    ("run --ceiling=2GB -- whoami oth", ["run", "--ceiling=2GB", "--", "whoami", "other.txt"]),
    ("completion fi", ["completion", "fish"]),
    ("no-such-command --h", ["no-such-command", "--h"]),
])
def test_bash(bash, line, wanted):
    assert bash.complete(line) == wanted


def offered(script, *words):
    """All that the function offers for the last word."""
    text = f"source {script}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _holdfast; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    outcome = harness.plain("/bin/bash", "--norc", "-c", text, "bash", "holdfast", *words)
    assert outcome.status == 0
    return outcome.text_out().split()


def test_bash_offers_what_the_help_has(script):
    assert offered(script, "") == commands()
    for command in commands():
        assert offered(script, command, "-") == options(command), command


def test_formats_are_choices(script):
    """Each of those offered is one that `report` knows."""
    formats = offered(script, "report", "--format", "")
    assert formats[:3] == ["text", "html", "json"]
    for name in formats:
        outcome = harness.plain(harness.holdfast_binary(), "report", "--format", name, "--holder", "1", "/no/such")
        assert "unknown format" not in outcome.text_err()


def test_pids(script):
    assert str(os.getpid()) in offered(script, "snapshot", "")


@pytest.mark.parametrize("shell, check", [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])])
def test_syntax(shell, check, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    (tmp_path / "script").write_text(holdfast("completion", shell))
    outcome = harness.plain(shell, *check, tmp_path / "script")
    assert (outcome.status, outcome.stderr) == (0, b"")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_all_options_are_there(shell):
    text = holdfast("completion", shell)
    for command in commands():
        if shell == "fish":
            lines = [line for line in text.splitlines() if f"__fish_seen_subcommand_from {command}'" in line]
            found = ["--" + name for line in lines for name in re.findall(r" -l ([\w-]+)", line)]
        else:
            found = re.findall(r"[',](--[\w-]+)", text.partition(f"    {command})\n")[2].partition(";;\n")[0])
        assert found == options(command), command


def test_shell_is_needed():
    outcome = harness.plain(harness.holdfast_binary(), "completion", "csh")
    assert outcome.status == 2 and outcome.text_err().startswith("holdfast: which shell?")
