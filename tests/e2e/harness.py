"""Runs programs with and without Holdfast, and reads what it reports about them.

Every report that a test reads is checked here for what must hold always: see Report.check.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / "tests" / "programs"
MB = 1 << 20
# A program that has not ended by then hangs, on a machine however slow. Never part of what a test asserts.
TIME_LIMIT = int(os.environ.get("HOLDFAST_TIME_LIMIT", "1200"))
FULL = os.environ.get("HOLDFAST_FULL") == "1"


def holdfast_binary():
    chosen = os.environ.get("HOLDFAST_BINARY")
    return Path(chosen) if chosen else ROOT / "build" / "cli" / "holdfast"


class Outcome:
    """How a command ended, and the profile that came of it (None when there is none)."""

    def __init__(self, completed, profile):
        self.stdout = completed.stdout
        self.stderr = completed.stderr
        self.status = completed.returncode
        self.profile = profile
        self.told = None, None

    def report(self):
        """Made once, for as long as nobody writes the profile anew."""
        assert self.profile.exists(), f"no profile; stderr: {self.text_err()[-2000:]}"
        written = self.profile.stat().st_mtime_ns
        if self.told[0] != written:
            self.told = written, Report(report_text(self.profile))
        return self.told[1]

    def text_err(self):
        return self.stderr.decode("utf-8", "replace")

    def text_out(self):
        return self.stdout.decode("utf-8", "replace")


def execute(command, input=None, **options):
    """Runs a command in a session of its own, so that one that hangs is ended with all its children."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                               **options)
    try:
        stdout, stderr = process.communicate(input, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        family = descendants(process.pid)
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()
        raise
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)


def descendants(pid):
    """A process of ours, and all that came from it and are still its family."""
    pairs = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:  # "PID (NAME) STATE PARENT ...", where a name may hold anything
            pairs.append((int(stat.parent.name), int(stat.read_bytes().rpartition(b")")[2].split()[1])))
        except OSError:  # it has ended
            pass
    found = {pid}
    while True:
        more = {child for child, parent in pairs if parent in found} - found
        if not more:
            return found
        found |= more


def wait_for(condition):
    """Until it holds; a test fails that would wait for ever."""
    limit = time.monotonic() + TIME_LIMIT
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def at_rest(pid):
    """A process's state, and how often it has been made to wait: the same after a while if it sleeps on."""
    status = Path(f"/proc/{pid}/status").read_text()
    return re.search(r"^State:\s+S.*?^voluntary_ctxt_switches:\s+\d+", status, re.M | re.S)


def wait_until_asleep(pid):
    """Until it has nothing more to do: what is ready to run, however late, does not count as asleep."""
    def sleeps_on():
        before = at_rest(pid)
        time.sleep(0.05)
        after = at_rest(pid)
        return before and after and before[0] == after[0]
    wait_for(sleeps_on)


def looks_are_refused():
    """Whether nobody can look at when memory is touched on this machine: `run --drag` has nothing to tell."""
    return b"run --drag does not work" in execute([holdfast_binary(), "doctor"]).stdout


def plain(*command, **options):
    """Runs a command without Holdfast."""
    return Outcome(execute(command, **options), None)


def new_profile_path():
    folder = tempfile.mkdtemp(prefix="holdfast-test-", dir=os.environ.get("HOLDFAST_TEST_TMP"))
    return Path(folder) / "out.holdfast"


def traced(*command, flags=("-q",), expect=0, **options):
    """Runs a command under `holdfast run`; `expect`: its exit status, None for any."""
    profile = new_profile_path()
    outcome = Outcome(execute([holdfast_binary(), "run", *flags, "-o", profile, "--", *command],
                              **options), profile)
    if expect is not None:
        assert outcome.status == expect, (
            f"status {outcome.status}\n{outcome.text_out()[-1000:]}\n{outcome.text_err()[-3000:]}")
    return outcome


def report_text(profile, form="json"):
    completed = execute([holdfast_binary(), "report", profile, "--format", form])
    assert completed.returncode == 0, completed.stderr.decode("utf-8", "replace")
    return completed.stdout.decode()


class Site:
    def __init__(self, fields):
        self.bytes = fields["bytes"]
        self.blocks = fields["blocks"]
        self.kind = fields["kind"]
        self.stack = fields["stack"]

    @property
    def innermost(self):
        return self.stack[-1] if self.stack else {}

    def place(self):
        """(base name of the file, line) of the innermost frame."""
        frame = self.innermost
        return os.path.basename(frame.get("file") or ""), frame.get("line")

    def functions(self):
        return [frame.get("function") for frame in self.stack]

    def mentions(self, text):
        """Some frame or thread of the stack is called that."""
        return any(frame["function"] in (text, f"<thread {text}>") for frame in self.stack)


class Process:
    def __init__(self, fields):
        self.fields = fields
        self.pid = fields["pid"]
        self.command = fields["command"]
        self.peak = fields["peak"]["bytes"]
        self.sites = [Site(site) for site in fields["peak"]["sites"]]

    def total(self, **wanted):
        return sum(site.bytes for site in self.matching(**wanted))

    def blocks(self, **wanted):
        return sum(site.blocks for site in self.matching(**wanted))

    def matching(self, line=None, function=None, file=None, kinds=None, mentions=None):
        return [site for site in self.sites
                if (line is None or site.place()[1] == line)
                and (file is None or site.place()[0] == file)
                and (function is None or site.innermost.get("function") == function)
                and (kinds is None or site.kind in kinds)
                and (mentions is None or site.mentions(mentions))]


class Report:
    def __init__(self, text):
        self.fields = json.loads(text)
        self.processes = [Process(process) for process in self.fields["processes"]]
        self.check()

    @property
    def main(self):
        return self.processes[0]

    @property
    def tree_peak(self):
        return self.fields["tree_peak"]["bytes"]

    def check(self):
        assert self.fields["schema"] == "holdfast.report/1"
        for process in self.processes:
            assert sum(site.bytes for site in process.sites) == process.peak, \
                f"the sites of {process.command} do not sum to its peak"
            assert process.peak <= self.tree_peak or len(self.processes) == 1
            assert all(site.kind in ("heap", "python", "mapped") for site in process.sites)
        assert self.tree_peak <= sum(process.peak for process in self.processes)


# Expectations. A program's line says what it holds at the peak, so that the two cannot drift apart:
#
#     libc.malloc(1000)  # holds: 1000 in 1
#     return bytes(100)  # python: {133}
#
# "holds" counts heap and mapped bytes, "python" those of Python's allocators; on a `def` line it counts
# for the whole function instead. "in N": the blocks. "under a > b": the functions that end the stack.
# A set lists the values allowed.

EXPECTATION = re.compile(r"# (holds|python): (.+?)(?: in (\d+))?(?: under (.+))?$")


class Expectation:
    def __init__(self, number, text, function, match, names):
        self.kinds = ("heap", "mapped") if match[1] == "holds" else ("python",)
        values = eval(match[2], dict(names))
        self.allowed = values if isinstance(values, set) else {values}
        self.blocks = int(match[3]) if match[3] else None
        self.under = match[4].split(" > ") if match[4] else None
        self.line = None if text.lstrip().startswith(("def ", "async def ")) else number
        self.function = function
        self.where = f"line {number} ({text.strip()})"

    def complaint(self, process, file):
        wanted = {"kinds": self.kinds, "file": file, "line": self.line,
                  "function": self.function if self.line is None else None}
        sites = process.matching(**wanted)
        total = sum(site.bytes for site in sites)
        if total not in self.allowed:
            return f"{self.where}: {total} bytes, not {self.allowed}"
        blocks = sum(site.blocks for site in sites)
        if self.blocks is not None and blocks != self.blocks:
            return f"{self.where}: {blocks} blocks, not {self.blocks}"
        names = {site.innermost["function"] for site in sites} - {"<listcomp>", "<lambda>"}
        if not names <= {self.under[-1] if self.under else self.function}:
            return f"{self.where}: in {names}, not {self.function}"
        for site in sites if self.under else []:
            if site.functions()[-len(self.under):] != self.under:
                return f"{self.where}: under {site.functions()}"
        return None


def expectations(program, names):
    """What the lines of a program promise, read from their comments."""
    function, found = None, []
    for number, text in enumerate(Path(program).read_text().splitlines(), 1):
        definition = re.match(r"\s*(?:async def|def|class) (\w+)", text)
        if definition:
            function = definition[1]
        elif text and not text[0].isspace():
            function = "<module>"
        match = EXPECTATION.search(text)
        if match:
            found.append(Expectation(number, text, function, match, names))
    assert found
    return found


def complaints(process, program, names, only=None):
    """One line for each broken promise of a program."""
    found = [promise.complaint(process, Path(program).name)
             for promise in expectations(program, names)
             if only is None or promise.function in only]
    return [text for text in found if text]


def signal_name(status):
    return signal.Signals(-status).name if status < 0 else str(status)


if sys.version_info < (3, 9):
    sys.exit("the tests themselves need Python 3.9")
