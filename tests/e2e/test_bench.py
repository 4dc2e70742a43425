"""scripts/bench runs: one tiny row, without peers and so without a network. Figures are compared, never timed."""
import json
import os

import harness

BENCH = harness.ROOT / "scripts" / "bench"


def bench(folder, *options):
    environment = {**os.environ, "HOLDFAST_BINARY": str(harness.holdfast_binary())}
    return harness.execute([BENCH, "--state", folder / "state", "--output", folder / "page.md", "--rows", "tiny",
                            "--tools", "holdfast", *options], env=environment)


def records(folder):
    file, = (folder / "state").glob("full-*.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_one_row(tmp_path):
    done = bench(tmp_path, "--rounds", "2")
    assert done.returncode == 0, done.stderr.decode()
    _, *runs = records(tmp_path)
    assert [(run["tool"], run["round"], run["end"]) for run in runs] == [
        (tool, number, "ok") for number in range(2) for tool in ("untraced", "holdfast", "untraced-again")]
    ours = runs[1]
    assert ours["events"] > 1000 and ours["dropped"] == 0 and ours["disk"] > 1000
    assert all(isinstance(took, float) for took in ours["reports"].values()) and len(ours["reports"]) == 3
    # The program's and the collector's are told apart, and both are there.
    assert 5 * harness.MB < runs[0]["rss"] < ours["rss"] and harness.MB < ours["rss_tool"]
    assert 0 < ours["cpu_tool"] < ours["cpu"] and runs[0]["cpu_tool"] == 0
    assert 0 < ours["inner_wall"] < ours["wall"]
    page = (tmp_path / "page.md").read_text()
    assert "| profile at most 2 MB | met | tiny" in page and "| tiny | " in page
    assert ">tiny</text>" in (tmp_path / "page.svg").read_text()


def test_copies_are_no_part_of_the_program(tmp_path):
    """The biggest process may be a copy at work: both are told, and the target is about the program."""
    assert bench(tmp_path, "--rounds", "1").returncode == 0
    about, before, ours, after = records(tmp_path)
    assert before["rss_own"] < ours["rss_own"] < ours["rss"] + harness.MB
    ours["rss"] = ours["rss_own"] + 20 * harness.MB
    file, = (tmp_path / "state").glob("full-*.jsonl")
    file.write_text("\n".join(map(json.dumps, [about, before, ours, after])) + "\n")
    assert bench(tmp_path, "--report-only").returncode == 0
    page = (tmp_path / "page.md").read_text()
    assert f"(copy: {ours['rss'] / harness.MB:.1f} MiB) + " in page
    assert "| program's RSS up by at most 16 MiB + 2 % | met | tiny" in page


def test_memory_that_differs_by_itself(tmp_path):
    """What the program's own runs differ by is told with what is added to its RSS, and a miss stays one."""
    assert bench(tmp_path, "--rounds", "1").returncode == 0
    about, before, ours, after = records(tmp_path)
    file, = (tmp_path / "state").glob("full-*.jsonl")
    target = "| program's RSS up by at most 16 MiB + 2 % |"
    before["rss_own"], after["rss_own"] = 20 * harness.MB, 40 * harness.MB
    for added, state in ((16, "met"), (18, "**missed**, within the noise"), (40, "**missed**")):
        ours["rss_own"] = (30 + added) * harness.MB
        file.write_text("\n".join(map(json.dumps, [about, before, ours, after])) + "\n")
        assert bench(tmp_path, "--report-only").returncode == 0
        assert f"{target} {state} | tiny: +{added}.0 MiB, untraced runs differ by 20.0 |" in (tmp_path / "page.md").read_text()


def test_goes_on_and_writes_again(tmp_path):
    assert bench(tmp_path, "--rounds", "1").returncode == 0
    first = records(tmp_path)
    # The run is interrupted in its second round, in the middle of a line.
    file, = (tmp_path / "state").glob("full-*.jsonl")
    with open(file, "a") as output:
        output.write(json.dumps({**first[1], "round": 1}) + '\n{"row": "ti')
    assert bench(tmp_path, "--rounds", "2").returncode == 0
    found = file.read_text().splitlines()
    assert found[:len(first)] == [json.dumps(record) for record in first]
    page = (tmp_path / "page.md").read_text()
    (tmp_path / "page.md").unlink()
    assert bench(tmp_path, "--report-only").returncode == 0
    assert (tmp_path / "page.md").read_text() == page and "2 rounds" in page


def test_a_failure_is_shown(tmp_path):
    assert bench(tmp_path, "--rounds", "1").returncode == 0
    file, = (tmp_path / "state").glob("full-*.jsonl")
    about, *runs = records(tmp_path)
    runs[1].update(end="SIGSEGV", said="a | b")
    file.write_text("\n".join(map(json.dumps, [about, *runs])) + "\n")
    assert bench(tmp_path, "--report-only").returncode == 0
    page = (tmp_path / "page.md").read_text()
    assert "- tiny, Holdfast: SIGSEGV (`a / b`)" in page and "| tiny | failed |" in page


def test_scale(tmp_path):
    """The small sizes of how cost grows: every family has its points, and nothing was lost."""
    environment = {**os.environ, "HOLDFAST_BINARY": str(harness.holdfast_binary())}
    done = harness.execute([harness.ROOT / "scripts" / "bench-scale", "--quick", "--state", tmp_path], env=environment)
    assert done.returncode == 0, done.stderr.decode()
    runs = [json.loads(line) for file in tmp_path.glob("quick-*.jsonl") for line in file.read_text().splitlines()][1:]
    ours = {run["row"]: run for run in runs if run["tool"] == "holdfast"}
    assert [run["end"] for run in runs] == ["ok"] * 3 * len(ours)
    # The peak may be where the list was moved for the last time, up to a third of the objects before the end.
    assert ours["events_10000000"]["events"] > 10**7 and ours["blocks_1000000"]["blocks"] > 5 * 10**5
    assert all(run["dropped"] == 0 for run in ours.values())
    page = (tmp_path / "quick.md").read_text()
    assert all(f"## {name}" in page for name in ("Events", "Live blocks", "Threads", "Processes"))
    assert "<polyline" in (tmp_path / "quick.svg").read_text()
