"""Compares Holdfast with its peers: see scripts/bench, which sets up what this needs."""
import argparse
import sys
import time
from pathlib import Path

import page
import plot
import rows
import tools
from measure import Bench
from session import Session

ROOT = Path(__file__).resolve().parent.parent.parent


def chosen(text, by_name, what):
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in by_name:
            sys.exit(f"bench: no {what} '{name}'; there are: {', '.join(by_name)}")
    return [one for name, one in by_name.items() if name in names]


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures Holdfast and its peers on the same work, in turn, and writes a "
        "page of tables with a plot beside it.")
    parser.add_argument("--rows", metavar="NAME,...", help="only these (all)")
    parser.add_argument("--tools", metavar="NAME,...", help="only these, and the program untraced (all)")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each is run (3; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that all of it runs")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the page; the plot is put beside it "
                        "(docs/benchmarks.md; .cache/bench/quick.md with --quick)")
    parser.add_argument("--state", type=Path, default=ROOT / ".cache" / "bench", metavar="FOLDER",
                        help="where measurements are kept: an interrupted run goes on there (.cache/bench)")
    parser.add_argument("--report-only", action="store_true", help="write the page again from the last ones")
    parser.add_argument("--fresh", action="store_true", help="measure everything anew")
    parser.add_argument("--holdfast", default=str(ROOT / "build-release/cli/holdfast"), help=argparse.SUPPRESS)
    parser.add_argument("--needs", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.rows = chosen(options.rows, rows.BY_NAME, "row") if options.rows else rows.ROWS
    every = options.tools or ",".join(tools.BY_NAME)
    options.tools = chosen(f"{tools.BASE},{tools.AGAIN},{every}", tools.BY_NAME, "tool")
    usual = options.state / "quick.md" if options.quick else ROOT / "docs" / "benchmarks.md"
    options.output = options.output or usual
    return options


def needs(options):
    """What scripts/bench has to install first."""
    if options.report_only:
        return set()
    found = {tool.needs for tool in options.tools if tool.needs}
    if any(row.packages for row in options.rows):
        found.add("venv")
    return found


def too_slow(session, row, tool, round_number):
    """Peers that take many times as long are run in the first round only."""
    first, base = (session.of(row.name, name).get(0) for name in (tool.name, tools.BASE))
    return round_number > 0 and not isinstance(tool, tools.Holdfast) and first and base and (
        first["wall"] > page.SLOW * base["wall"])


def in_turn(session, choice, row, round_number):
    """A round's order: each tool in another place, between the two runs of the program alone."""
    inner = [tool for tool in choice if tool.name not in (tools.BASE, tools.AGAIN)
             and not too_slow(session, row, tool, round_number)]
    shift = round_number % len(inner) if inner else 0
    return [tools.BY_NAME[tools.BASE], *inner[shift:], *inner[:shift], tools.BY_NAME[tools.AGAIN]]


def measure(options, session):
    bench = Bench(sys.executable, options.holdfast, options.state, options.quick)
    bench.build()
    began = time.monotonic()
    for round_number in range(options.rounds):
        for row in options.rows:
            turn = in_turn(session, options.tools, row, round_number)
            # A pair is made of neighbours: a row that was interrupted is begun again.
            if all(session.has(row.name, tool.name, round_number) for tool in turn):
                continue
            for tool in turn:
                record = bench.run(row, tool, with_reports=round_number == 0)
                session.add(row.name, tool.name, round_number, record)
                end = "" if record["end"] == "ok" else f"  {record['end']}: {record.get('said', '')}"
                print(f"{time.monotonic() - began:6.0f} s  round {round_number + 1}  {row.name:18}{tool.name:22}"
                      f"{record['wall']:8.2f} s{end}", flush=True)


def write(options, session):
    plotted = options.output.with_suffix(".svg")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    plotted.write_text(plot.drawn(session))
    options.output.write_text(page.written(session, plotted.name))
    print(f"{options.output} and {plotted}")


def main():
    options = arguments()
    if options.needs:
        print(*sorted(needs(options)))
        return
    options.state.mkdir(parents=True, exist_ok=True)
    if options.report_only:
        session = Session.latest(options.state, options.quick)
        if not session:
            sys.exit(f"bench: nothing has been measured yet in {options.state}")
    else:
        session = Session.current(options.state, sys.executable, options.holdfast, options.quick)
        if options.fresh:
            session = session.anew()
        measure(options, session)
    write(options, session)


main()
