"""What `holdfast report` and `holdfast run` print, in each format."""
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

import harness
from harness import execute, holdfast_binary, report_text, traced

PROGRAM = """\
import subprocess, sys


def load(size):
    return bytearray(size)


def main():
    first = load(30_000_000)
    second = load(20_000_000)
    subprocess.run([sys.executable, "-c", "held = bytes(9_000_000)"])
    return len(first) + len(second)


main()
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    from interpreters import main_one
    program = tmp_path_factory.mktemp("report") / "job <&>.py"
    program.write_text(PROGRAM)
    return traced(main_one().path, program, flags=(), env=main_one().environment())


def test_json_has_what_the_contract_says(outcome):
    fields = json.loads(report_text(outcome.profile))
    assert fields["schema"] == "holdfast.report/1"
    assert fields["command"][1].endswith("job <&>.py")
    assert fields["exit"] == {"status": 0, "signal": None}
    assert fields["tree_peak"]["bytes"] > 59_000_000 and fields["tree_peak"]["time_s"] >= 0
    assert len(fields["processes"]) == 2
    parent, child = fields["processes"]
    assert child["ppid"] == parent["pid"] and child["pid"] != parent["pid"]
    for process in fields["processes"]:
        assert re.fullmatch(r"3\.\d+\.\d+", process["python"])
        peak = process["peak"]
        assert {"bytes", "time_s", "rss_bytes", "sites"} <= peak.keys()
        for site in peak["sites"]:
            assert {"bytes", "blocks", "kind", "stack"} <= site.keys()
            assert site["bytes"] >= 0 and site["blocks"] >= 1
    assert 0 < parent["peak"]["time_s"] < 100


def test_json_says_who_held_it(outcome):
    """The keys, with and without a snapshot; what they say is the corpus's to judge."""
    for process in json.loads(report_text(outcome.profile))["processes"]:
        peak = process["peak"]
        assert 0 < process["peak_if_released_bytes"] <= peak["bytes"]
        assert peak["garbage_bytes"] >= 0 and peak["dead_bytes"] >= 0
        if peak["snapshot"] is None:
            assert peak["holders"] == [] and process["snapshots"] == []
            assert process["peak_if_released_bytes"] == peak["bytes"]
            continue
        assert {"bytes", "time_s", "complete"} <= peak["snapshot"].keys()
        assert [one["number"] for one in peak["holders"]] == list(range(1, len(peak["holders"]) + 1))
        for holder in peak["holders"]:
            assert {"type", "detail"} <= holder["object"].keys()
            assert {"kind", "name", "function", "file", "line"} <= holder["root"].keys()
            assert holder["verdict"] in ("dead", "garbage", "in use", "unknown")
            assert holder["bytes"] > 0 and holder["saves_bytes"] >= 0
            assert isinstance(holder["path"], str) and isinstance(holder["allocated_at"], list)


@pytest.mark.parametrize("flags, words", [
    (["--format", "dot"], "--format dot needs --holder N"),
    (["--format", "dot", "--holder", "0"], "--holder needs a number from 1, not '0'"),
    (["--format", "dot", "--holder", "1x"], "--holder needs a number from 1, not '1x'"),
    (["--format", "dot", "--holder", "99999999999"], "--holder needs a number from 1"),
    (["--format", "dot", "--holder", "2000000000"], "--holder 2000000000: "),
    (["--holder", "1"], "--holder goes with --format dot, not with text"),
    (["--snapshot", "no\x1bwhere"], "no --snapshot 'no\\x1bwhere' in "),
    (["--snapshot", ""], "no --snapshot '' in "),
])
def test_what_is_asked_for_is_not_there(outcome, tmp_path, flags, words):
    completed = execute([holdfast_binary(), "report", outcome.profile, *flags, "-o", tmp_path / "out"])
    said = completed.stderr.decode()
    assert completed.returncode == 2 and said.startswith("holdfast: ") and words in said
    assert said.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize("name, form", [
    ("a.html", "html"), ("a.htm", "html"), ("a.json", "json"), ("a.folded", "collapsed"),
    ("a.collapsed", "collapsed"), ("a.txt", "text"), ("a.other", "text"),
])
def test_format_from_the_name_of_the_output(outcome, tmp_path, name, form):
    completed = execute([holdfast_binary(), "report", outcome.profile, "-o", tmp_path / name])
    assert completed.returncode == 0 and completed.stdout == b""
    assert (tmp_path / name).read_text() == report_text(outcome.profile, form)


def test_format_that_is_named_counts(outcome, tmp_path):
    execute([holdfast_binary(), "report", outcome.profile, "-o", tmp_path / "a.html", "-f", "json"])
    assert (tmp_path / "a.html").read_text() == report_text(outcome.profile, "json")


def test_profile_is_not_written_over(outcome, tmp_path):
    copy = tmp_path / "copy.holdfast"
    shutil.copy(outcome.profile, copy)
    (tmp_path / "link.html").symlink_to(copy)
    for target in (copy, tmp_path / "link.html"):
        completed = execute([holdfast_binary(), "report", copy, "-o", target])
        assert completed.returncode == 2 and b"is the profile itself" in completed.stderr
    assert copy.read_bytes() == outcome.profile.read_bytes()


def test_json_stacks_are_outermost_first(outcome):
    sites = json.loads(report_text(outcome.profile))["processes"][0]["peak"]["sites"]
    stack = next(site["stack"] for site in sites if site["bytes"] >= 30_000_000)
    frames = [(frame["function"], frame["line"]) for frame in stack if frame.get("line")]
    assert frames[-3:] == [("<module>", 15), ("main", 9), ("load", 5)]
    assert sites == sorted(sites, key=lambda site: -site["bytes"])


def test_summary_fits_a_screen(outcome):
    text = report_text(outcome.profile, "text")
    lines = text.splitlines()
    assert len(lines) <= 60
    assert "job <&>.py" in text and "load" in text
    assert "return bytearray(size)" in text  # the source line
    assert re.search(r"30\.0 MB|28\.6 MiB", text)


def test_run_prints_the_summary(outcome):
    assert outcome.stdout == b""
    said = outcome.text_err()
    assert "load" in said and str(outcome.profile) in said
    assert all(line.startswith("holdfast:") or line for line in said.splitlines()[:1])


def test_collapsed(outcome):
    total = 0
    for line in report_text(outcome.profile, "collapsed").splitlines():
        stack, size = line.rsplit(" ", 1)
        assert stack
        total += int(size)
    fields = json.loads(report_text(outcome.profile))
    assert total in {fields["tree_peak"]["bytes"],
                     sum(process["peak"]["bytes"] for process in fields["processes"])}


class Page(HTMLParser):
    """What a page would load from elsewhere, and whether its elements close."""

    def __init__(self):
        super().__init__()
        self.outside, self.open, self.titles = [], [], 0

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href", "data", "action") and not (value or "").startswith(("#", "data:")):
                self.outside.append((tag, name, value))
        self.titles += tag == "title"
        if tag not in ("meta", "link", "br", "input", "img", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()


def test_page_is_self_contained(outcome):
    text = report_text(outcome.profile, "html")
    page = Page()
    page.feed(text)
    page.close()
    assert page.outside == [] and page.titles == 1 and page.open == []
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:|#)|\bfetch\(|XMLHttpRequest|\bimport\(", text)
    assert "job <&>.py" not in text.split("<script")[0]  # it is escaped
    assert len(text) < 1_000_000


def test_profile_opens_without_the_program(outcome, tmp_path):
    """Elsewhere, with nothing of what it was made from."""
    moved = tmp_path / "elsewhere.holdfast"
    shutil.copy(outcome.profile, moved)
    assert report_text(moved, "text").count("return bytearray(size)") >= 1


def test_report_is_the_same_each_time(outcome):
    for form in ("json", "text", "collapsed", "html"):
        assert report_text(outcome.profile, form) == report_text(outcome.profile, form)


def test_default_name_of_the_profile(tmp_path, python):
    completed = execute([holdfast_binary(), "run", "--", python.path, "-c", "pass"], cwd=tmp_path,
                        env=python.environment())
    assert completed.returncode == 0
    written = {path.suffix: path for path in tmp_path.iterdir()}
    assert written.keys() == {".holdfast", ".html"}
    assert written[".holdfast"].stem == written[".html"].stem
    last = completed.stderr.decode().splitlines()[-1]
    assert all(path.name in last for path in written.values())
    assert written[".html"].read_text() == report_text(written[".holdfast"], "html")


def test_page_beside_the_profile(tmp_path, python):
    def run(*flags):
        return execute([holdfast_binary(), "run", *flags, "-o", tmp_path / "a.holdfast", "--", python.path,
                        "-c", "pass"], env=python.environment()).stderr.decode()
    page = tmp_path / "a.html"
    assert "--format html" in run("--no-page") and not page.exists()
    page.write_text("<!DOCTYPE html> somebody's own")
    assert f"{page} is not a page of Holdfast's" in run() and page.read_text().endswith("own")
    page.write_text(report_text(tmp_path / "a.holdfast", "html"))
    old = page.read_text()
    assert f"; page: {page}" in run() and page.read_text() != old
    page.unlink()
    page.symlink_to(tmp_path / "nowhere" / "else")
    assert "no page was written" in run() and (tmp_path / "a.holdfast").exists()


def test_quiet(tmp_path, python):
    completed = execute([holdfast_binary(), "run", "-q", "--", python.path, "-c", "pass"], cwd=tmp_path,
                        env=python.environment())
    assert completed.stderr == b"" and completed.stdout == b""
    assert [path.suffix for path in tmp_path.iterdir()] == [".holdfast"]


def test_profile_is_bounded_by_sites_not_by_events(tmp_path, python):
    def size(rounds):
        program = tmp_path / "loop.py"
        program.write_text(f"for _ in range({rounds}):\n    held = [bytes(600) for _ in range(100)]\n")
        return traced(python.path, program, env=python.environment()).profile.stat().st_size
    assert size(5000) < 2 * size(50)


def test_keep_events(tmp_path, python):
    program = tmp_path / "loop.py"
    program.write_text("for _ in range(2000):\n    held = [bytes(600) for _ in range(100)]\n")
    small = traced(python.path, program, env=python.environment()).profile.stat().st_size
    kept = traced(python.path, program, flags=("-q", "--keep-events"), env=python.environment())
    events = 2 * 2000 * 100
    assert small < kept.profile.stat().st_size < small + 2 * events
    kept.report()


@pytest.mark.parametrize("form", ["json", "collapsed", "html", "text"])
def test_large_report(python, helpers, form):
    """Stacks of 100,000 frames and thousands of sites are no trouble."""
    outcome = traced(python.path, harness.PROGRAMS / "lines.py", helpers, env=python.environment())
    assert report_text(outcome.profile, form)
