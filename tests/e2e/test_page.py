"""The page in a real browser: each view, each control, what it says against the JSON report, how it
looks to those who do not see it, and how much it draws when there is much to draw.
"""
import json
import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

import harness
import read_graph
import read_profile
import test_native
from harness import MB, report_text, traced
from interpreters import main_one

AXE = harness.ROOT / "viewer/web/node_modules/axe-core/axe.min.js"

# The graph's canvas, and a node of it by the beginning of its label.
GRAPH = "document.getElementById('graph').flame"
FIND = """(name => { const flame = %s, painter = flame.painter;
    for (let i = 0; i < flame.tree.count; i++) if (painter.label(i).startsWith(name)) return i;
    return -1; })"""


class Page:
    """A profile, its JSON report, and its page."""

    def __init__(self, profile):
        self.profile = profile
        self.path = profile.with_suffix(".html")
        self.path.write_text(report_text(profile, "html"))
        self.report = json.loads(report_text(profile))


@pytest.fixture(scope="module")
def page():
    python = main_one()
    # The ceiling is passed at the peak, so that there is a snapshot right before it on any machine.
    return Page(traced(python.path, harness.PROGRAMS / "page.py", flags=("-q", "--ceiling", "60MiB"),
                       env=python.environment()).profile)


@pytest.fixture(scope="module")
def one_tab(browser, page):
    return browser.open(page.path)


@pytest.fixture
def tab(one_tab, page):
    one_tab.size(1280, 900)
    one_tab.scheme("light")
    one_tab.go(page.path)
    yield one_tab
    assert one_tab.errors() == []


def label(bytes_):
    """As the page writes sizes: halves are rounded up."""
    value, unit = Decimal(bytes_) / 1024, 0
    while value >= 1023.5:
        value, unit = value / 1024, unit + 1
    step = "0.01" if value < 9.995 else "0.1" if value < 99.95 else "1"
    return f"{value.quantize(Decimal(step), ROUND_HALF_UP)} {['KiB', 'MiB', 'GiB'][unit]}"


def total_where(page, wanted):
    """Bytes at the tree's peak of stacks with a frame for which `wanted` holds."""
    return sum(site["bytes"] for site in page.report["tree_peak"]["sites"]
               if any(wanted(frame) for frame in site["stack"]))


def node(tab, name, graph="graph"):
    found = tab.run(f"{FIND % GRAPH.replace('graph', graph)}({json.dumps(name)})")
    assert found >= 0, f"no {name}"
    return found


def click_node(tab, name, graph="graph"):
    flame = GRAPH.replace("graph", graph)
    number = node(tab, name, graph)
    tab.run(f"{flame}.reveal({number})")
    tab.place(f"#{graph}")
    x, width = tab.run(f"{flame}.span({number})")
    top = tab.run(f"{flame}.rowTop({flame}.tree.depth[{number}])")
    box = tab.run(f"(b => [b.x, b.y])(document.getElementById('{graph}').getBoundingClientRect())")
    tab.click_at(box[0] + x + width / 2, box[1] + top + 11)


def graph_total(tab):
    return tab.run(f"{GRAPH}.tree.total[0]")


def labels(tab):
    return tab.run(f"[...Array({GRAPH}.tree.count).keys()].map(i => {GRAPH}.painter.label(i))")


# -- What it says --


def test_head(tab, page):
    text = tab.text("header")
    assert "tests/programs/page.py" in text and "exit status 0" in text and "Python 3." in text
    assert label(page.report["tree_peak"]["bytes"]) in text
    assert label(page.report["tree_peak"]["rss_bytes"]) in text
    tab.click(".composition summary")
    shown = tab.text(".composition")
    for kind, name in (("python", "Python objects"), ("heap", "heap")):
        assert name in shown and label(page.report["tree_peak"]["kinds"][kind]) in shown


def test_findings(tab):
    cards = tab.texts("#findings .card")
    assert "data in peak() is never read again" in cards[0] and "16.0 MiB" in cards[0]
    assert "never read again after line" in cards[0] and "Ways out" in cards[0] and "del data" in cards[0]
    cycle = next(text for text in cards if "cycle" in text)
    assert "4.00 MiB" in cycle and "weakref" in cycle
    assert tab.count("#findings .cycle svg g") == 1  # a dict that refers to itself
    assert "32.0 MiB were being allocated" in tab.text("#findings")
    tab.click("#findings .card .link:last-of-type")
    assert tab.run("document.querySelector('#source tr.chosen th').innerText") == str(page_line("return bytearray(size)"))


def page_line(text):
    lines = (harness.PROGRAMS / "page.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_allocated_in_the_graph(tab):
    """From a finding to the stack that allocated its memory."""
    tab.run("[...document.querySelectorAll('#findings .card:first-child .link')].pop().click()")
    tab.settle()
    shown = tab.text("#graph-selected")
    assert shown.startswith("load()") and "16.0 MiB" in shown
    assert tab.run(f"{GRAPH}.focus") > 0


# -- Time --


def test_brushing(tab, page):
    process = page.report["processes"][0]
    tab.drag("#time .u-over", 0.02, 0.999)
    text = tab.text("#range")
    assert label(page.report["tree_peak"]["bytes"]) in text and "The peak is in this range" in text
    assert "snapshot at" in text and "page.py:" in text
    told = [one["collections"] for one in page.report["processes"]]
    assert f"{sum(one['count'] for one in told)} collections of garbage" in tab.text("#time").replace(",", "")
    read = read_profile.Profile(page.profile)
    own = [span for span in read.spans if span["process"] == 0]
    total = sum(site["total"] for site in read.sites if site["process"] == 0)
    assert sum(span["made"] for span in own) == total > 60 * MB
    assert [(one["allocated_bytes"], one["live_bytes"]) for one in process["spans"]] == [(span["made"], span["held"]) for span in own]
    allocated = {}
    for one in process["spans"]:
        for stack, size in one["allocated_by"]:
            function = process["span_stacks"][stack][-1]["function"]
            allocated[function] = allocated.get(function, 0) + size
    assert 48 * MB <= allocated["load"] <= total and len(process["span_stacks"]) <= 20 * len(own)
    # Of both processes, which have their own ends of spans
    assert re.search(r"Allocated from [^\n]* by [12] of 2 processes: at least [\d.]+ MiB\n", text)
    assert re.search(r"Live at [^\n]* in [^\n]*\[%d\]: [\d.]+ MiB\n" % process["pid"], text)
    assert "collection" in text and "of garbage began in it" in text
    tab.click("#range-clear")
    assert tab.count("#range") == 0
    before = process["peak"]["time_s"] * 0.05
    tab.type("#range-to", f"{before:.3f}")
    tab.key("Tab")
    assert "keeps no snapshot" in tab.text("#range")


# -- The graph --


def test_graph_adds_up(tab, page):
    peak = page.report["tree_peak"]["bytes"]
    assert graph_total(tab) == peak
    tree = tab.run(f"(t => ({{key: [...t.key], parent: [...t.parent], own: [...t.own], total: [...t.total]}}))({GRAPH}.tree)")
    assert sum(tree["own"]) == peak
    sums = list(tree["own"])
    for i in range(len(sums) - 1, 0, -1):
        sums[tree["parent"][i]] += sums[i]
    assert sums == tree["total"]


def test_zoom_with_the_mouse(tab):
    click_node(tab, "step()")
    assert tab.text("#graph-selected").startswith("step()") and "32.0 MiB" in tab.text("#graph-selected")
    assert tab.run(f"{GRAPH}.span({node(tab, 'step()')})")[1] == tab.run(f"{GRAPH}.width")
    tab.key("Escape")
    assert tab.run(f"{GRAPH}.focus") == tab.run(f"{GRAPH}.tree.parent[{node(tab, 'step()')}]")
    tab.key("Home")
    assert tab.run(f"{GRAPH}.focus") == 0
    before = tab.run(f"{GRAPH}.right - {GRAPH}.left")
    x, y = tab.place("#graph")
    tab.mouse("mouseWheel", x, y, deltaX=0, deltaY=-200, modifiers=2)
    tab.settle()
    assert tab.run(f"{GRAPH}.right - {GRAPH}.left") < before


def test_walking_with_the_keys(tab):
    tab.run("document.getElementById('graph').focus()")
    seen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Enter"):
        tab.key(key)
        seen.append(tab.run(f"{GRAPH}.selected"))
    tree = [tab.run(f"{GRAPH}.tree.{column}.slice(0, 10).join()").split(",") for column in ("parent", "end")]
    assert seen[:4] == [1, 2, 3, 2] and seen[6] == tab.run(f"{GRAPH}.focus") == seen[5]
    assert tree[0][seen[0]] == "0"
    tab.key("Home")
    tab.key("+")
    assert tab.run(f"{GRAPH}.right - {GRAPH}.left") < graph_total(tab)


def test_search(tab, page):
    tab.run("document.body.focus()")
    tab.key("/")
    assert tab.run("document.activeElement.id") == "search"
    tab.type("#search", "make_cycle")
    expected = total_where(page, lambda frame: frame["function"] == "make_cycle")
    assert label(expected) in tab.text("#matches") and expected >= 4 * MB
    tab.type("#search", "peak")  # peak() of the file page.py, and what is below it, counts once
    expected = total_where(page, lambda frame: frame["function"] == "peak")
    assert label(expected) in tab.text("#matches") and expected >= 32 * MB
    tab.type("#search", "programs/page.py")  # the process is called that, and so is the file of all that it runs
    expected = sum(site["bytes"] for site in page.report["tree_peak"]["sites"] if site["process"] == 0)
    assert label(expected) in tab.text("#matches") and expected >= 64 * MB
    tab.type("#search", "nothing is called that")
    assert "0 frames" in tab.text("#matches")
    tab.type("#search", "")
    assert tab.text("#matches") == ""


def test_hidden_frames(tab):
    peak = graph_total(tab)
    shown = labels(tab)
    assert not any("importlib" in text for text in shown) and any("subprocess.py" in text for text in shown)
    tab.click("#hide-import")
    assert any("importlib" in text for text in labels(tab)) and graph_total(tab) == peak
    tab.click("#hide-library")
    shown = labels(tab)
    assert not any("importlib" in text or "subprocess.py" in text for text in shown) and graph_total(tab) == peak


def test_inverted(tab, page):
    peak = graph_total(tab)
    tab.click("input[name=order][value=inverted] + span")
    assert graph_total(tab) == peak
    outermost = tab.run(f"(f => [...Array(f.tree.count).keys()].filter(i => f.tree.depth[i] === 1).map(i => [f.painter.label(i), f.tree.total[i]]))({GRAPH})")
    inner = {}
    for site in page.report["tree_peak"]["sites"]:
        last = site["stack"][-1]
        inner[last["function"], last["line"]] = inner.get((last["function"], last["line"]), 0) + site["bytes"]
    line = page_line("return bytearray(size)")
    assert ["load()  page.py:%d" % line, inner["load", line]] in outermost
    assert sum(total for _, total in outermost) == peak
    click_node(tab, "load()")
    assert tab.text("#graph-selected").startswith("load()")


def test_flame_grows_upwards(tab):
    top = tab.run(f"{GRAPH}.rowTop(0)")
    tab.click("input[name=shape][value=flame] + span")
    assert tab.run(f"{GRAPH}.rowTop(0)") > tab.run(f"{GRAPH}.rowTop(1)") and top == 0
    click_node(tab, "make_cycle()")
    assert "4.00 MiB" in tab.text("#graph-selected")


def test_by_thread_and_process(tab, page):
    assert any(text.startswith("python3 -c") or "-c" in text for text in labels(tab))
    tab.click("#by-thread")
    shown = labels(tab)
    assert "thread worker" in shown
    worker = tab.run(f"{GRAPH}.tree.total[{shown.index('thread worker')}]")
    assert 2 * MB <= worker < 3 * MB
    tab.click("#by-process")
    assert not any("-c" in text for text in labels(tab))
    assert graph_total(tab) == page.report["tree_peak"]["bytes"]


def test_kinds(tab, page):
    for kind, value in (("heap", 1), ("python", 2)):
        tab.choose("#kinds", value)
        assert graph_total(tab) == page.report["tree_peak"]["kinds"][kind]


def test_colours_of_verdicts(tab):
    tab.click("input[name=colour][value=verdict] + span")
    parts = tab.run(f"{GRAPH}.painter.parts({node(tab, 'make_cycle()')})")
    garbage = tab.run("getComputedStyle(document.documentElement).getPropertyValue('--verdict-garbage').trim()")
    assert [part["color"] for part in parts] == [garbage] and parts[0]["part"] > 0.99


def test_peak_of_one_process(tab, page):
    for index, process in enumerate(page.report["processes"]):
        tab.choose("#peak", index)
        assert graph_total(tab) == process["peak"]["bytes"]
        assert label(process["peak"]["bytes"]) in tab.text("header")
        near, resident = process["peak"]["resident"], process["peak"]["nearest_resident"]
        tab.run("document.querySelector('.composition').open = true")
        if resident:  # a look near the peak; which is short
            parts = [bytes_ for name, bytes_ in resident.items() if name not in ("rss_bytes", "peak_bytes", "looked_at", "processes")]
            assert sum(parts) == resident["rss_bytes"] and label(resident["rss_bytes"]) in tab.text("#resident")
        assert tab.count("#resident") == (resident is not None) and tab.count("#resident-far") == (resident is not None and not near)


def test_resident_memory_seen_far_from_the_peak(browser, tmp_path, python):
    """A look long before a peak of some milliseconds: its parts are told, with how far from the peak they are."""
    program = "import time\nheld = bytearray(24 << 20)\ntime.sleep(0.6)\nlen(bytearray(90 << 20))"
    profile = traced(python.path, "-c", program, env=python.environment()).profile
    peak = json.loads(report_text(profile))["processes"][0]["peak"]
    nearest = peak["nearest_resident"]
    assert nearest["peak_bytes"] == peak["bytes"] > 110 * MB and nearest["traced_bytes"] > 24 * MB
    tab = open_report(browser, tmp_path, profile)
    tab.click(".composition summary")
    assert f"when {label(nearest['traced_bytes'])} were traced" in tab.text("#resident") or peak["resident"]
    assert (tab.count("#resident-far") == 0) == (peak["resident"] is not None)
    assert tab.errors() == []
    tab.close()


def shown_stacks(tab):
    """Bytes by stack, as names of functions, of what the graph has."""
    found = {}
    paths = tab.run(f"""(f => [...Array(f.tree.count).keys()].filter(i => f.tree.own[i] > 0).map(i => {{
        const path = [];
        for (let at = i; at > 0; at = f.tree.parent[at]) path.unshift(f.painter.label(at).split("  ")[0]);
        return [path, f.tree.own[i]];
    }}))({GRAPH})""")
    for path, size in paths:
        found[tuple(path)] = found.get(tuple(path), 0) + size
    return found


def told_stacks(profile, frames):
    """The same of the JSON report."""
    told = harness.execute([harness.holdfast_binary(), "report", profile, "--format", "json", "--frames", frames])
    found = {}
    for site in json.loads(told.stdout)["tree_peak"]["sites"]:
        names = [frame["function"] for frame in site["stack"]]
        names = [name.strip("<>") if name.startswith("<thread") else name if name[0] == "<" or name[-1] == ")" else f"{name}()"
                 for name in names]
        found[tuple(names)] = found.get(tuple(names), 0) + site["bytes"]
    return found


@test_native.pytestmark
def test_frames(browser, tmp_path, python):
    """Python's, native ones or both, as the other reports have them."""
    library = test_native.build_library(tmp_path)
    profile = traced(python.path, harness.PROGRAMS / "native.py", library, flags=("-q", "--native"),
                     env=python.environment()).profile
    path = profile.with_suffix(".html")
    assert harness.execute([harness.holdfast_binary(), "report", profile, "-o", path, "--frames", "both"]).returncode == 0
    tab = browser.open(path)
    tab.click("#hide-import")
    assert tab.run("document.querySelector('input[name=frames]:checked').value") == "both"
    for frames in ("python", "native", "both", "all"):
        tab.click(f"input[name=frames][value={frames}] + span")
        assert shown_stacks(tab) == told_stacks(profile, frames)
    # the tables go with it
    tab.click("input[name=table][value=sites] + span")
    tab.type("#filter", "take_inlined")
    assert tab.text("#filtered") != "0 sites, 0 bytes"
    tab.click("input[name=table-frames][value=python] + span")
    assert tab.text("#filtered") == "0 sites, 0 bytes"
    assert tab.errors() == []
    tab.close()


def test_frames_without_native_ones(tab):
    assert tab.count("input[name=frames]") == 0


# -- Holders --


def test_holders(tab, page):
    process = page.report["processes"][0]
    assert tab.count(".holder-list li") == sum(len(one["peak"]["holders"]) for one in page.report["processes"])
    click_node(tab, "bytes len", "holder-graph")
    card = tab.text("#holders article")
    assert "in use" in card and "copied in step()" in card and "16.0 MiB" in card
    tab.run("[...document.querySelectorAll('.holder-list button')].find(one => one.innerText.includes('KEPT')).click()")
    tab.settle()
    assert "KEPT" in tab.text("#holders article") and "1.00 MiB" in tab.text("#holders article")


HELD = "document.getElementById('holder-graph').flame"


def labels_of_holders(tab):
    return tab.run(f"(f => [...Array(f.tree.count).keys()].map(i => [f.tree.depth[i], f.painter.label(i)]))({HELD})")


def test_all_that_was_live(tab, page):
    """The icicle is made of every byte that the heap graph has, as a reader of its own counts them."""
    snapshot = next(one for one in read_profile.Profile(page.profile).snapshots if one["process"] == 0)
    graph, blocks = read_graph.Graph(snapshot["graph"]), sum(block["size"] for block in snapshot["large"])
    data = json.loads(page.path.read_text().split('id="data">')[1].split("</script>")[0])
    holders = next(one for one in data["holders"] if one["process"] == 0)
    held = holders["holding"]["bytes"]
    tab.choose("#peak", 0)
    assert held <= blocks + sum(one.size for one in graph.objects[1:])
    assert held >= blocks + sum(one.size for one in graph.objects[1:] if not one.flags & read_graph.UNSURE)
    assert sum(holders["holding"]["own"][2::3]) + sum(holders["holding"]["rest"]) == held
    assert tab.run(f"{HELD}.tree.total[0]") == max(snapshot["bytes"], held) + holders["pending"]
    dead, garbage = tab.run(f"{HELD}.tree.verdicts.map(one => one[0])")[:2]
    assert (dead, garbage) == (holders["dead"], holders["garbage"])
    assert dead >= 16 * MB and garbage >= 4 * MB


def test_what_is_no_finding(tab):
    """Each object is there with its path, and garbage with its cycle, whether a card is about it or not."""
    click_node(tab, "globals", "holder-graph")
    assert "may be in use" in tab.text("#holders article")
    tab.key("Home")
    click_node(tab, "garbage", "holder-graph")
    tab.key("ArrowDown")
    tab.key("ArrowDown")
    card = tab.text("#holders article")
    assert "bytearray" in card and "4.00 MiB" in card and "load()" in card
    assert tab.count("#holders .cycle svg g") == 1


# -- Table and source --


def column(tab, table, number):
    return [text.split("\t")[number] for text in tab.texts(f"{table} tbody tr:not(.gap)")]


def test_table(tab, page):
    peak = page.report["tree_peak"]["bytes"]
    assert label(peak) in tab.text("#filtered")
    sizes = [to_bytes(text) for text in column(tab, "#lines-table", 0)]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] >= 54 * MB
    tab.click("#lines-table th:first-child button")
    assert to_bytes(column(tab, "#lines-table", 0)[0]) < 1000
    tab.type("#filter", "node = {")
    assert tab.text("#filtered").startswith("1 line,")
    tab.click("input[name=table][value=sites] + span")
    tab.type("#filter", "load()")
    own = sum(site["bytes"] for site in page.report["tree_peak"]["sites"] if site["stack"][-1]["function"] == "load")
    assert label(own) in tab.text("#filtered")
    tab.type("#filter", "")
    tab.click("#own-lines")
    assert "importlib" not in tab.text("#sites-table")
    tab.run("document.querySelector('#sites-table tbody tr:not(.gap) .link').click()")
    tab.settle()
    assert tab.text("#graph-selected").startswith("load()")


def test_whole_run(tab, page):
    """What was allocated in all, most of it given back again; and what was still there at the end."""
    tab.click("input[name=table][value='whole run'] + span")
    sites = read_profile.Profile(page.profile).sites
    text = tab.text("#tables")
    assert label(sum(site["total"] for site in sites)) in text and label(sum(site["end"] for site in sites)) in text
    most = sorted((site["total"] for site in sites), reverse=True)
    assert column(tab, "#run-table", 0)[:5] == [label(bytes_) for bytes_ in most[:5]]
    tab.click("#run-table th:nth-child(4) button")
    assert column(tab, "#run-table", 3)[0] == label(max(site["end"] for site in sites))


def to_bytes(text):
    value, unit = text.split()
    return float(value) * {"byte": 1, "bytes": 1, "KiB": 1 << 10, "MiB": MB, "GiB": MB << 10}[unit]


def test_long_tables_have_few_rows(tab):
    rows = tab.run("Number(document.getElementById('lines-table').getAttribute('aria-rowcount'))")
    assert rows > 300 and tab.count("#lines-table tbody tr") < 60
    tab.run("document.getElementById('lines-table').parentElement.scrollTop = 1e6")
    tab.settle()
    assert str(rows) in tab.run("[...document.querySelectorAll('#lines-table [aria-rowindex]')].pop().getAttribute('aria-rowindex')")


def test_source(tab):
    rows = {int(text.split("\t")[0]): text.split("\t")[1:] for text in tab.texts("#source tbody tr:not(.skip)")}
    cells = rows[page_line("copied = bytes(data)")]
    assert cells[0] == "16.0 MiB" and "copied = bytes(data)" in cells[2]
    assert to_bytes(rows[page_line("node = {")][1].strip()) >= 4 * MB
    click_node(tab, "make_cycle()")
    assert tab.run("document.querySelector('#source tr.chosen th').innerText") == str(page_line("node = {"))


def test_no_regions(tab):
    assert tab.run("document.getElementById('regions') === null")
    assert "Regions" not in tab.text("nav")


def test_regions(browser, compile_program):
    """All that the program marked, the biggest first, as the JSON report has them."""
    page = Page(traced(compile_program("regions.c", "-ldl"), "open").profile)
    tab = browser.open(page.path)
    rows = [re.split(r"\s*\t\s*", row) for row in tab.texts("#region-table tbody tr")]
    regions = sorted(page.report["processes"][0]["regions"], key=lambda one: -one["peak"]["bytes"])
    assert [one["name"] for one in regions[:2]] == ["outer", "inner"] and len(rows) == len(regions)
    for row, region in zip(rows, regions[:2]):
        assert row[0] == label(region["peak"]["bytes"]) and row[6].startswith(region["name"]), row
        native = region["exit_native"]["bytes"]
        assert row[2:4] == [label(region["all_churn_bytes"]), label(native) if native else "0 bytes"], row
        assert row[5] == "1" and "was not ended" in row[6] and "Regions" in tab.text("nav")
    assert tab.errors() == []
    tab.close()


def test_processes(tab, page):
    assert len(tab.texts("#process-table tbody tr")) == len(page.report["processes"])
    assert str(page.report["processes"][1]["pid"]) in tab.text("#process-table")


# -- What may be missing --


def open_report(browser, tmp_path, profile, *flags):
    path = tmp_path / "page.html"
    done = harness.execute([harness.holdfast_binary(), "report", profile, "-o", path, *flags])
    assert done.returncode == 0, done.stderr
    return browser.open(path)


def test_without_holders(browser, tmp_path, python):
    profile = traced(python.path, "-c", "x = bytearray(3 << 20)", flags=("-q", "--no-holders"),
                     env=python.environment()).profile
    tab = open_report(browser, tmp_path, profile)
    assert "No snapshot of the references was taken" in tab.text("#findings")
    assert tab.count("#holders") == 0 and tab.count("nav a[href='#holders']") == 0
    assert tab.count("input[name=colour]") == 0 and tab.count("#by-thread") == 0 and tab.count("#by-process") == 0
    assert tab.errors() == []
    tab.close()


def test_nothing_traced(browser, tmp_path, compile_program):
    profile = traced("/bin/true").profile
    tab = open_report(browser, tmp_path, profile)
    assert tab.text("h1") == "/bin/true" and tab.errors() == []
    tab.close()


def test_one_process_of_a_tree(browser, tmp_path, page):
    child = page.report["processes"][1]
    tab = open_report(browser, tmp_path, page.profile, "--process", str(child["pid"]))
    assert graph_total(tab) == child["peak"]["bytes"] and tab.count("#peak") == 0
    assert tab.errors() == []
    tab.close()


def test_killed(browser, tmp_path, python):
    program = "import os\nheld = bytearray(5 << 20)\nos.kill(os.getpid(), 9)"
    profile = traced(python.path, "-c", program, expect=None, env=python.environment()).profile
    tab = open_report(browser, tmp_path, profile)
    assert "killed by signal 9" in tab.text("header") and tab.errors() == []
    tab.close()


AT_PEAK = ("-q", "--ceiling", "24MiB")  # which the last block passes: a snapshot is taken right before it


def test_a_cache_without_a_bound(browser, tmp_path, python):
    program = "CACHE = {}\nfor i in range(40000): CACHE[i] = [i] * 20\nheld = bytearray(12 << 20)"
    profile = traced(python.path, "-c", program, flags=AT_PEAK, env=python.environment()).profile
    tab = open_report(browser, tmp_path, profile)
    card = tab.texts("#findings .card")[0]
    assert "CACHE has grown to 40,000 \u00d7 list" in card and "may be in use" in card and "give it a bound" in card
    assert tab.errors() == []
    tab.close()


def test_drag(browser, tmp_path, python):
    """A finding for what lay idle before the peak, and the table of what lay untouched in the whole run."""
    profile = traced(python.path, harness.PROGRAMS / "idle.py", "2.5", flags=("-q", "--drag"), env=python.environment()).profile
    tab = open_report(browser, tmp_path, profile)
    assert any("lies idle: it was not touched for" in card for card in tab.texts("#findings .card"))
    tab.click("input[name=table][value=drag] + span")
    rows = sorted((row["lag"] + row["drag"] + row["void"] for row in read_profile.Profile(profile).drags), reverse=True)
    assert column(tab, "#drag-table", 0)[0] == f"{label(rows[0])} s" and "lay untouched for" in tab.text("#tables")
    assert tab.errors() == []
    tab.close()


def test_a_full_deque_is_bounded(browser, tmp_path, python):
    program = ("import collections\nFULL, GROWN = collections.deque(maxlen=20000), collections.deque()\n"
               "for i in range(22000): FULL.append([i] * 20); GROWN.append([i] * 20)\nheld = bytearray(12 << 20)")
    profile = traced(python.path, "-c", program, flags=AT_PEAK, env=python.environment()).profile
    peak = json.loads(report_text(profile))["processes"][0]["peak"]
    [full] = [one for one in peak["holders"] if one["path"].startswith("FULL")]
    assert full["reason"] == "the deque has a bound: maxlen 20000" and full["count"] == 20000
    assert full["bytes"] > peak["bytes"] * 0.06
    tab = open_report(browser, tmp_path, profile)
    findings = tab.text("#findings")
    assert "GROWN has grown to 22,000" in findings and "FULL has grown" not in findings
    assert tab.errors() == []
    tab.close()


def test_a_module_is_no_cache(browser, tmp_path, python):
    """Many names in it, each of them written by somebody: no store that has grown."""
    program = "for i in range(40000): globals()[f'V{i}'] = [i] * 20\nheld = bytearray(12 << 20)"
    profile = traced(python.path, "-c", program, flags=AT_PEAK, env=python.environment()).profile
    peak = json.loads(report_text(profile))["processes"][0]["peak"]
    assert any(one["root"]["kind"] == "global" and re.search(r" and \d+ more$", one["path"]) and
               one["count"] >= 39000 and one["bytes"] > peak["bytes"] * 0.06 for one in peak["holders"])
    tab = open_report(browser, tmp_path, profile)
    assert "has grown to" not in tab.text("#findings")
    assert tab.errors() == []
    tab.close()


def test_findings_of_all_processes(browser, tmp_path, python):
    """What a smaller process could let go is among them, with its name."""
    program = ("import os\ndef child():\n    data = bytearray(12 << 20)\n    work()\n"
               "def work(): return len(bytes(6 << 20))\n"
               "held = bytearray(24 << 20)\nif os.fork() == 0: child(); os._exit(0)\nos.wait()")
    profile = traced(python.path, "-c", program, flags=("-q", "--ceiling", "14MiB"), env=python.environment()).profile
    pid = json.loads(report_text(profile))["processes"][1]["pid"]
    tab = open_report(browser, tmp_path, profile)
    [card] = tab.texts("#findings .card.dead")
    assert "data in child() is never read again" in card and f"[{pid}]" in card and "12.0 MiB to save" in card
    held = labels_of_holders(tab)
    assert [name for depth, name in held if depth == 1 and f"[{pid}]  " in name], "a row for each process"
    assert "2 processes are here, each as it was near its own peak" in tab.text("#holders-scope")
    assert f"[{pid}]" in next(text for text in tab.texts("#holders .holder-list li") if "data in child()" in text)
    data = json.loads((tmp_path / "page.html").read_text().split('id="data">')[1].split("</script>")[0])
    assert tab.run(f"{HELD}.tree.total[0]") == sum(max(one["bytes"], one["holding"]["bytes"] + one["pending"]) for one in data["holders"])
    tab.choose("#peak", 0)
    assert tab.count("#findings .card.dead") == 0 and tab.count("#holders-scope") == 0
    assert not [name for _, name in labels_of_holders(tab) if f"[{pid}]" in name]
    assert tab.errors() == []
    tab.close()


HOSTILE = ["</script><script>document.title='owned'</script>", "<!--<script>", "quo\"te'\\", "\u202etfel\u202c", "a\u2028b",
           "\x1b[31mred", "<img src=x onerror=document.title='owned'>", "{{data}}", "\u05d0\u05d1(x)"]

# How some of them are shown.
HOSTILE_SHOWN = ("</script><script>document.title='owned'</script>", "quo\"te'\\", "\\u202etfel\\u202c", "a\\u2028b",
                 "\\x1b[31mred", "{{data}}", "\u05d0\u05d1(x)")


def test_hostile_names(browser, tmp_path, python):
    """Names are data: nothing of them runs, moves the text around it, or vanishes."""
    program = tmp_path / "hostile <b>.py"
    program.write_text(f"""
import ctypes, types
held = []
def make(name):
    code = (lambda: held.append(bytearray(1 << 20))).__code__
    types.FunctionType(code.replace(co_name=name, co_filename=name + ".py"), globals())()
for name in {HOSTILE!r}:
    make(name)
peak = bytearray(20 << 20)
""")
    profile = traced(python.path, program, "</title><script>document.title='owned'</script>", env=python.environment()).profile
    tab = open_report(browser, tmp_path, profile)
    assert "owned" not in tab.run("document.title").split("holdfast")[-1] and tab.run("document.scripts.length") == 2
    assert tab.run("document.title") != "owned" and tab.errors() == []
    shown = labels(tab)
    for name in HOSTILE_SHOWN:
        assert any(name in text for text in shown), name
    assert tab.run("[...document.querySelectorAll('#lines-table bdi')].some(one => one.innerText.includes('</script>'))")
    tab.close()


# -- For everybody --


def complaints(tab):
    if not tab.run("typeof axe !== 'undefined'"):
        tab.run(AXE.read_text() + "; 0")
    found = tab.run("axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.map("
                    "one => one.id + ': ' + one.nodes.map(node => node.target.join(' ')).slice(0, 3).join(', ')))")
    return found


def unfold(tab, width, scheme):
    """All of the page, in a window of that width."""
    tab.size(width, 900)
    tab.scheme(scheme)
    tab.settle()
    tab.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")


def assert_accessible(tab, width):
    assert complaints(tab) == []
    assert tab.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(tab, width, scheme):
    unfold(tab, width, scheme)
    tab.drag("#time .u-over", 0.1, 0.9)
    assert_accessible(tab, width)


def test_every_control_has_the_keyboard(tab):
    """Whatever the mouse can press, Tab can reach."""
    pressed = tab.run("[...document.querySelectorAll('button, input, select, a, summary, canvas[id]')].filter("
                      "one => one.tabIndex < 0 || one.disabled).map(one => one.outerHTML.slice(0, 80))")
    assert pressed == []


def test_print(browser, page):
    tab = browser.open(page.path)
    tab.send("Emulation.setEmulatedMedia", media="print")
    assert tab.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert len(tab.send("Page.printToPDF")["data"]) > 10_000
    tab.close()


def test_colours_follow_the_scheme(tab):
    def middle():
        return tab.run("(c => [...c.getContext('2d').getImageData(c.width / 2, 33, 1, 1).data])(document.getElementById('graph'))")
    light = middle()
    tab.scheme("dark")
    tab.settle()
    dark = middle()
    assert sum(dark[:3]) < sum(light[:3]) - 100


# -- Big profiles --

NODES = 312_000  # of which about 207,000 are left, since brothers of the same name are one


def grow(data, nodes):
    """A document with a tree of so many nodes, of random shape, in place of its own."""
    import random
    random.seed(7)
    frames, depth, frame, sites = 2000, [], [], []  # the same ones in each run: others may come and go
    at, last, total = 0, 0, 0
    users = [i for i, kind in enumerate(data["frames"]["kind"]) if kind == 0][:24]
    assert len(data["frames"]["kind"]) >= frames and len(users) == 24
    while len(depth) < nodes:
        depth.append(at)
        frame.append(random.choice(users) if random.random() < 0.3 else len(depth) % frames)
        at = min(at + 1, 60) if at < 4 or random.random() < 0.55 else max(4, at - random.randint(0, 4))
    for row in range(nodes):
        if row + 1 == nodes or depth[row + 1] <= depth[row]:
            size = random.randint(1, 1000) * random.choice([1, 1, 1, 30])
            sites += [row - last, 1, size, 1]
            last, total = row, total + size
    data["trees"] = [{"process": 0, "own": False, "depth": depth, "frame": frame, "folded": [], "sites": sites}]
    data["peak"]["bytes"] = total
    return data


def test_smooth_with_many_nodes(browser, page, tmp_path, record_property):
    """What is drawn is bounded by the window, however many nodes there are; and they are drawn as often
    as the browser asks."""
    before, rest = page.path.read_text().split('id="data">')
    text, after = rest.split("</script>", 1)
    path = tmp_path / "big.html"
    big = json.dumps(grow(json.loads(text), NODES), separators=(",", ":")).replace("<", "\\u003c")
    path.write_text(f'{before}id="data">{big}</script>{after}')
    tab = browser.open(path)
    tab.click("#hide-import")
    nodes = tab.run(f"{GRAPH}.tree.count")
    assert nodes > 200_000
    tab.place("#graph")
    drawn, asked, most, least, seconds = tab.run(f"""new Promise(done => {{
        const flame = {GRAPH}, first = flame.frames, begin = performance.now();
        let asked = 0, most = 0, least = Infinity;
        function step(now) {{
            flame.zoomAbout(200 + (asked * 7) % 800, Math.floor(asked / 60) % 2 ? 1.12 : 1 / 1.12);
            most = Math.max(most, flame.drawn);
            least = Math.min(least, flame.drawn);
            if (++asked < 120) requestAnimationFrame(step);
            else done([flame.frames - first, asked, most, least, (performance.now() - begin) / 1000]);
        }}
        requestAnimationFrame(step);
    }})""")
    rows, width = tab.run(f"[Math.ceil({GRAPH}.height / 22) + 1, {GRAPH}.width]")
    print(f"{nodes} nodes: {drawn / seconds:.1f} frames a second, {least} to {most} rectangles a frame")
    record_property("frames_per_second", round(drawn / seconds, 1))
    assert drawn >= asked
    assert rows > 5  # as deep as what is zoomed into
    assert least > 20 and most <= rows * width / 1.5
    tab.close()


def test_page_of_a_run(tmp_path, python, browser):
    """The page that `run` leaves opens as it is."""
    done = harness.execute([harness.holdfast_binary(), "run", "-o", tmp_path / "a.holdfast", "--", python.path, "-c",
                            "x = bytearray(9 << 20)"], env=python.environment())
    assert done.returncode == 0
    tab = browser.open(tmp_path / "a.html")
    assert re.search(r"9\.\d+ MiB|1\d\.\d MiB", tab.text(".measures")) and tab.errors() == []
    tab.close()
