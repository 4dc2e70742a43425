"""Runs one program under one tool, and makes the record of it that the tables are made from.

A record has: how it ended; wall and CPU seconds of everything that was started; CPU and peak RSS of the
program's biggest process ("rss"; "rss_own": of the program itself) and of processes that are the tool's own;
what the program measured of its work alone; bytes on disk; the share of the machine that others used meanwhile. The first round also has the seconds of each report.
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import tools

HERE = Path(__file__).resolve().parent
RUN_LIMIT_S = 300
REPORT_LIMIT_S = 60
TICK = os.sysconf("SC_CLK_TCK")


def busy_seconds():
    """Processor time that anybody on this machine used, or that was taken from it."""
    fields = [int(word) for word in open("/proc/stat").readline().split()[1:9]]
    user, nice, system, _idle, _wait, irq, soft, steal = fields
    return (user + nice + system + irq + soft + steal) / TICK


class Process:
    """One that meter.c waited for, with those that it had waited for itself."""

    def __init__(self, words):
        self.is_command, self.name = words[0] == "command", words[1]
        self.cpu = float(words[2]) + float(words[3])
        self.rss = int(words[4]) << 10


class Metered:
    """What meter.c says of a command and of all that it left behind."""

    def __init__(self, meter, command, limit, log, environment):
        with tempfile.NamedTemporaryFile("r", prefix="holdfast-meter-") as file, open(log, "wb") as output:
            before = busy_seconds()
            subprocess.run([meter, file.name, str(limit), *command], stdin=subprocess.DEVNULL, stdout=output,
                           stderr=output, env=environment, check=True)
            lines = [line.split() for line in file.read().splitlines()]
        self.wall, status = next((float(words[1]), int(words[2])) for words in lines if words[0] == "wall")
        self.end = end(status)
        self.processes = [Process(words) for words in lines if words[0] != "wall"]
        self.cpu = sum(process.cpu for process in self.processes)
        self.foreign = max(0.0, busy_seconds() - before - self.cpu) / (self.wall * os.cpu_count())


    def of_tool(self, tool):
        """(seconds, peak bytes) of the processes that are the tool's, as far as they can be told from the program."""
        own = [process for process in self.processes if not process.is_command and process.name == tool.process]
        return sum(process.cpu for process in own), max((process.rss for process in own), default=0)

    def command_rss(self):
        return max(process.rss for process in self.processes if process.is_command)


def end(status):
    """How a process ended, in words; "ok" when all was well."""
    if status == -1:
        return "stopped: it took too long"
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "ok" if status == 0 else f"exit status {os.WEXITSTATUS(status)}"


def last_line(log):
    lines = [line.strip() for line in Path(log).read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def size_of(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


class Bench:
    """Where a session's things are, and how a run is made."""

    def __init__(self, python, holdfast, state, quick, limit=RUN_LIMIT_S):
        self.python, self.holdfast, self.state, self.quick, self.limit = python, holdfast, state, quick, limit
        self.meter, self.pairs = state / "meter", state / "pairs.so"

    def build(self):
        flags = ["cc", "-O2", "-pthread", "-fno-builtin"]
        subprocess.run([*flags, "-o", self.meter, HERE / "meter.c"], check=True)
        subprocess.run([*flags, "-shared", "-fPIC", "-o", self.pairs, HERE / "pairs.c"], check=True)

    def run(self, row, tool, with_reports):
        scratch = Path(tempfile.mkdtemp(prefix="run-", dir=self.state))
        try:
            return self.run_in(scratch, row, tool, with_reports)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def run_in(self, scratch, row, tool, with_reports):
        result, log = scratch / "result.json", scratch / "log"
        place = tools.Place(self.python, self.holdfast, scratch / "left", scratch)
        place.folder.mkdir()
        program = [str(HERE / "drive.py"), str(result), row.job, str(row.loops_for(self.quick)), *row.arguments]
        environment = {**os.environ, "HOLDFAST_BENCH_PAIRS": str(self.pairs), "PYTHONHASHSEED": "0"}
        metered = Metered(self.meter, tool.command(place, program, row), self.limit, log, environment)
        inner = json.loads(result.read_text()) if result.exists() else {}
        cpu_tool, rss_tool = metered.of_tool(tool)
        record = {"end": metered.end, "wall": metered.wall, "cpu": metered.cpu, "cpu_tool": cpu_tool,
                  "rss": metered.command_rss(), "rss_own": None if row.forks else inner.get("rss"),
                  "rss_tool": rss_tool, "disk": size_of(place.folder),
                  "foreign": round(metered.foreign, 3), "inner_wall": inner.get("inner_wall"),
                  "inner_cpu": inner.get("inner_cpu")}
        if record["end"] == "ok" and not inner:
            record["end"] = "the program did not finish"
        elif record["end"] == "ok" and tool.leaves and not record["disk"]:
            record["end"] = "it left nothing"
        if record["end"] != "ok":
            record["said"] = last_line(log)
            return record
        if tool.name == "heaptrack":  # its shell waits for both, so that the bigger one is all that is known
            record["rss"], record["rss_tool"] = inner["rss"], metered.command_rss()
        if with_reports:
            record["reports"] = self.reports(place, tool, program, environment, result)
            record.update(self.counts(place, tool))
        return record

    def reports(self, place, tool, program, environment, result):
        """Name -> seconds, or why there is none."""
        took = {}
        for name, command in tool.reports(place, program).items():
            log = place.scratch / f"report.{name}"
            metered = Metered(self.meter, command, REPORT_LIMIT_S, log, environment)
            took[name] = metered.wall if metered.end == "ok" else f"{metered.end}: {last_line(log)}"
            if name == "snapshot" and metered.end == "ok":
                took[name] = json.loads(result.read_text())["snapshot_s"]
        return took

    def counts(self, place, tool):
        """What only Holdfast's own report tells."""
        report = place.scratch / "report.json"
        if not isinstance(tool, tools.Holdfast) or not report.exists():
            return {}
        try:
            told = json.loads(report.read_text())
        except ValueError:  # its making failed, and the record says so
            return {}
        processes = told["processes"]
        return {"events": sum(process["counts"]["events"] for process in processes),
                "dropped": sum(process["counts"]["dropped"] for process in processes),
                "peak": told["tree_peak"]["bytes"],
                "blocks": sum(site["blocks"] for site in told["tree_peak"]["sites"]),
                "snapshots": sum(process["snapshot_cost"]["count"] for process in processes),
                "standstill_s": sum(process["snapshot_cost"]["time_s"] for process in processes),
                "waited_s": sum(process["waits"]["time_s"] for process in processes)}
