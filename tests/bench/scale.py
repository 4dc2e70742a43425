#!/usr/bin/env python3
"""How Holdfast's cost grows with what a run is made of: see scripts/bench-scale.

Each family grows one thing, events, live blocks, threads or processes, and leaves the others as they are. Each of its
points is run untraced and traced, in turn.
"""
import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import scale_page
import tools
from measure import Bench
from rows import own
from session import Session

ROOT = Path(__file__).resolve().parent.parent.parent
POINT_LIMIT_S = 3600
MILLION = 1_000_000
TURN = [tools.BY_NAME[name] for name in (tools.BASE, tools.OURS, tools.AGAIN)]


@dataclass(frozen=True)
class Family:
    name: str
    what: str     # the thing that grows
    sizes: tuple
    quick: int    # how many of the sizes are measured with --quick
    about: str

    def rows(self, quick):
        return [(size, self.row(size)) for size in self.sizes[:self.quick if quick else None]]


class Events(Family):
    def row(self, size):
        return own(f"events_{size}", self.name, size // 2 // MILLION, "short_lived")


class Blocks(Family):
    def row(self, size):
        return own(f"blocks_{size}", self.name, size // MILLION, "kept")


class AtOnce(Family):
    def row(self, size):
        return own(f"{self.name}_{size}", self.name, 4 * MILLION, f"{self.name}_at_once", arguments=(str(size),))


FAMILIES = [
    Events("events", "events", (10**7, 10**8, 10**9, 10**10), 1,
           "Objects that live for a thousand others, from 50 stacks in turn."),
    Blocks("blocks", "live blocks", (10**6, 2 * 10**6, 5 * 10**6, 10**7, 2 * 10**7), 1, "Objects that are all kept."),
    AtOnce("threads", "threads", (1, 10, 100, 1000), 2,
           "Threads of Python that are all there at once, and 4 million objects among them."),
    AtOnce("processes", "processes", (1, 10, 100, 500), 2,
           "Forked processes that are all there at once, and 4 million objects among them."),
]


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-scale", description="Measures how the cost of tracing grows "
                                     "with events, live blocks, threads and processes, and writes a page with a plot.")
    parser.add_argument("--quick", action="store_true", help="the small sizes only, to see that all of it runs")
    parser.add_argument("--report-only", action="store_true", help="write the page again from what was measured")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the page; the plot is put beside it "
                        "(docs/scale.md; .cache/bench/scale/quick.md with --quick)")
    parser.add_argument("--state", type=Path, default=ROOT / ".cache" / "bench" / "scale", metavar="FOLDER",
                        help="where measurements are kept: an interrupted run goes on there (.cache/bench/scale)")
    parser.add_argument("--holdfast", default=str(ROOT / "build-release/cli/holdfast"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.output = options.output or (options.state / "quick.md" if options.quick else ROOT / "docs" / "scale.md")
    return options


def measure(options, session):
    bench = Bench(sys.executable, options.holdfast, options.state, quick=False, limit=POINT_LIMIT_S)
    bench.build()
    for family in FAMILIES:
        for _, row in family.rows(options.quick):
            if all(session.has(row.name, tool.name, 0) for tool in TURN):
                continue
            for tool in TURN:
                record = bench.run(row, tool, with_reports=True)
                session.add(row.name, tool.name, 0, record)
                end = "" if record["end"] == "ok" else f"  {record['end']}: {record.get('said', '')}"
                print(f"{row.name:20}{tool.name:16}{record['wall']:8.2f} s{end}", flush=True)


def main():
    options = arguments()
    options.state.mkdir(parents=True, exist_ok=True)
    if options.report_only:
        session = Session.latest(options.state, options.quick)
        if not session:
            sys.exit(f"bench-scale: nothing has been measured yet in {options.state}")
    else:
        session = Session.current(options.state, sys.executable, options.holdfast, options.quick)
        measure(options, session)
    points = [scale_page.Measured(family, scale_page.points(session, family.rows(options.quick)))
              for family in FAMILIES]
    plotted = options.output.with_suffix(".svg")
    plotted.write_text(scale_page.drawn(points))
    options.output.write_text(scale_page.written(session, points, plotted.name))
    print(f"{options.output} and {plotted}")


main()
