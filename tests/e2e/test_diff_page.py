"""The page of a diff in a real browser: what it says against the JSON diff, its controls, and names that are markup."""
import json

import pytest

from harness import MB, execute, holdfast_binary, traced
from interpreters import main_one
from test_page import GRAPH, HOSTILE, HOSTILE_SHOWN, assert_accessible, label, labels, unfold

PROGRAM = """
import sys, time
CACHE = {}
def load(size):
    return bytearray(size)
def fill(count):
    for number in range(count):
        CACHE[number] = bytes(1000)
def shrink(size):
    return bytearray(size)
def main(loaded, filled, shrunk):
    big = load(loaded)
    less = shrink(shrunk)
    fill(filled)
    top = load(32 << 20)
    return len(big) + len(less) + len(top)
time.sleep(0.3)
main(*map(int, sys.argv[1:]))
"""


def signed(size):
    return ("+" if size > 0 else "\u2212" if size < 0 else "") + label(abs(size))


def write_diff(folder, before, after, *options):
    page = folder / "diff.html"
    done = execute([holdfast_binary(), "diff", *options, "-o", page, before, after])
    assert done.returncode == 0 and done.stderr == b""
    return page


class Diff:
    def __init__(self, folder, before, after):
        self.before, self.after = before, after
        self.page = write_diff(folder, before, after)
        self.fields = json.loads(execute([holdfast_binary(), "diff", "-f", "json", before, after]).stdout)


@pytest.fixture(scope="module")
def difference(tmp_path_factory):
    python, folder = main_one(), tmp_path_factory.mktemp("diff-page")
    program = folder / "job.py"
    program.write_text(PROGRAM)
    # The ceiling is passed at the last step, so that there is a snapshot right before the peak on any machine.
    sizes = {"before": (16 << 20, 0, 24 << 20), "after": (32 << 20, 8000, 12 << 20)}
    profiles = [traced(python.path, program, *some, flags=("-q", "--ceiling", sum(some) + 16 * MB), env=python.environment()).profile
                for some in sizes.values()]
    return Diff(folder, *profiles)


@pytest.fixture
def tab(browser, difference):
    tab = browser.open(difference.page)
    tab.size(1280, 900)
    tab.scheme("light")
    yield tab
    assert tab.errors() == []
    tab.close()


def test_head(tab, difference):
    text, peak = tab.text("header"), difference.fields["peak"]
    assert f"The peak is {label(peak['difference'])} higher" in text
    assert label(peak["before"]) in text and label(peak["after"]) in text and "job.py" in text
    for kind, name in (("python", "Python objects"), ("heap", "heap")):
        assert name in tab.text("#kinds-table") and label(difference.fields["kinds"][kind]["after"]) in tab.text("#kinds-table")


def shares(tab):
    """{label: [growth, shrinkage]} of the graph's nodes, of which the first is the whole."""
    return {name: both for name, *both in tab.run(
        f"(f => [...Array(f.tree.count).keys()].map(i => [f.painter.label(i), f.tree.verdicts[0][i], f.tree.verdicts[1][i]]))({GRAPH})")}


def test_graph(tab, difference):
    changes = [change["difference"] for change in difference.fields["sites"]["changes"]]
    grown, shrunk = sum(size for size in changes if size > 0), -sum(size for size in changes if size < 0)
    nodes = shares(tab)
    assert list(nodes.values())[0] == [grown, shrunk] and grown - shrunk == difference.fields["peak"]["difference"]
    fill, = [both for name, both in nodes.items() if name.startswith("fill()")]
    assert fill[0] >= 8_000_000 and fill[1] == 0
    shrink, = [both for name, both in nodes.items() if name.startswith("shrink()")]
    assert shrink == [0, 12 << 20]
    tab.click("input[name=shown][value=growth] + span")
    assert list(shares(tab).values())[0] == [grown, 0] and not any(name.startswith("shrink()") for name in labels(tab))
    tab.click("input[name=shown][value=shrinkage] + span")
    assert list(shares(tab).values())[0] == [0, shrunk]
    tab.click("input[name=shown][value=both] + span")
    tab.click("input[name=order][value=inverted] + span")
    assert list(shares(tab).values())[0] == [grown, shrunk]
    tab.type("#search", "fill")
    assert label(fill[0]) in tab.text("#matches")


def test_lists(tab, difference):
    fields = difference.fields
    assert tab.run("document.querySelector('#changes-table').ariaRowCount") == str(len(fields["places"]["changes"]) + 1)
    first = fields["places"]["changes"][0]
    assert signed(first["difference"]) in tab.text("#changes-table tbody tr")
    tab.click("input[name=table][value=stacks] + span")
    assert tab.run("document.querySelector('#changes-table').ariaRowCount") == str(len(fields["sites"]["changes"]) + 1)
    tab.type("#filter", "shrink")
    assert f"1 change, {signed(-12 << 20)}" in tab.text("#filtered")
    assert f"{fields['sites']['unchanged']:,} stacks have not changed" in tab.text("#tables .rest")


def test_holders(tab, difference):
    changes = difference.fields["holders"]["changes"]
    new = [change for change in changes if change["state"] == "new"]
    assert any(change["path"].startswith("CACHE") for change in new)
    assert f"{len(new)} new holder" in tab.text("#holders")
    tab.click("input[name=holder-state][value=new] + span")
    shown = tab.text("#holders-table tbody")
    assert "CACHE" in shown and "less" not in shown


def test_what_is_left_out_is_counted(browser, difference, tmp_path):
    tab = browser.open(write_diff(tmp_path, difference.before, difference.after, "--limit", "2"))
    listed = difference.fields["sites"]["changes"]
    rest = listed[2:]
    assert list(shares(tab).values())[0] == [sum(max(0, change["difference"]) for change in listed[:2]),
                                             sum(max(0, -change["difference"]) for change in listed[:2])]
    assert f"{len(rest)} smaller change" in tab.text("#stacks .rest")
    tab.close()


def test_nothing_changed(browser, difference, tmp_path):
    tab = browser.open(write_diff(tmp_path, difference.before, difference.before))
    assert "The peak is the same" in tab.text("header") and "No stack holds more or less" in tab.text("#stacks")
    assert tab.errors() == []
    tab.close()


def test_hostile_names(browser, tmp_path, python):
    program = tmp_path / "hostile <b>.py"
    program.write_text(f"""
import sys, types
held = []
def make(name):
    code = (lambda: held.append(bytearray(int(sys.argv[1])))).__code__
    types.FunctionType(code.replace(co_name=name, co_filename=name + ".py"), globals())()
for name in {HOSTILE!r}:
    make(name)
""")
    runs = [traced(python.path, program, size, env=python.environment()).profile for size in (1 << 20, 2 << 20)]
    tab = browser.open(write_diff(tmp_path, *runs))
    assert "owned" not in tab.run("document.title") and tab.run("document.scripts.length") == 2 and tab.errors() == []
    shown = labels(tab)
    for name in HOSTILE_SHOWN:
        assert any(name in text for text in shown), name
    tab.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(tab, width, scheme):
    unfold(tab, width, scheme)
    assert_accessible(tab, width)
