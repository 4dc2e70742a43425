"""`holdfast check`: programs whose memory is known, judged by ceilings below and above it."""
import json
import re
import shutil
import signal

import pytest

import harness
import interpreters
from harness import execute, holdfast_binary

PROGRAM = """\
import sys
import time

CACHE = {}


def load(size):
    return bytearray(size)


def process(size):
    data = load(size)
    return bytes(len(data))


def main():
    CACHE["first"] = load(5_000_000)
    return process(6_000_000)


time.sleep(0.5)
main()
"""
PEAK = 17_000_000  # of the program's own buffers
OVERHEAD = 3_000_000  # what an interpreter may take besides


@pytest.fixture
def project(tmp_path):
    """A directory that is a project of its own."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "job.py").write_text(PROGRAM)
    return tmp_path


# A thread without the GIL tells of its own locals alone.
with_holders = pytest.mark.skipif(not interpreters.main_one().gil, reason="holders are not seen without the GIL")


def check(project, *arguments, status):
    done = execute([holdfast_binary(), "check", *map(str, arguments)], cwd=project,
                   env=interpreters.main_one().environment())
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == status, said
    return said


def until(wanted, make):
    """What `make` gives, once that is as wanted: on a busy machine the best snapshot of a short run may be far from
    its peak."""
    for _ in range(10):
        made = make()
        if wanted(made):
            return made
    pytest.fail("no snapshot saw the peak")


def judge(project, *arguments, status, command=None):
    """Runs and judges; what the JSON says."""
    command = command or [interpreters.main_one().path, "job.py"]
    said = check(project, *arguments, "-o", "run.holdfast", "--no-page", "--write", "json=verdict.json", "--", *command,
                 status=status)
    fields = json.loads((project / "verdict.json").read_text())
    assert fields["schema"] == "holdfast.check/1"
    for one in fields["judgements"]:
        assert one["message"] in said
        if one["verdict"] == "beyond":
            assert one["excess_bytes"] == one["bytes"] - one["ceiling_bytes"] > 0
        elif one["verdict"] == "within":
            assert one["bytes"] <= one["ceiling_bytes"] and one["excess_bytes"] == 0
    return fields


def by_subject(fields):
    return {one["subject"] or one["kind"]: one for one in fields["judgements"]}


# Ceilings

def test_peak(project):
    fields = judge(project, "--max-peak", "20MB", status=0)
    peak, = fields["judgements"]
    assert fields["verdict"] == peak["verdict"] == "within"
    assert PEAK < peak["bytes"] == fields["peak_bytes"] < PEAK + OVERHEAD
    fields = judge(project, "--max-peak", "17MB", status=1)
    assert fields["verdict"] == "beyond"
    assert fields["judgements"][0]["place"]["function"] in ("load", "process")
    # A profile that was not looked at has its other ceilings judged.
    assert "marked no region" in check(project, "--max-peak", "17MB", "--max", "drag:load=1MB", "run.holdfast", status=1)


def test_exactly_at_the_ceiling(project):
    judge(project, "--max-peak", "1GB", status=0)
    peak = json.loads((project / "verdict.json").read_text())["peak_bytes"]
    check(project, "--max-peak", peak, "run.holdfast", status=0)
    check(project, "--max-peak", peak - 1, "run.holdfast", status=1)


def test_parts(project):
    fields = judge(project, "--max", "load()=10MB", "--max", "process()=13MB", "--max", "job=1GB", "--max",
                   "job.process()=1MB", "--max", "json=1MB", "--max", "leave()=1", status=1)
    found = by_subject(fields)
    assert found["load()"]["verdict"] == "beyond" and 11_000_000 < found["load()"]["bytes"] < 11_001_000
    assert found["process()"]["verdict"] == "within" and 12_000_000 < found["process()"]["bytes"] < 12_001_000
    assert found["job.process()"]["bytes"] == found["process()"]["bytes"]
    assert found["job.process()"]["verdict"] == "beyond"
    assert found["job"]["bytes"] > PEAK
    assert found["leave()"]["verdict"] == "unknown" and found["leave()"]["bytes"] is None


def test_dead_and_growth(project):
    """The array is dead at the peak; an interpreter that finalizes gives nearly all back."""
    judge(project, "--max-growth", "2MB", status=0)
    until(lambda fields: fields["dead_bytes"], lambda: judge(project, "--max-peak", "1GB", status=0))
    check(project, "--max-dead", "5MB", "--max-growth", "2MB", "--write", "json=verdict.json", "run.holdfast", status=1)
    found = by_subject(json.loads((project / "verdict.json").read_text()))
    assert found["dead"]["verdict"] == "beyond" and 6_000_000 <= found["dead"]["bytes"] < 6_100_000
    assert found["growth"]["verdict"] == "within"
    (project / "job.py").write_text(PROGRAM + "import os\nos._exit(0)\n")
    found = by_subject(judge(project, "--max-growth", "5MB", status=1))
    assert 5_000_000 < found["growth"]["bytes"] < 5_000_000 + OVERHEAD


def test_processes(project):
    (project / "workers.py").write_text("""\
import subprocess, sys
held = bytearray(2_000_000)
if len(sys.argv) == 1:
    subprocess.run([sys.executable, "big.py"], check=True)
""")
    (project / "big.py").write_text("held = bytearray(9_000_000)\n")
    command = [interpreters.main_one().path, "workers.py"]
    found = by_subject(judge(project, "--max", "process:big.py=8MB", "--max", "process:workers.py=8MB", "--max-process",
                             "30MB", "--max-peak", "10MB", status=1, command=command))
    assert found["big.py"]["verdict"] == "beyond" and found["workers.py"]["verdict"] == "within"
    assert found["process"]["bytes"] == found["big.py"]["bytes"] > 9_000_000
    assert found["peak"]["bytes"] >= found["big.py"]["bytes"] + 2_000_000


REGIONS = """\
import holdfast

def work(size):
    return bytes(size)

before = work(8_000_000)
with holdfast.region("load"):
    kept = work(3_000_000)
    for size in (1_000_000, 2_000_000):
        with holdfast.region("part, of it"):
            work(size)
"""


@pytest.fixture
def package(tmp_path_factory):
    package = tmp_path_factory.mktemp("package")
    shutil.copytree(harness.ROOT / "python" / "holdfast", package / "holdfast")
    (package / "holdfast" / "_version.py").write_text('version = "0"\n')
    return package


def test_regions_that_are_left_out(project, package):
    """A region of the name may have been among them."""
    (project / "job.py").write_text("""\
import contextlib, holdfast
with contextlib.ExitStack() as stack:
    for depth in range(9):
        stack.enter_context(holdfast.region(f"{depth % 8}"))
    bytearray(3_000_000)
""")
    done = execute([holdfast_binary(), "check", "--max", "region:0=9MB", "--max", "region:1=1MB", "--write",
                    "json=verdict.json", "--no-page", "--", interpreters.main_one().path, "job.py"], cwd=project,
                   env=interpreters.main_one().environment(PYTHONPATH=str(package)))
    found = by_subject(json.loads((project / "verdict.json").read_text()))
    assert done.returncode == 1 and found["1"]["verdict"] == "beyond", done.stderr
    assert found["0"]["verdict"] == "unknown" and found["0"]["why"] == "some regions were left out"


def test_regions(project, package):
    (project / "job.py").write_text(REGIONS)
    done = execute([holdfast_binary(), "check", "--max", "region:load=4MB", "--max", "region:part, of it=3MB", "--max",
                    "region:none=1", "--max-peak", "20MB", "--write", "json=verdict.json", "--no-page", "--",
                    interpreters.main_one().path, "job.py"], cwd=project,
                   env=interpreters.main_one().environment(PYTHONPATH=str(package)))
    found = by_subject(json.loads((project / "verdict.json").read_text()))
    assert done.returncode == 1, done.stderr
    assert found["load"]["verdict"] == "beyond" and 5_000_000 < found["load"]["bytes"] < 5_100_000
    assert found["load"]["place"]["function"] == "work" and found["load"]["kind"] == "region"
    assert found["part, of it"]["verdict"] == "within" and 2_000_000 < found["part, of it"]["bytes"] < 2_100_000
    assert found["none"]["verdict"] == "unknown" and "marked no region" in found["none"]["why"]


def test_leaks_and_churn(project, package):
    """What a region leaves behind, all times together; and what is given back again in the whole run."""
    (project / "job.py").write_text("""\
import ctypes
import holdfast
libc = ctypes.PyDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
libc.free(libc.malloc(1))
kept, blocks = [], []
for _ in range(3):
    with holdfast.region("handle"):
        kept.append(bytearray(1_000_000))
        libc.malloc(7000)
        blocks.append(libc.malloc(30_000))
        for _ in range(10):
            bytearray(2_000_000)
for block in blocks:
    libc.free(block)
""")
    done = execute([holdfast_binary(), "check", "--max", "leaks:handle=2MB", "--max", "leaks:none=1", "--max", "region:handle=9MB",
                    "--max", "churn:handle=61MB", "--max", "native:handle=20KB", "--max", "drag:handle=1GB", "--max-churn", "1GB", "--write", "json=verdict.json", "--no-page", "-o", "run.holdfast", "--",
                    interpreters.main_one().path, "job.py"], cwd=project,
                   env=interpreters.main_one().environment(PYTHONPATH=str(package)))
    verdicts = json.loads((project / "verdict.json").read_text())["judgements"]
    found = {(one["kind"], one["subject"]): one for one in verdicts}
    assert done.returncode == 1 and b"left behind by region handle" in done.stderr, done.stderr
    assert found["leaks", "handle"]["verdict"] == "beyond" and 3_090_000 < found["leaks", "handle"]["bytes"] < 3_200_000
    assert found["leaks", "none"]["verdict"] == "unknown" and found["region", "handle"]["verdict"] == "within"
    assert found["region_churn", "handle"]["verdict"] == "within" and 60_000_000 < found["region_churn", "handle"]["bytes"] < 60_100_000
    assert found["native", "handle"]["verdict"] == "beyond" and found["native", "handle"]["bytes"] == 21_000
    assert b"native, never given back, of region handle" in done.stderr
    # That ceiling alone makes it look at what is touched, where that can be.
    report = execute([holdfast_binary(), "report", "run.holdfast", "--format", "json"], cwd=project)
    refused = [text for text in json.loads(report.stdout)["warnings"] if "nobody knows when blocks were touched" in text]
    expected = ("unknown", refused[0]) if refused else ("within", None)
    assert (found["drag", "handle"]["verdict"], found["drag", "handle"].get("why")) == expected
    [churn] = [one for one in verdicts if one["kind"] == "churn"]
    assert churn["verdict"] == "within" and 60_000_000 < churn["bytes"] < 80_000_000
    assert "beyond: allocated and given back again" in check(project, "--max-churn", "50MB", "run.holdfast", status=1)


# What it says

@with_holders
def test_failure_says_who(project):
    said = until(lambda said: "held by data" in said, lambda: check(
        project, "--max-peak", "10MB", "-o", "run.holdfast", "--", interpreters.main_one().path, "job.py", status=1))
    assert re.search(r"holdfast: beyond: peak 1\d\.\d MiB, [\d.]+ MiB \([\d.]+ %\) above the ceiling of 9\.54 MiB", said)
    assert re.search(r"5\.72 MiB +load\(\) job\.py:8, in process\(\):12 +return bytearray\(size\)", said)
    assert re.search(r"5\.72 MiB +bytearray len 6000000, held by data in process\(\) \(job\.py:13\), never read again", said)
    assert 'held by CACHE["first"]' in said
    assert "profile: " in said and "page: " in said
    assert (project / "run.holdfast").exists() and (project / "run.html").exists()


def test_output_of_the_program_is_its_own(project):
    (project / "talk.py").write_text("import sys\nprint('out')\nprint('err', file=sys.stderr)\n")
    for quiet in ([], ["-q"]):
        done = execute([holdfast_binary(), "check", *quiet, "--max-peak", "1GB", "-o", "t.holdfast", "--no-page", "--",
                        interpreters.main_one().path, "talk.py"], cwd=project)
        assert done.returncode == 0 and done.stdout == b"out\n"
        said = done.stderr.decode().splitlines()
        assert said[0] == "err" and len(said) == (1 if quiet else 3)


# The program's own failure

@pytest.mark.parametrize("ending, status, number", [("raise SystemExit(7)", 7, None),
                                                    ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", None,
                                                     int(signal.SIGTERM))])
def test_failure_of_the_program(project, ending, status, number):
    (project / "job.py").write_text(PROGRAM + ending + "\n")
    fields = judge(project, "--max-peak", "1GB", status=3)
    assert fields["verdict"] == "failed" and fields["exit"] == {"status": status, "signal": number}
    assert judge(project, "--max-peak", "1MB", status=1)["verdict"] == "beyond"


# Profiles that do not have everything

DAEMON = """\
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
os.closerange(0, 3)
while not os.path.exists("go"):
    time.sleep(0.01)
held = bytearray(30_000_000)
"""


def test_processes_that_run_on(project):
    """Their peak may be still to come: what is not beyond yet is not within."""
    (project / "job.py").write_text(DAEMON)
    try:
        fields = judge(project, "--max-peak", "20MB", "--baseline", "memory.json", "--update-baseline", status=2)
        assert fields["verdict"] == "unknown" and "went on running" in fields["missing"]
        peak, = fields["judgements"]
        assert peak["verdict"] == "unknown" and peak["bytes"] is None and peak["why"] == fields["missing"]
        assert not (project / "memory.json").exists()
        said = check(project, "--max-peak", "20MB", "run.holdfast", "--write", "junit=out.xml", "--write",
                     "sarif=out.sarif", "--write", "github=out.txt", status=2)
        assert "holdfast: nothing is called within its ceiling: processes went on running" in said
        assert '<error message="peak: not judged, processes went on' in (project / "out.xml").read_text()
        assert (project / "out.txt").read_text().startswith("::error ")
        invocation, = json.loads((project / "out.sarif").read_text())["runs"][0]["invocations"]
        assert not invocation["executionSuccessful"] and invocation["toolExecutionNotifications"]
        check(project, "--max-peak", "1kB", "run.holdfast", status=1)
    finally:
        (project / "go").touch()
    harness.wait_for(lambda: execute([holdfast_binary(), "check", "--max-peak", "20MB", "run.holdfast"],
                                     cwd=project).returncode == 1)
    check(project, "--max-peak", "50MB", "run.holdfast", status=0)


# --kill

GROWING = """\
import time
held = []
def grow():
    for _ in range(400):
        held.append(bytearray(1_000_000))
        time.sleep(0.005)
grow()
print("reached the end")
"""


@with_holders
def test_kill_stops_at_the_crossing(project):
    (project / "job.py").write_text(GROWING)
    fields = judge(project, "--max-peak", "100MB", "--kill", status=1)
    assert fields["verdict"] == "beyond" and fields["exit"]["signal"] == signal.SIGKILL
    assert 100_000_000 < fields["stopped_at_bytes"] < 390_000_000
    [held] = [one for one in fields["holders"] if one["path"].startswith("held")]  # all that the list keeps
    assert held["bytes"] > 90_000_000
    report = execute([holdfast_binary(), "report", "--format", "json", "--snapshot", "ceiling", "run.holdfast"],
                     cwd=project)
    snapshot = json.loads(report.stdout)["processes"][0]["peak"]["snapshot"]
    assert snapshot["reason"] == "ceiling" and 90_000_000 < snapshot["bytes"] <= 101_200_000


def test_kill_stops_children(project):
    (project / "job.py").write_text(GROWING)
    (project / "parent.py").write_text("import subprocess, sys, time\n"
                                       "subprocess.run([sys.executable, 'job.py'])\ntime.sleep(600)\n")
    fields = judge(project, "--max-peak", "60MB", "--kill", status=1,
                   command=[interpreters.main_one().path, "parent.py"])
    assert fields["stopped_at_bytes"] > 60_000_000


def test_kill_leaves_alone_what_is_within(project):
    fields = judge(project, "--max-peak", "100MB", "--kill", status=0)
    assert fields["stopped_at_bytes"] is None and fields["exit"] == {"status": 0, "signal": None}


# pyproject.toml

def test_project_file(project):
    (project / "pyproject.toml").write_text("""\
[project]
name = "other"  # [tool.holdfast]
description = \"\"\"
[tool.holdfast]
max-peak = "1B"
\"\"\"
[tool.other]
max-peak = 1
[tool.holdfast]
max-peak = "1GB"
max-growth = 2_000_000
[tool.holdfast.max]
"load()" = "10MB"
"job.process()" = '13MB'
json.decoder = "1MB"
[tool.holdfast.plugin]
anything = true
""".replace("2_000_000", "2000000"))
    found = by_subject(judge(project, "--max", "process()=12kB", status=1))
    assert {key: (one["ceiling_bytes"], one["origin"]) for key, one in found.items()} == {
        "process()": (12_000, "--max"), "peak": (10**9, "pyproject.toml"), "growth": (2_000_000, "pyproject.toml"),
        "load()": (10_000_000, "pyproject.toml"), "job.process()": (13_000_000, "pyproject.toml"),
        "json.decoder": (1_000_000, "pyproject.toml")}


def test_command_line_goes_before_the_project(project):
    (project / "pyproject.toml").write_text('tool.holdfast = { max-peak = "1kB", max = { "load()" = "1kB" } }\n')
    found = by_subject(judge(project, "--max-peak", "1GB", "--max", "load()=1GB", status=0))
    assert {one["origin"] for one in found.values()} == {"--max-peak", "--max"}
    (project / "below").mkdir()
    said = check(project / "below", project / "run.holdfast", status=1)
    assert said.count("above the ceiling of 1000 bytes (pyproject.toml)") == 2


@pytest.mark.parametrize("text, complaint", [
    ('[tool.holdfast]\nmax_peak = "1GB"\n', "line 2: [tool.holdfast] has no such key"),
    ('[tool.holdfast]\nmax-peak = "lots"\n', "'lots' is not a size"),
    ('[tool.holdfast]\nmax-peak = ["1GB"]\n', "line 2: a list is not expected here"),
    ('[tool.holdfast]\nkill = 1\n', "line 2: true or false"),
    ('[tool.holdfast]\n\nmax-peak = "1GB\n', "line 3: a string is not closed"),
    ('[tool.holdfast.max]\n"a b" = "1GB"\n', "'a b' names nothing"),
    ('[tool.holdfast.max]\n"regoin:load" = "1GB"\n', "'regoin:load' names nothing"),
    ('[tool.holdfast.max]\n"region:" = "1GB"\n', "'region:' names nothing"),
    ('[tool.holdfast\n', "line 1: the name of a table is not closed"),
])
def test_bad_project_file(project, text, complaint):
    (project / "pyproject.toml").write_text(text)
    assert complaint in check(project, "--max-peak", "1GB", "none.holdfast", status=2)


# Misuse

@pytest.mark.parametrize("arguments, complaint", [
    (["none.holdfast"], "nothing to judge by"),
    (["--max-peak", "1GB"], "what is to be judged?"),
    (["--max-peak", "1GB", "--"], "no command behind --"),
    (["--max-peak", "1GB", "python", "job.py"], "a command to be run stands behind --"),
    (["--max-peak", "1GB", "none.holdfast"], "none.holdfast"),
    (["--max-peak", "1GB", "--", "./none"], "./none"),
    (["--max-peak", "much", "none.holdfast"], "'much' is not a size"),
    (["--max", "load()", "none.holdfast"], "--max takes SUBJECT=SIZE"),
    (["--max", "lo ad()=1", "none.holdfast"], "names nothing that has a ceiling"),
    (["--max", "a..b=1", "none.holdfast"], "names nothing that has a ceiling"),
    (["--config", "none.toml", "--max-peak", "1", "none.holdfast"], "cannot read none.toml"),
    (["--write", "yaml=x", "--max-peak", "1", "none.holdfast"], "--write takes FORMAT=FILE"),
    (["-o", "x.holdfast", "--max-peak", "1", "none.holdfast"], "--output is for the profile of a run"),
    (["--max-peak", "2GB", "--max-peak", "512MB", "none.holdfast"], "--max-peak has two ceilings"),
    (["--max", "load()=2", "--max", "load()=1", "none.holdfast"], "--max has two ceilings of load()"),
])
def test_misuse(project, arguments, complaint):
    said = check(project, *arguments, status=2)
    assert complaint in said and said.startswith("holdfast: ")


# Baselines

def update(project, *arguments, status=0, file="memory.json"):
    """Runs the job and puts it into the baseline; the baseline's text."""
    said = check(project, "--baseline", file, "--update-baseline", *arguments, "-o", "base.holdfast", "--no-page",
                 "--", interpreters.main_one().path, "job.py", status=status)
    assert "has the job" in said or status
    return (project / file).read_text()


def replaced(*changes):
    text = PROGRAM
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def test_baseline_is_made_to_be_committed(project):
    text = until(lambda text: "held by data" in text, lambda: update(project))
    fields = json.loads(text)
    assert text == json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    job = fields["jobs"]["job.py"]
    version = ".".join(map(str, interpreters.main_one().version[:2]))
    assert set(job) == {"python", "peak_bytes", "places", "holders"} and job["python"] == version
    assert PEAK < job["peak_bytes"] < PEAK + OVERHEAD and job["peak_bytes"] % 1000 == 0
    assert job["places"]["job.py:<module> > job.py:main > job.py:process > job.py:load"] == 6_001_000
    assert job["holders"]["bytearray held by data in process() (job.py)"] == 6_001_000
    assert str(project) not in text and "0x" not in text
    for seed in ("1", "2"):
        assert execute([holdfast_binary(), "check", "-q", "--baseline", "memory.json", "--update-baseline", "-o",
                        "base.holdfast", "--", interpreters.main_one().path, "job.py"], cwd=project,
                       env=interpreters.main_one().environment(PYTHONHASHSEED=seed)).returncode == 0
        after = json.loads((project / "memory.json").read_text())
        assert after["jobs"]["job.py"]["places"] == job["places"], "a run that did the same changes nothing"
        assert after["jobs"]["job.py"].get("holders", job["holders"]) == job["holders"]


def test_baseline_judges(project):
    update(project)
    fields = judge(project, "--baseline", "memory.json", status=0)
    one, = fields["judgements"]
    assert one["kind"] == "baseline" and one["verdict"] == "within" and one["origin"] == "memory.json"
    base = json.loads((project / "memory.json").read_text())["jobs"]["job.py"]["peak_bytes"]
    assert one["ceiling_bytes"] == base + base // 20 and fields["baseline"]["peak_bytes"] == base
    (project / "job.py").write_text(replaced(("load(5_000_000)", "load(5_600_000)")))
    judge(project, "--baseline", "memory.json", status=0)
    judge(project, "--baseline", "memory.json", "--tolerance", "1.5%", status=1)
    judge(project, "--baseline", "memory.json", "--tolerance", "650kB", status=0)
    judge(project, "--baseline", "memory.json", "--tolerance", "500kB", status=1)
    judge(project, "--baseline", "memory.json", "--max-peak", "1MB", status=1)


@with_holders
def test_baseline_says_what_grew(project):
    """By place and by holder, though every line has moved, and the project lies elsewhere."""
    until(lambda text: "held by data" in text, lambda: update(project))
    elsewhere = project / "else" / "where"
    elsewhere.mkdir(parents=True)
    (elsewhere / "pyproject.toml").write_text('[tool.holdfast]\nbaseline = "ci/memory.json"\ntolerance = "1%"\n')
    (elsewhere / "ci").mkdir()
    (project / "memory.json").rename(elsewhere / "ci" / "memory.json")
    (elsewhere / "job.py").write_text(replaced(
        ("import sys\n", '"""Moved."""\n\n\nimport sys\n'), ("CACHE = {}\n", "CACHE = {}\nOTHER = []\n"),
        ("    return process(6_000_000)", "    OTHER.append(load(3_000_000))\n    return process(6_000_000)")))
    fields = until(lambda fields: fields["dead_bytes"] and fields["holders"], lambda: judge(elsewhere, status=1))
    grown = {place["place"]["function"]: place for place in fields["places"]}
    assert set(grown) == {"load"}, "nothing else grew by a hundredth"
    # The baseline's sizes are rounded up.
    assert 2_998_000 <= grown["load"]["bytes"] - grown["load"]["before_bytes"] <= 3_001_000
    assert not grown["load"]["new"]
    new, = fields["holders"]
    assert new["new"] and new["path"].startswith("OTHER") and 3_000_000 <= new["bytes"] < 3_001_000
    said = check(elsewhere, "run.holdfast", status=1)
    assert re.search(r"\+2\.86 MiB +new holder +bytearray len 3000000, held by OTHER\[0\]", said)
    assert re.search(r"\+2\.86 MiB +from 4\.77 MiB +load\(\) job\.py:12, in main\(\)", said)


def test_unknown_holders_are_not_new(project):
    fields = json.loads(update(project))
    fields["jobs"]["job.py"].pop("holders", None)
    fields["jobs"]["job.py"]["peak_bytes"] = 1_000_000
    (project / "memory.json").write_text(json.dumps(fields))
    said = until(lambda said: "held by data" in said, lambda: check(
        project, "--baseline", "memory.json", "-o", "run.holdfast", "--write", "json=verdict.json", "--",
        interpreters.main_one().path, "job.py", status=1))
    assert "  at the peak, by holder:\n" in said and "new holder" not in said
    assert all("new" not in holder for holder in json.loads((project / "verdict.json").read_text())["holders"])


def test_baseline_has_several_jobs(project):
    update(project, "--job", "small")
    before = json.loads((project / "memory.json").read_text())["jobs"]["small"]
    (project / "job.py").write_text(replaced(("load(5_000_000)", "load(9_000_000)")))
    update(project, "--job", "big")
    jobs = json.loads((project / "memory.json").read_text())["jobs"]
    assert set(jobs) == {"big", "small"} and jobs["small"] == before
    assert jobs["big"]["peak_bytes"] > before["peak_bytes"] + 3_900_000
    judge(project, "--baseline", "memory.json", "--job", "big", status=0)
    judge(project, "--baseline", "memory.json", "--job", "small", status=1)
    check(project, "--baseline", "memory.json", "--job", "big", "run.holdfast", status=0)


def test_baseline_of_two_at_once(project):
    """The job that another check writes while this one's program runs is not lost."""
    inner = [str(word) for word in (holdfast_binary(), "check", "--no-page", "-q", "--baseline", "memory.json",
                                    "--update-baseline", "--job", "inner", "run.holdfast")]
    execute([holdfast_binary(), "run", "-q", "-o", "run.holdfast", "--", interpreters.main_one().path, "job.py"],
            cwd=project, env=interpreters.main_one().environment())
    (project / "outer.py").write_text(f"import subprocess\nheld = bytearray(5_000_000)\n"
                                      f"subprocess.run({inner!r}, check=True)\n")
    check(project, "--no-page", "--baseline", "memory.json", "--update-baseline", "--job", "outer", "--",
          interpreters.main_one().path, "outer.py", status=0)
    assert set(json.loads((project / "memory.json").read_text())["jobs"]) == {"inner", "outer"}
    assert not list(project.glob("memory.json.*"))


def test_project_file_that_is_too_large(project):
    """It is not judged by a part of it."""
    (project / "pyproject.toml").write_text("[tool.other]\n" + "# all of this is read\n" * 200_000 +
                                            '[tool.holdfast]\nmax-peak = "1MB"\n')
    said = check(project, "--max-growth", "1GB", "--", interpreters.main_one().path, "job.py", status=2)
    assert "pyproject.toml" in said and "too large" in said


def test_failed_run_is_no_baseline(project):
    text = update(project)
    (project / "job.py").write_text(PROGRAM + "raise SystemExit(1)\n")
    assert update(project, status=3) == text
    (project / "job.py").write_text(replaced(("load(5_000_000)", "load(90_000_000)")))
    assert update(project, "--max-peak", "20MB", "--kill", status=1) == text


@pytest.mark.parametrize("arguments", [[], ["--update-baseline"]])
def test_names_of_jobs_are_no_commands(project, arguments):
    """Those of a profile are from another's machine: a terminal or a CI would obey what is in them."""
    name = "\x1b[2Jjob\n::error::x.py"
    (project / name).write_text("")
    check(project, "--max-peak", "1GB", "-o", "run.holdfast", "--no-page", "--", interpreters.main_one().path, name,
          status=0)
    said = check(project, "--baseline", "memory.json", *arguments, "--max-peak", "1GB", "run.holdfast",
                 status=0 if arguments else 2)
    assert "::error::x.py" in said and "\x1b" not in said
    assert not any(line.startswith("::") for line in said.splitlines())


def test_kill_at_the_baseline(project):
    (project / "job.py").write_text(GROWING.replace("range(400)", "range(40)"))
    update(project)
    (project / "job.py").write_text(GROWING)
    fields = judge(project, "--baseline", "memory.json", "--kill", status=1)
    assert 42_000_000 < fields["stopped_at_bytes"] < 390_000_000


def test_other_python_is_said(project):
    fields = json.loads(update(project))
    fields["jobs"]["job.py"]["python"] = "3.2"
    (project / "memory.json").write_text(json.dumps(fields))
    assert "the baseline is of Python 3.2, this run of 3." in check(project, "--baseline", "memory.json",
                                                                   "base.holdfast", status=0)


@pytest.mark.parametrize("text, complaint", [
    (None, "memory.json has no job 'job.py' yet; --update-baseline adds it"),
    ('{"schema": "holdfast.baseline/1", "jobs": {}}', "has no job 'job.py' yet"),
    ('{"schema": "holdfast.baseline/2", "jobs": {}}', "no baseline of Holdfast's, or one of a newer version"),
    ('{"schema": "holdfast.baseline/1", "jobs": {"job.py": {"peak_bytes": "1"}}}', "no baseline of Holdfast's"),
    ('{"schema": "holdfast.baseline/1", "jobs": {"job.py": {"peak_bytes": 1, "places": {"a": -1}}}}', "no baseline"),
    ('{"schema": ', "memory.json, line 1: "),
    ("[]", "no baseline of Holdfast's"),
])
def test_bad_baseline(project, text, complaint):
    """The program is not even started."""
    if text:
        (project / "memory.json").write_text(text)
    (project / "job.py").write_text("open('started', 'w')\n")
    said = check(project, "--baseline", "memory.json", "--", interpreters.main_one().path, "job.py", status=2)
    assert complaint in said and not (project / "started").exists()


@pytest.mark.parametrize("arguments, complaint", [
    (["--update-baseline"], "--update-baseline needs --baseline FILE"),
    (["--baseline", "memory.json", "--tolerance", "some"], "'some' is not a tolerance"),
    (["--baseline", "memory.json", "--tolerance", "-5%"], "'-5%' is not a tolerance"),
    (["--baseline", "memory.json", "--job", ""], "--job needs a name"),
    (["--baseline", "."], "directory"),
])
def test_misuse_of_baselines(project, arguments, complaint):
    assert complaint in check(project, *arguments, "--", interpreters.main_one().path, "job.py", status=2)
