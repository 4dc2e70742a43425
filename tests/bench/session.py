"""What has been measured so far, as JSON lines, so that a run that was interrupted goes on where it was.

A session is the measurements of one build on one machine with one set of versions; each has a file of its own,
whose first line says what it is about. Anything that could change a figure is in its key; how tables are made is not.
"""
import hashlib
import json
import os
import platform
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What a program does, as opposed to what is made of the figures.
WORK = ("drive.py", "fixed_pyperf.py", "jobs.py", "rows.py", "tools.py", "measure.py", "meter.c", "pairs.c")
PACKAGES = ("memray", "filprofiler", "pyperformance", "numpy", "pandas", "polars", "pyarrow", "docutils",
            "html5lib", "sqlglot", "tornado")
VERSIONS = """
import importlib.metadata, json, sys
found = {"python": "%d.%d.%d" % sys.version_info[:3]}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def said_by(*command):
    try:
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    except OSError:
        return ""


def versions(python, holdfast):
    found = json.loads(said_by(python, "-c", VERSIONS, *PACKAGES))
    found["heaptrack"] = said_by("heaptrack", "-v").replace("heaptrack ", "")
    found["holdfast"] = said_by(holdfast, "--version").replace("holdfast ", "")
    return {name: version for name, version in found.items() if version}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = next((line.split("=", 1)[1].strip().strip('"') for line in open("/etc/os-release")
                   if line.startswith("PRETTY_NAME=")), platform.system())
    virtual = said_by("systemd-detect-virt", "--vm") or ""
    return {"processor": model, "processors": os.cpu_count(), "memory_bytes": memory, "kernel": platform.release(),
            "system": system, "virtual": "" if virtual == "none" else virtual}


def digest(paths):
    whole = hashlib.sha256()
    for path in paths:
        whole.update(Path(path).read_bytes())
    return whole.hexdigest()


class Session:
    def __init__(self, file):
        self.file = file
        self.about, self.records = {}, {}
        for line in file.read_text().splitlines() if file.exists() else []:
            try:
                found = json.loads(line)
            except ValueError:  # the last line of a run that was killed
                continue
            if "about" in found:
                self.about = found["about"]
            else:
                self.records[found["row"], found["tool"], found["round"]] = found

    @classmethod
    def current(cls, folder, python, holdfast, quick):
        """The one for what is installed and built now, begun if it is not there."""
        library = Path(holdfast).parent.parent / "preload" / "libholdfast.so"
        about = {"versions": versions(python, holdfast), "machine": machine(), "quick": quick,
                 "build": digest([holdfast, library])[:12]}
        key = hashlib.sha256((json.dumps(about, sort_keys=True) + digest(HERE / name for name in WORK)).encode())
        session = cls(folder / f"{'quick' if quick else 'full'}-{key.hexdigest()[:12]}.jsonl")
        if not session.about:
            session.about = {**about, "date": time.strftime("%Y-%m-%d", time.gmtime())}
            session.write({"about": session.about})
        return session

    @classmethod
    def latest(cls, folder, quick):
        files = sorted(folder.glob(f"{'quick' if quick else 'full'}-*.jsonl"), key=lambda file: file.stat().st_mtime)
        return cls(files[-1]) if files else None

    def anew(self):
        self.file.unlink()
        self.records = {}
        self.write({"about": self.about})
        return self

    def write(self, record):
        # A run that was killed may have left half a line.
        broken = self.file.exists() and not self.file.read_bytes().endswith(b"\n")
        with open(self.file, "a") as output:
            output.write("\n" * broken + json.dumps(record) + "\n")

    def add(self, row, tool, round_number, record):
        record = {"row": row, "tool": tool, "round": round_number, **record}
        self.records[row, tool, round_number] = record
        self.write(record)

    def has(self, row, tool, round_number):
        return (row, tool, round_number) in self.records

    def of(self, row, tool):
        """Records by round."""
        return {key[2]: record for key, record in self.records.items() if key[:2] == (row, tool)}
