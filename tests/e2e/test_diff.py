"""`holdfast diff`: programs that differ in a known way."""
import json
import re
import textwrap

import pytest

import harness
import interpreters
from harness import execute, holdfast_binary, traced

# They wait, so that there is a budget for snapshots.
PROGRAM = """\
import sys
import time


def load(size):
    return bytearray(size)


def parse(size):
    first = bytearray(size)
    second = bytearray(size + 100_000)
    return first, second


def leave():
    return bytearray(3_000_000)


def main():
    many = list(map(bytes, [1000] * 2000))
    big = load(5_000_000)
    small = load(2_000_000)
    pair = parse(1_000_000)
    left = leave()
    return len(big) + len(small) + len(pair) + len(left) + len(many)


time.sleep(0.5)
main()
"""
NOISE = 16384  # what a run may differ from another of the same program: hashes, addresses, clocks


def edited(**changes):
    """The program with texts replaced; keys are places of REPLACE."""
    text = PROGRAM
    for name, value in changes.items():
        old = REPLACE[name]
        assert text.count(old) == 1, name
        text = text.replace(old, value)
    return text


REPLACE = {"docstring": "import sys\n", "load_call": "load(5_000_000)", "leave_body": "def leave():\n",
           "leave_call": "    left = leave()\n", "leave_size": "bytearray(3_000_000)", "parse_second": "size + 100_000",
           "parse_body": "def parse(size):\n", "before_main": "def main():\n"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Traces a program, each time in a folder of its own, under the same name."""
    python = interpreters.main_one()

    def run(text, name="job.py", python=python, seen=0):
        """Until so many bytes were seen in the snapshot before the peak, which is asked for by a ceiling below it: on
        a busy machine the best one of such a short run may be far from it, and another one in each run."""
        program = tmp_path_factory.mktemp("diff") / name
        program.write_text(text)
        for _ in range(10):
            flags = ("-q", "--ceiling", seen - 500_000) if seen else ("-q",)
            outcome = traced(python.path, program, flags=flags, env=python.environment())
            snapshot = outcome.report().main.fields["peak"]["snapshot"]
            if not seen or (snapshot and snapshot["bytes"] >= seen):
                return outcome.profile
        pytest.fail(f"no snapshot saw {seen} bytes")
    return run


@pytest.fixture(scope="module")
def before(run):
    return run(PROGRAM, seen=14_900_000)


def diff(*arguments, status=0):
    done = execute([holdfast_binary(), "diff", *arguments])
    assert done.returncode == status, done.stderr
    return done


def compare(before, after):
    """The JSON diff, whose sums hold always."""
    fields = json.loads(diff("--format", "json", before, after).stdout)
    assert fields["schema"] == "holdfast.diff/1"
    difference = fields["peak"]["difference"]
    assert difference == fields["peak"]["after"] - fields["peak"]["before"]
    for name in ("places", "sites"):
        listed = fields[name]
        assert sum(change["difference"] for change in listed["changes"]) == difference
        assert listed["left_out"] == {"count": 0, "difference": 0}
        for change in listed["changes"]:
            sizes = [change[side]["bytes"] if change[side] else 0 for side in ("before", "after")]
            assert change["difference"] == sizes[1] - sizes[0] != 0
            assert change["state"] == ("new" if not change["before"] else "gone" if not change["after"]
                                       else "grown" if sizes[1] > sizes[0] else "shrunk")
    assert sum(kind["difference"] for kind in fields["kinds"].values()) == difference
    assert sum(process["difference"] for process in fields["processes"]) == difference
    return fields


def users(fields, file="job.py"):
    """The changes in the program's own functions: {(function, state): difference}."""
    found = {}
    for change in fields["places"]["changes"]:
        frame = change["stack"][-1]
        if frame["file"].endswith("/" + file) and frame["function"] != "<module>":
            key = (frame["function"], change["state"])
            found[key] = found.get(key, 0) + change["difference"]
    return found


def big(changes):
    """Those that are more than numbers and a frame (up to 3.10 an object of its own)."""
    return {key for key, difference in changes.items() if abs(difference) > 1000}


def others(fields, file="job.py"):
    """Bytes that changed elsewhere, whatever their sign."""
    return sum(abs(change["difference"]) for change in fields["places"]["changes"]
               if not change["stack"][-1]["file"].endswith("/" + file))


def test_same_program_twice(run, before):
    fields = compare(before, run(PROGRAM, seen=14_900_000))
    assert users(fields) == {} and others(fields) < NOISE
    assert abs(fields["peak"]["difference"]) < NOISE
    assert all(abs(change["difference"]) < NOISE for change in fields["holders"]["changes"]
               if change["root"]["kind"] == "local")
    assert [process["state"] for process in fields["processes"]] in (["same"], ["grown"], ["shrunk"])


def test_profile_against_itself(before):
    fields = compare(before, before)
    assert fields["peak"]["difference"] == 0
    for name in ("places", "sites", "holders"):
        assert fields[name]["changes"] == [] and fields[name]["unchanged"] > 0
    assert "as before\n" in diff(before, before).stdout.decode()


def test_one_grows(run, before):
    fields = compare(before, run(edited(load_call="load(5_700_000)")))
    assert users(fields) == {("load", "grown"): 700_000} and others(fields) < NOISE


def test_one_shrinks(run, before):
    fields = compare(before, run(edited(leave_size="bytearray(1_999_999)")))
    assert users(fields) == {("leave", "shrunk"): -1_000_001}


def test_one_vanishes(run, before):
    fields = compare(before, run(edited(leave_call="    left = ''\n")))
    gone = [change for change in fields["places"]["changes"] if change["state"] == "gone"
            and change["stack"][-1]["function"] == "leave"]
    assert len(gone) == 1 and gone[0]["difference"] < -3_000_000
    assert big(users(fields)) == {("leave", "gone")}


def test_one_is_new(run, before):
    fields = compare(run(edited(leave_call="    left = ''\n")), before)
    assert big(users(fields)) == {("leave", "new")}
    assert 3_000_000 < users(fields)[("leave", "new")] < 3_000_000 + NOISE


MOVES = {
    "blank lines": {"docstring": "\n\n\nimport sys\n"},
    "a docstring above": {"docstring": '"""What it does,\n\nin three lines."""\nimport sys\n'},
    "a docstring in the function": {"parse_body": 'def parse(size):\n    """Two of them."""\n\n'},
    "another function above": {"before_main": "def other():\n    return sys.path\n\n\ndef main():\n"},
    "all of them": {"docstring": '"""What it does."""\n\nimport sys\n', "parse_body": "def parse(size):\n\n\n\n",
                    "before_main": "def other():\n    return sys.path\n\n\ndef main():\n    # now\n"},
}


@pytest.mark.parametrize("moves", MOVES.values(), ids=MOVES.keys())
def test_lines_that_move_are_no_change(run, before, moves):
    fields = compare(before, run(edited(**moves)))
    assert users(fields) == {} and others(fields) < NOISE


def test_change_in_lines_that_move(run, before):
    """The second of two lines in a function grows, with everything moved."""
    moves = {**MOVES["all of them"], "parse_second": "size + 333_000"}
    fields = compare(before, run(edited(**moves)))
    assert users(fields) == {("parse", "grown"): 233_000}
    change, = [one for one in fields["places"]["changes"] if one["stack"][-1]["function"] == "parse"]
    lines = PROGRAM.splitlines()
    assert lines[change["before"]["line"] - 1].strip() == "second = bytearray(size + 100_000)"
    assert change["after"]["line"] == change["before"]["line"] + 2 + 3
    assert change["stack"][-1]["source"].strip() == "second = bytearray(size + 333_000)"


def test_renamed_function(run, before):
    text = PROGRAM.replace("leave", "stay")
    fields = compare(before, run(text))
    assert set(users(fields)) == {("leave", "gone"), ("stay", "new")}
    assert sum(users(fields).values()) == 0


def test_different_programs(run, before):
    other = "def work():\n    held = [bytearray(2_500_000)]\n    return held * 2\n\n\nwork()\n"
    fields = compare(before, run(other, name="other.py"))
    assert {state for _, state in users(fields)} == {"gone"}
    assert set(users(fields, "other.py")) == {("work", "new")}
    said = diff(before, run(other, name="other.py")).stdout.decode()
    assert "new" in said and "work() other.py:2" in said


def test_another_interpreter(run, before):
    """The program's places are the same; the library's are compared as far as they go."""
    found = [one for one in interpreters.known() if one.gil and one.version[:2] != interpreters.main_one().version[:2]]
    if not found:
        pytest.skip("only one interpreter")
    fields = compare(before, run(edited(load_call="load(5_700_000)"), python=found[-1]))
    assert ("load", "grown") in users(fields) and 700_000 - NOISE < users(fields)[("load", "grown")] < 700_000 + NOISE
    assert not {("parse", "gone"), ("leave", "gone"), ("parse", "new"), ("leave", "new")} & set(users(fields))


def test_sites_are_whole_stacks(run, before):
    after = run(edited(load_call="load(5_700_000)"))
    change = max(compare(before, after)["sites"]["changes"], key=lambda one: one["difference"])
    assert [frame["function"] for frame in change["stack"]] == ["<module>", "main", "load"]
    assert change["kind"] == "python" and change["difference"] == 700_000


# Holders

CLINGING = """\
import time


def load(size):
    return bytearray(size)


def twice(data):
    made = bytearray(len(data))
    grown = bytearray(8_000_000)
    return made, grown


def process():
    data = load(6_000_000)
    return twice(bytes(data[:100]) + bytes(len(data)))


time.sleep(0.5)
process()
"""


def held(fields, state):
    return [change for change in fields["holders"]["changes"]
            if change["state"] == state and abs(change["difference"]) > 1_000_000]


@pytest.fixture(scope="module")
def clinging(run):
    return run(CLINGING, seen=25_900_000)


def test_new_holder(run, clinging):
    cured = run(CLINGING.replace("    data = load(6_000_000)\n    return twice(bytes(data[:100]) + bytes(len(data)))",
                                 "    return twice(bytes(load(6_000_000)))"), seen=19_900_000)
    fields = compare(cured, clinging)
    new, = [change for change in held(fields, "new") if change["root"]["name"] == "data"
            and change["root"]["function"] == "process"]
    assert new["before"] is None and new["after"]["verdict"] == "dead"
    assert new["object"]["type"] == "bytearray" and 6_000_000 < new["difference"] < 6_000_000 + NOISE
    process, = fields["processes"]
    assert process["after"]["dead_bytes"] - process["before"]["dead_bytes"] == pytest.approx(6_000_000, abs=NOISE)
    back = compare(clinging, cured)
    assert [change["difference"] for change in held(back, "gone") if change["root"]["name"] == "data"] == \
        [-new["difference"]]
    said = diff(cured, clinging).stdout.decode()
    assert re.search(r"\+5\.72 MiB +new +bytearray len 6000000, held by local `data` in process\(\),\s+job\.py:16, never", said)


def test_holder_survives_moved_lines(run, clinging):
    moved = run('"""Moved."""\n\n\n' + CLINGING.replace("load(6_000_000)", "load(6_500_000)"),
                seen=25_900_000)
    fields = compare(clinging, moved)
    assert held(fields, "new") == held(fields, "gone") == []
    change, = [change for change in fields["holders"]["changes"] if change["root"]["name"] == "data"
               and change["root"]["function"] == "process"]
    assert change["state"] == "grown" and change["difference"] == 500_000
    assert change["after"]["line"] == change["before"]["line"] + 3


def test_holder_whose_index_changes(run):
    text = textwrap.dedent("""\
        import time
        time.sleep(0.5)
        rows = [bytearray(10) for _ in range(COUNT)]
        rows[COUNT - 1] = bytearray(30_000_000)
        last = bytearray(40_000_000)
        """)
    fields = compare(run(text.replace("COUNT", "7"), seen=69_000_000),
                     run(text.replace("COUNT", "50"), seen=69_000_000))
    assert held(fields, "new") == held(fields, "gone") == []


# Processes

PARENT = """\
import subprocess
import sys

if len(sys.argv) > 1:
    held = bytearray(int(sys.argv[2]))
    print("there", flush=True)
    sys.stdin.read()
else:
    children = [subprocess.Popen([sys.executable, __file__, name, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                for name, size in SIZES]
    for child in children:
        child.stdout.readline()
    mine = bytearray(1_000_000)
    for child in children:
        child.communicate()
"""


def test_processes(run):
    before = run(PARENT.replace("SIZES", "[('a', 4_000_000), ('b', 5_000_000)]"))
    after = run(PARENT.replace("SIZES", "[('a', 4_500_000), ('b', 5_000_000), ('c', 6_000_000)]"))
    fields = compare(before, after)
    first, *children = fields["processes"]
    assert first["before"] and first["after"] and abs(first["difference"]) < 100_000
    assert [child["state"] for child in children].count("new") == 1
    new, = [child for child in children if child["state"] == "new"]
    assert new["difference"] == new["after"]["tree_peak_bytes"] > 6_000_000
    kept = [child for child in children if child["state"] != "new"]
    assert len(kept) == 2 and all(child["before"] and child["after"] for child in kept)
    said = diff(before, after).stdout.decode()
    assert "by process:" in said


# As a command

def test_text_fits_a_screen(run, before):
    said = diff(before, run(edited(load_call="load(5_700_000)"))).stdout.decode()
    lines = said.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 110
    assert re.match(r"holdfast: peak 15\.\d MiB, 6[6-9]\d KiB more than before \(\+4\.\d %\)", lines[0])  # with NOISE
    assert re.search(r"\+684 KiB +4\.77 MiB -> 5\.44 MiB +load\(\) job\.py:6, in main\(\):21 +return bytearray\(size\)", said)


def test_limit(run, before):
    after = run("def work():\n    return bytearray(2_500_000), bytearray(2_600_000)\n\n\nheld = work()\n")
    fields = json.loads(diff("-f", "json", "-n", "2", before, after).stdout)
    for name in ("places", "sites"):
        listed = fields[name]
        assert len(listed["changes"]) == 2 and listed["left_out"]["count"] > 0
        assert sum(change["difference"] for change in listed["changes"]) + listed["left_out"]["difference"] == \
            fields["peak"]["difference"]
    short, all_of_it = (diff("--limit", str(limit), before, after).stdout.decode() for limit in (1, 0))
    assert short.count(" gone ") + short.count(" new ") <= 2 < all_of_it.count(" gone ") + all_of_it.count(" new ")


def test_output(before, tmp_path):
    assert diff("-o", tmp_path / "d.json", before, before).stdout == b""
    assert json.loads((tmp_path / "d.json").read_text())["schema"] == "holdfast.diff/1"
    diff("-o", tmp_path / "d.txt", before, before)
    assert (tmp_path / "d.txt").read_text().startswith("holdfast: peak ")
    diff("-o", tmp_path / "e.json", "-f", "text", before, before)
    assert (tmp_path / "e.json").read_text().startswith("holdfast: peak ")


def test_it_is_the_same_each_time(run, before):
    after = run(edited(load_call="load(5_700_000)"))
    for form in ("text", "json"):
        assert diff("-f", form, before, after).stdout == diff("-f", form, before, after).stdout


@pytest.mark.parametrize("arguments, words", [
    (["BEFORE"], "which two profiles: holdfast diff BEFORE AFTER"),
    ([], "which two profiles: holdfast diff BEFORE AFTER"),
    (["BEFORE", "BEFORE", "BEFORE"], "two profiles, not more"),
    (["BEFORE", "/nowhere.holdfast"], "/nowhere.holdfast"),
    (["/nowhere.holdfast", "BEFORE"], "/nowhere.holdfast"),
    ([__file__, "BEFORE"], "test_diff.py"),
    (["-f", "csv", "BEFORE", "BEFORE"], "unknown format 'csv': text, html and json are known"),
    (["-n", "-1", "BEFORE", "BEFORE"], "--limit needs a number from 0, not '-1'"),
    (["-n", "many", "BEFORE", "BEFORE"], "--limit needs a number from 0, not 'many'"),
    (["-o", "BEFORE", "BEFORE", "BEFORE"], "is a profile to be compared"),
    (["--nonsense", "BEFORE", "BEFORE"], "--nonsense"),
])
def test_misuse(before, tmp_path, arguments, words):
    done = execute([holdfast_binary(), "diff", *[before if one == "BEFORE" else one for one in arguments]],
                   cwd=tmp_path)
    said = done.stderr.decode()
    assert done.returncode == 2 and done.stdout == b""
    assert said.startswith("holdfast: ") and words in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_fits_a_screen():
    said = diff("--help").stdout.decode()
    assert len(said.splitlines()) <= 24 and max(map(len, said.splitlines())) <= 100
