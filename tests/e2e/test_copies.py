"""Copies of which one would do: tests/programs/copies.py knows which of its buffers are copies, and of what."""
import json

import pytest

import harness
from corpus import VENV
from harness import MB, report_text, traced

# The last block passes it: a snapshot is taken right before that.
FLAGS = ("-q", "--ceiling", "160MiB")

PARTS = ({'kept["parts"][0]': None, 'kept["parts"][1]': 1000, 'kept["parts"][2]': 3 * MB}, 12 * MB - 1000 + 3 * MB)
TWINS = ({'kept["twins"][0]': None, 'kept["twins"][1]': None}, 8 * MB)
LATE = ({'kept["late"][0]': None, 'kept["late"][1]': None}, 4 * MB)
ARRAYS = ({f'kept["arrays"][{i}]': None for i in range(3)}, 16 * MB)


def run(path, environment, *ways):
    """Until the snapshot is that at the ceiling: a collector that is kept from its work for a second misses it."""
    for _ in range(5):
        outcome = traced(path, harness.PROGRAMS / "copies.py", *ways, flags=FLAGS, env=environment)
        snapshot = outcome.report().main.fields["peak"]["snapshot"]
        if snapshot and snapshot["reason"] == "ceiling":
            break
    return outcome.profile


def told(profile):
    peak = json.loads(report_text(profile))["processes"][0]["peak"]
    assert peak["snapshot"]["complete"] and peak["copies_complete"]
    for one in peak["copies"]:
        assert one["count"] == len(one["buffers"])
        assert one["parts"] == sum(buffer["offset"] is not None for buffer in one["buffers"])
        assert all(buffer["allocated_at"][-1]["file"].endswith("copies.py") for buffer in one["buffers"])
    return [({buffer["path"].split(" in ")[0]: buffer["offset"] for buffer in one["buffers"]}, one["saves_bytes"])
            for one in peak["copies"]]


def test_copies(some_python, browser, tmp_path):
    """All that are copies, and none that differs in a byte, says nothing, is small, or is dead."""
    profile = run(some_python.path, some_python.environment())
    if not some_python.gil:
        assert json.loads(report_text(profile))["processes"][0]["peak"]["copies"] == []
        return
    assert told(profile) == [PARTS, TWINS]
    text = " ".join(report_text(profile, "text").split())
    assert '2 equal copies of 8.00 MiB: held by kept["twins"][0] in main() (copies.py:' in text
    assert "2 copies of parts of 12.0 MiB" in text and "way out: memoryview(data)[begin:end] is a view" in text
    page = tmp_path / "copies.html"
    page.write_text(report_text(profile, "html"))
    tab = browser.open(page)
    [parts, twins] = tab.texts("#findings .card.copies")
    assert "2 copies of parts of 12.0 MiB" in parts and "from byte 1,000 of the first on" in parts
    assert "8.00 MiB to save if one of them is enough" in twins and "allocated at twins(), copies.py" in twins
    tab.click("#findings .card.copies .link:last-of-type")
    assert tab.errors() == []
    tab.close()


def test_copies_of_arrays(python):
    """Views are none, nor arrays whose values differ, and what bytes were made of arrays are."""
    if harness.plain(VENV, "-c", "import numpy").status != 0:
        pytest.skip("no numpy")
    assert told(run(VENV, python.environment(), "arrays")) == [ARRAYS, PARTS, TWINS]


def test_copies_that_may_not_be_read(python):
    """A page that nobody may read costs its buffer alone: the others are told, and the heap graph is whole."""
    assert told(run(VENV, python.environment(), "guarded")) == [PARTS, TWINS, LATE]
