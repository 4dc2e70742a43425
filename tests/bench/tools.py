"""The tools that are compared: how each runs a program, what it leaves, and how its report is made."""
from dataclasses import dataclass
from pathlib import Path

BASE = "untraced"
AGAIN = "untraced-again"  # the second half of each pair: what the machine does by itself
OURS = "holdfast"


@dataclass(frozen=True)
class Place:
    """Where things are, for one run."""
    python: str
    holdfast: str
    folder: Path   # a new one for each run: its size is what the tool leaves on the disk
    scratch: Path  # for what nobody measures


class Tool:
    """A program by itself. The others wrap its command."""
    name = BASE
    title = "untraced"
    needs = None    # what scripts/bench has to install: "venv", "heaptrack"
    process = None  # the name of a process of its own, if there is one that survives the program
    leaves = False  # files: a run after which there are none has failed

    def command(self, place, program, row):
        return [place.python, *program]

    def reports(self, place, program):
        """Name -> command that makes a report of the run in `place.folder`."""
        return {}


class Again(Tool):
    name = AGAIN
    title = "untraced, again"


class Holdfast(Tool):
    name = OURS
    title = "Holdfast"
    leaves = True
    process = "holdfast"
    options = ()

    def profile(self, place):
        return str(place.folder / "out.holdfast")

    def command(self, place, program, row):
        run = [place.holdfast, "run", "-q", *self.options, "-o", self.profile(place), "--"]
        return [*run, place.python, *program]

    def reports(self, place, program):
        return {form: [place.holdfast, "report", self.profile(place), "--format", form]
                for form in ("html", "text", "json")}


class HoldfastWithoutHolders(Holdfast):
    name = "holdfast-no-holders"
    title = "Holdfast, no holders"
    options = ("--no-holders",)

    def reports(self, place, program):
        return {}


class Memray(Tool):
    name = "memray"
    title = "memray"
    leaves = True
    needs = "venv"
    options = ()

    def capture(self, place):
        return str(place.folder / "out.bin")

    def command(self, place, program, row):
        follow = ["--follow-fork"] if row.forks else []
        options = ["-q", *self.options, *follow, "-o", self.capture(place)]
        return [place.python, "-m", "memray", "run", *options, *program]

    def reports(self, place, program):
        page = str(place.scratch / "page.html")
        return {"html": [place.python, "-m", "memray", "flamegraph", "-f", "-o", page, self.capture(place)]}


class MemrayPython(Memray):
    name = "memray-python"
    title = "memray, Python allocators"
    options = ("--trace-python-allocators",)


class Fil(Tool):
    name = "fil"
    title = "Fil"
    leaves = True
    needs = "venv"

    def command(self, place, program, row):
        return [place.python, "-m", "filprofiler", "--no-browser", "-o", str(place.folder), "run", *program]


class Heaptrack(Tool):
    name = "heaptrack"
    title = "heaptrack"
    leaves = True
    needs = "heaptrack"

    def command(self, place, program, row):
        return ["heaptrack", "-o", str(place.folder / "out"), place.python, *program]

    def reports(self, place, program):
        return {"text": ["heaptrack_print", *map(str, sorted(place.folder.glob("out.*"))[:1])]}


class Tracemalloc(Tool):
    name = "tracemalloc"
    title = "tracemalloc, 1 frame"

    def command(self, place, program, row):
        return [place.python, "-X", "tracemalloc=1", *program]

    def reports(self, place, program):
        """It has no file: the program makes the report, in a run of its own."""
        return {"snapshot": ["env", "HOLDFAST_BENCH_SNAPSHOT=1", place.python, "-X", "tracemalloc=1", *program]}


TOOLS = [tool() for tool in (Tool, Holdfast, HoldfastWithoutHolders, Memray, MemrayPython, Fil, Heaptrack,
                             Tracemalloc, Again)]
BY_NAME = {tool.name: tool for tool in TOOLS}
