"""What `holdfast report` writes for other tools: each form against the JSON report to the byte, and given
to the program that it is for."""
import json
import re
import subprocess
from collections import Counter

import jsonschema
import pytest

import harness
import read_exports
from browser import Browser
from harness import execute, holdfast_binary, report_text, traced

CONSUMERS = harness.ROOT / ".cache" / "consumers"
FORMS = ["collapsed", "csv", "massif", "pprof", "speedscope", "trace"]
NEEDED = {"pprof": CONSUMERS / "pprof", "speedscope": CONSUMERS / "speedscope" / "dist" / "release"}


def consumer(name):
    if not NEEDED[name].exists():
        pytest.skip(f"no {name}: scripts/fetch-consumers could not get it")
    return NEEDED[name]


@pytest.fixture(scope="module")
def profile():
    from interpreters import main_one
    return traced(main_one().path, harness.PROGRAMS / "exported.py", env=main_one().environment()).profile


@pytest.fixture(scope="module")
def report(profile):
    return json.loads(report_text(profile))


@pytest.fixture(scope="module")
def names(report):
    """The odd names, as the profile has them."""
    found = {frame["function"] for site in report["tree_peak"]["sites"] for frame in site["stack"]
             if frame["file"].startswith("/src/")}
    assert len(found) == 11 and any("\u202e" in name for name in found)
    return found


def exported(profile, form, *flags):
    done = execute([holdfast_binary(), "report", profile, "--format", form, *flags])
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    return done.stdout


def below_process(held):
    """Without the frame of the process, which the JSON's sites tell otherwise."""
    merged = Counter()
    for stack, size in held.items():
        merged[stack[1:] if stack[0][1:] == ("", 0) and re.search(r"\[\d+\]$", stack[0][0]) else stack] += size
    return merged


@pytest.fixture(scope="module")
def expected(report):
    return read_exports.of_report(report["tree_peak"]["sites"])


def test_collapsed(profile, expected):
    assert below_process(read_exports.collapsed(exported(profile, "collapsed").decode())) == expected


def test_csv_has_the_sites(profile, report):
    def of_site(site):
        frame = site["stack"][-1]
        return (str(site["pid"]), site["kind"], str(site["bytes"]), str(site["blocks"]), frame["function"],
                frame["file"], str(frame["line"] or ""), frame.get("source", ""))
    rows = read_exports.rows(exported(profile, "csv"))
    keys = ("pid", "kind", "bytes", "blocks", "function", "file", "line", "source")
    assert Counter(tuple(row[key] for key in keys) for row in rows) == \
        Counter(map(of_site, report["tree_peak"]["sites"]))
    assert [int(row["bytes"]) for row in rows] == sorted((int(row["bytes"]) for row in rows), reverse=True)


def test_csv_joins_the_stack(profile, expected):
    held = Counter()
    for row in read_exports.rows(exported(profile, "csv")):
        held[tuple(read_exports.joined(row["stack"]))] += int(row["bytes"])
    assert below_process(held) == expected


def test_csv_names_the_users_line(profile):
    """Where the innermost frame is the library's, the user's own line is told."""
    rows = read_exports.rows(exported(profile, "csv"))
    inside = [row for row in rows if "importlib" in row["file"] and "exported.py:" in row["stack"]]
    assert inside and all(row["own_file"].endswith("exported.py") and row["own_line"] for row in inside)


def test_csv_lines_end_as_the_format_says(profile):
    data = exported(profile, "csv")
    outside = re.sub(rb'"(?:[^"]|"")*"', b"", data)
    assert outside.count(b"\n") == outside.count(b"\r\n") == len(read_exports.rows(data)) + 1


def test_speedscope_profiles(profile, report):
    fields = json.loads(exported(profile, "speedscope"))
    frames, profiles = fields["shared"]["frames"], fields["profiles"]
    assert len(profiles) == 1 + len(report["processes"])
    for one, peak in zip(profiles, [report["tree_peak"]] + [each["peak"] for each in report["processes"]]):
        held = read_exports.speedscope(frames, one)
        assert below_process(held) == read_exports.of_report(peak["sites"])
        assert one["endValue"] == peak["bytes"] and one["unit"] == "bytes"


def test_speedscope_schema(profile, report):
    """Of one process: the validator takes its time."""
    schema = json.loads((consumer("speedscope") / "file-format-schema.json").read_text())
    pid = str(report["processes"][1]["pid"])
    jsonschema.validate(json.loads(exported(profile, "speedscope", "--process", pid)), schema)


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.mark.parametrize("form, ending, title", [
    ("speedscope", "speedscope.json", "all processes"), ("pprof", "pb.gz", "out.pb.gz")])
def test_speedscope_opens_it(browser, profile, tmp_path, form, ending, title):
    """speedscope's own page, as its command line starts it, with a file in a script."""
    import base64
    data = base64.b64encode(exported(profile, form)).decode()
    script = tmp_path / "file.js"
    script.write_text(f"speedscope.loadFileFromBase64('out.{ending}', '{data}')")
    tab = browser.tab()
    tab.send("Page.navigate", url=f"{(consumer('speedscope') / 'index.html').as_uri()}#localProfilePath={script}")
    tab.wait(f"document.body && document.body.innerText.includes({json.dumps(title)}) && "
             "document.body.innerText.includes('Export')")
    assert tab.errors() == []
    tab.close()


def test_pprof(profile, report, expected):
    pprof = read_exports.Pprof(exported(profile, "pprof"))
    assert pprof.types == [("inuse_objects", "count"), ("inuse_space", "bytes")]
    assert pprof.held() == expected
    assert sum(values[0] for _, values, _ in pprof.samples) == \
        sum(site["blocks"] for site in report["tree_peak"]["sites"])


def test_pprof_labels(profile, report):
    pprof = read_exports.Pprof(exported(profile, "pprof"))
    assert pprof.by_label("kind") == {kind: size for kind, size in report["tree_peak"]["kinds"].items() if size}
    pids = {int(label.rsplit("[", 1)[1][:-1]): size for label, size in pprof.by_label("process").items()}
    assert pids == {one["pid"]: one["tree_peak_bytes"] for one in report["processes"]}
    one = read_exports.Pprof(exported(profile, "pprof", "--process", str(report["processes"][0]["pid"])))
    assert dict(one.by_label("thread")) == report["processes"][0]["threads"]


def test_pprof_reads_it(profile, report, tmp_path):
    """Go's pprof: what it finds comes to the same, by kind, too, and it knows the functions."""
    file = tmp_path / "out.pb.gz"
    file.write_bytes(exported(profile, "pprof"))
    raw = execute([consumer("pprof"), "-raw", file]).stdout.decode().split("\nLocations\n")[0]
    sizes = re.findall(r"^ +(\d+) +(\d+): .*\n +kind:\[(\w+)\]", raw, re.M)
    kinds = Counter()
    for _, size, kind in sizes:
        kinds[kind] += int(size)
    assert kinds == {kind: size for kind, size in report["tree_peak"]["kinds"].items() if size}
    top = execute([consumer("pprof"), "-top", "-unit=B", "-nodecount=30", file])
    assert top.returncode == 0
    assert f"of {report['tree_peak']['bytes']}B total" in top.stdout.decode() + top.stderr.decode()
    assert re.search(r"\d+B +[\d.]+% +<module>$", top.stdout.decode(), re.M) and " plain\n" in top.stdout.decode()


def test_massif(profile, report):
    massif = read_exports.Massif(exported(profile, "massif").decode())
    peak = report["tree_peak"]
    assert massif.peak == (int(peak["time_s"] * 1000), peak["bytes"]) and massif.tree[0] == peak["bytes"]
    assert max(size for _, size in massif.snapshots) == peak["bytes"]
    assert massif.snapshots == sorted(massif.snapshots, key=lambda one: one[0])
    assert len(massif.snapshots) == len(report["timeline"])


def test_massif_tree_tells_who_allocated(profile, report):
    massif = read_exports.Massif(exported(profile, "massif").decode())
    innermost = Counter()
    for site in report["tree_peak"]["sites"]:
        frame = site["stack"][-1]
        innermost[frame["function"], frame["file"], frame["line"]] += site["bytes"]
    told = Counter()
    for size, label, _ in massif.tree[2]:
        if "below massif's threshold" not in label:
            told[read_exports.frame(label)] += size
    least = report["tree_peak"]["bytes"] / 100
    wanted = {place: size for place, size in innermost.items() if size > least}
    assert {place: told[place] for place in wanted} == wanted and len(wanted) >= 11


def test_ms_print_reads_it(profile, report, tmp_path):
    file = tmp_path / "out.massif"
    file.write_bytes(exported(profile, "massif"))
    done = execute(["ms_print", file], env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
    said = done.stdout.decode()
    assert done.returncode == 0 and done.stderr == b""
    peak = read_exports.Massif(file.read_text()).peak
    number = read_exports.Massif(file.read_text()).snapshots.index(peak)
    assert f"{number} (peak)" in said
    assert re.search(rf"^ *{number} +{peak[0]:,} +{peak[1]:,} +{peak[1]:,} +0 +0$", said, re.M)
    assert re.search(r"^->\d\d\.\d\d% \([\d,]+B\) plain \(/src/plain.py:\d+\)$", said, re.M)


def trace_of(profile, *flags):
    fields = json.loads(exported(profile, "trace", *flags))
    return fields["traceEvents"]


def test_trace_events_are_well_formed(profile, report):
    """By the Trace Event Format: what each phase must have."""
    for event in trace_of(profile):
        assert event["ph"] in "CMi" and isinstance(event["name"], str)
        assert all(isinstance(event[key], int) for key in ("pid", "tid"))
        assert 0 <= event["ts"] <= report["duration_s"] * 1e6
        if event["ph"] == "C":
            assert list(event["args"]) == ["bytes"] and isinstance(event["args"]["bytes"], int)
        if event["ph"] == "i":
            assert event["s"] in "pt"
        if event["ph"] == "M":
            assert set(event["args"]) == {{"process_sort_index": "sort_index"}.get(event["name"], "name")}


def test_trace_counters(profile, report):
    highest = Counter()
    for event in trace_of(profile):
        if event["ph"] == "C" and event["name"] == "traced bytes":
            highest[event["pid"]] = max(highest[event["pid"]], event["args"]["bytes"])
    wanted = {one["pid"]: one["peak"]["bytes"] for one in report["processes"]}
    assert highest == {**wanted, 0: report["tree_peak"]["bytes"]}


def test_trace_instants_and_threads(profile, report):
    events = trace_of(profile)
    for process in report["processes"]:
        own = [event for event in events if event["pid"] == process["pid"]]
        peak, = [event for event in own if event["name"] == "peak"]
        assert peak["args"]["bytes"] == process["peak"]["bytes"]
        assert peak["ts"] == pytest.approx(process["peak"]["time_s"] * 1e6)
        snapshots = [event["args"]["bytes"] for event in own if event["name"] == "snapshot"]
        assert sorted(snapshots) == sorted(one["bytes"] for one in process["snapshots"])
        threads = {event["args"]["name"] for event in own if event["name"] == "thread_name"}
        assert threads >= set(process["threads"])
    alone = trace_of(profile, "--process", str(report["processes"][1]["pid"]))
    assert {event["pid"] for event in alone} == {report["processes"][1]["pid"]}


def test_chrome_reads_the_trace(browser, profile, report):
    """The loader of Chromium's own DevTools, which names processes and threads by what it read."""
    tab = browser.tab()
    tab.send("Page.navigate", url="devtools://devtools/bundled/devtools_app.html")
    tab.wait("document.readyState === 'complete' && location.protocol === 'devtools:'")
    names = tab.run(f"""(async () => {{
        const {{TraceModel}} = await import("./models/trace/trace.js");
        const model = TraceModel.Model.createWithAllHandlers();
        await model.parse({json.dumps(trace_of(profile))}, {{metadata: {{}}}});
        const {{Meta}} = model.parsedTrace(0).data;
        return [...Meta.processNames].map(([pid, event]) =>
            [pid, event.args.name, [...(Meta.threadsInProcess.get(pid) ?? new Map()).values()]
                                   .map(thread => thread.args.name)]);
    }})()""")
    tab.close()
    read = {pid: (name, set(threads)) for pid, name, threads in names}
    assert set(read) == {0, *(one["pid"] for one in report["processes"])}
    for process in report["processes"]:
        name, threads = read[process["pid"]]
        assert name.endswith(f"[{process['pid']}]") and threads >= set(process["threads"])


@pytest.mark.parametrize("form", ["csv", "pprof", "speedscope"])
def test_names_survive(profile, names, form):
    data = exported(profile, form)
    if form == "csv":
        found = {row["function"] for row in read_exports.rows(data)}
    elif form == "pprof":
        found = {function for function, _, _ in read_exports.Pprof(data).locations.values()}
    else:
        found = {frame["name"] for frame in json.loads(data)["shared"]["frames"]}
    assert names <= found


@pytest.mark.parametrize("form", FORMS)
def test_exports_are_the_same_each_time(profile, form):
    assert exported(profile, form) == exported(profile, form)


@pytest.mark.parametrize("name, form", [
    ("a.csv", "csv"), ("a.massif", "massif"), ("a.pb.gz", "pprof"), ("a.pprof", "pprof"),
    ("a.speedscope.json", "speedscope"), ("a.speedscope", "speedscope"), ("a.trace.json", "trace"),
    ("a.trace", "trace"),
])
def test_format_from_the_name(profile, tmp_path, name, form):
    done = execute([holdfast_binary(), "report", profile, "-o", tmp_path / name])
    assert done.returncode == 0 and (tmp_path / name).read_bytes() == exported(profile, form)


def test_binary_does_not_go_to_a_terminal(profile):
    said = subprocess.run(["script", "-qec", f"'{holdfast_binary()}' report '{profile}' -f pprof", "/dev/null"],
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=harness.TIME_LIMIT)
    assert said.returncode == 2 and b"pprof is not for a terminal: name a file with -o" in said.stdout


@pytest.fixture(scope="module")
def large(helpers):
    """Stacks of 100,000 frames and thousands of sites."""
    from interpreters import main_one
    return traced(main_one().path, harness.PROGRAMS / "lines.py", helpers, env=main_one().environment()).profile


@pytest.mark.parametrize("form", FORMS)
def test_large_exports(large, form):
    assert exported(large, form)
