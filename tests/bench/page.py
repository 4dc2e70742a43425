"""Writes the page of tables (Markdown) from a session's records."""
import collections
import statistics

import figures
import targets
import tools

# Peers that take that many times the program's time are run once.
SLOW = 4

# A copy that is bigger than the program by less is as big: the kernel's figures are no more exact.
COPY_SHOWN = 1 << 20

QUIET = ": **too much for these figures to be believed**"

GUARD = """
## What cannot flake

Times depend on the machine. `tests/e2e/test_instructions.py` counts instructions instead, which do not: what
tracing adds to an allocation and to a free, on fixed programs, within 5 % of stored figures. It is part of
`scripts/test`.
"""

METHOD = """
All tools run the same work on the same interpreter, in turn, the program alone before and after them (the base is
the mean of both), in another order each round. A cell is the median of the rounds, with the lowest and the highest
in brackets. Peers that took more than SLOW times as long in the first round were run once.

- *Work alone* is the time the benchmark takes by its own clock, as published figures are; *whole process* includes
  the start and the end of the tool, and is what one waits for.
- The benchmarks of [pyperformance](https://pyperformance.readthedocs.io) run with a fixed number of loops, once,
  without pyperf's own processes (`tests/bench/fixed_pyperf.py`). `gc_collect` and `gc_traversal` time collections
  only; what they allocate is in the whole process's figures.
- Holdfast runs with everything on: all domains, all native blocks, snapshots of the references. memray sees native
  blocks only, unless told to see Python's; Fil sees both; heaptrack sees native blocks and no Python stacks;
  tracemalloc sees Python's only.
- CPU is that of all processes, a tool's collector included.
- RSS of the program is that of its biggest process. A tool that works inside the program's process is in it, and
  has none of its own. heaptrack's own is that of its interpreter, or the program's where that is bigger.
- Holdfast takes snapshots in copies of the process, which share its memory and add some of their own for a tenth
  of a second. So the program's RSS is its own there, as the kernel tells it at the end of the work; where a copy was
  bigger, that is in brackets. In `fork_pool` the biggest process counts, whether a worker or a copy.
- What Holdfast adds to the program's RSS is the median of the rounds' differences from the mean of their two untraced
  runs. Untraced runs differ by as much as it is told there from the lowest to the highest: libraries with pools of
  their own give memory back by time and by thread.
"""


def table(head, lines):
    align = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, align, *lines]) + "\n"


def size(value):
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= unit:
            return f"{value / unit:.{1 if value < 100 * unit else 0}f} {name}"
    return f"{value} B"


def short(text):
    return text.replace("|", "/").replace("\n", " ")


def spread_cell(spread):
    if spread.count == 1:
        return f"{spread.median:.2f}"
    return f"{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})"


def cells(session, row, choice, cell):
    """A row's cells; a tool that failed shows as that, and one that was not run as a dash."""
    for tool in choice:
        text = cell(row, tool)
        if text is None:
            text = "failed" if figures.failure(session, row, tool.name) else "–"
        yield text


def by_row(session, choice, cell, last=()):
    lines = [[row.name, *cells(session, row.name, choice, cell)] for row in figures.measured_rows(session)]
    return table(["row", *(tool.title for tool in choice)], [*lines, *last])


def ratio_table(session, field):
    choice = [tool for tool in figures.measured_tools(session) if tool.name != tools.BASE]

    def cell(row, tool):
        spread = figures.ratios(session, row, tool.name, field)
        return spread and spread_cell(spread)
    means = [figures.group_mean(session, tool.name, field) for tool in choice]
    last = ["**pyperformance, geometric mean**", *(f"**{mean:.2f}**" if mean else "–" for mean in means)]
    return by_row(session, choice, cell, [last] if any(means) else [])


def memory_table(session):
    def cell(row, tool):
        biggest, own = (figures.median(session, row, tool.name, field) for field in ("rss", "rss_tool"))
        if biggest is None:
            return None
        program = figures.program_rss(session, row, tool.name) if isinstance(tool, tools.Holdfast) else biggest
        copy = f" (copy: {size(int(biggest))})" if biggest - program >= COPY_SHOWN else ""
        return size(int(program)) + copy + (f" + {size(int(own))}" if own else "")
    choice = [tool for tool in figures.measured_tools(session) if tool.name != tools.AGAIN]
    return by_row(session, choice, cell)


def disk_table(session):
    def cell(row, tool):
        left = figures.once(session, row, tool.name, "disk")
        return None if left is None else size(left) if left else "none"
    return by_row(session, tracing(session), cell)


def report_table(session):
    def cell(row, tool):
        reports = figures.once(session, row, tool.name, "reports")
        if reports is None:
            return None
        shown = [f"{name} {value:.2f} s" if isinstance(value, float) else f"{name}: {short(value)}"
                 for name, value in reports.items()]
        return ", ".join(shown) or "at the end of the run"
    return by_row(session, tracing(session), cell)


def tracing(session):
    return [tool for tool in figures.measured_tools(session) if tool.name not in (tools.BASE, tools.AGAIN)]


def own_table(session):
    """Events and what became of them: figures that only Holdfast's report has."""
    head = ["row", "events", "million a second", "dropped", "peak", "live blocks at it", "snapshots",
            "stood still for them", "waited for the collector"]
    lines = []
    for row in figures.measured_rows(session):
        fields = [figures.once(session, row.name, tools.OURS, field)
                  for field in ("events", "wall", "dropped", "peak", "blocks", "snapshots", "standstill_s",
                                "waited_s")]
        if None not in fields:
            events, wall, dropped, peak, blocks, snapshots, standstill, waited = fields
            lines.append([row.name, f"{events:,}", f"{events / wall / 1e6:.2f}", dropped, size(peak), f"{blocks:,}",
                          snapshots, f"{standstill:.2f} s", f"{waited:.2f} s"])
    return table(head, lines)


def pair_table(session):
    lines = []
    for tool in figures.measured_tools(session):
        cells_ = []
        for threads in (1, 2, 4):
            added, whole = targets.pair_ns(session, threads, tool.name)
            cells_.append("–" if not whole else f"{whole.median:.1f} ({added.median:+.1f})")
        if set(cells_) != {"–"}:
            lines.append([tool.title, *cells_])
    return table(["tool", "1 thread", "2 threads", "4 threads"], lines) if lines else ""


def verdict(check):
    return "met" if check.met else "**missed**, within the noise" if check.close else "**missed**"


def target_table(session):
    """One line for each target: how many rows meet it, and by name those that do not."""
    grouped = {}
    for check in targets.checks(session):
        grouped.setdefault(check.target, []).append(check)
    lines = []
    for target, found in grouped.items():
        missed = [check for check in found if not check.met]
        if len(found) == 1:
            told = f"{found[0].row + ': ' if found[0].row else ''}{found[0].found}"
            lines.append([target, verdict(found[0]), told])
        else:
            names = "; ".join(f"{check.row} {check.found}{' (noise)' if check.close else ''}" for check in missed)
            state = "met" if not missed else f"**missed** on {len(missed)} of {len(found)}"
            lines.append([target, state, names or f"all {len(found)} rows"])
    return table(["target", "", "found"], lines).replace("---:", "---")


def row_targets(session):
    """Every target for each row."""
    found = [check for check in targets.checks(session) if check.row]
    rows = figures.measured_rows(session)
    counts = collections.Counter(check.target for check in found)
    # Those about one or two rows are in the table above.
    names = [target for target, count in counts.items() if count > 2 or count == len(rows)]
    lines = []
    for row in rows:
        mine = {check.target: check for check in found if check.row == row.name}
        if mine:
            cells_ = (f"{mine[name].found}: {verdict(mine[name])}" if name in mine else "–" for name in names)
            lines.append([row.name, *cells_])
    return table(["row", *names], lines).replace("---:", "---")


def failures(session):
    lines = []
    for row in figures.measured_rows(session):
        for tool in figures.measured_tools(session):
            failed = figures.failure(session, row.name, tool.name)
            if failed:
                said = f" (`{short(failed[1])}`)" if failed[1] else ""
                lines.append(f"- {row.name}, {tool.title}: {failed[0]}{said}")
    return "\n".join(lines or ["None."]) + "\n"


def about(session):
    told = session.about
    machine, versions = told["machine"], told["versions"]
    foreign = [record["foreign"] for record in session.records.values()]
    rounds = 1 + max(key[2] for key in session.records)
    scale = " (a tenth of the work: these figures only show that all of it runs)" if told["quick"] else ""
    names = ", ".join(f"{name} {version}" for name, version in versions.items())
    virtual = f", virtual ({machine['virtual']})" if machine["virtual"] else ""
    return (f"Measured on {told['date']}, {rounds} round{'s' * (rounds > 1)}{scale}.\n\n"
            f"- Machine: {machine['processor']}, {machine['processors']} processors{virtual}, "
            f"{size(machine['memory_bytes'])}, {machine['system']}, Linux {machine['kernel']}.\n"
            f"- Versions: {names}.\n"
            f"- Others used {100 * statistics.median(foreign):.0f} % of the processors meanwhile (median), "
            f"{100 * max(foreign):.0f} % at the worst{QUIET if statistics.median(foreign) > 0.05 else ''}.\n")


def written(session, plot):
    pairs = pair_table(session)
    parts = ["# Holdfast and its peers\n", "Made by `scripts/bench`. " + about(session),
             METHOD.replace("SLOW", str(SLOW)),
             "## Targets\n", target_table(session),
             "Where a target is missed by less than the program's own runs without a tool differ, that is said.\n",
             f"![Wall time of the work against untraced]({plot})\n",
             "## Time by the clock, work alone, against untraced\n", ratio_table(session, "inner_wall"),
             "## Time by the clock, whole process\n", ratio_table(session, "wall"),
             "## CPU time of all processes\n", ratio_table(session, "cpu"),
             *(["## Native malloc and free: ns a pair, and what the tool adds\n", pairs] if pairs else []),
             "## Peak RSS: of the program, and of the tool's own process\n", memory_table(session),
             "## Left on the disk\n", disk_table(session),
             "## Time to report\n",
             "Fil makes its report as the program ends. memray's is of the first process.\n", report_table(session),
             "## What Holdfast recorded\n", own_table(session),
             "## Each target, row by row\n", row_targets(session),
             "## Runs that failed\n", failures(session), GUARD.strip() + "\n"]
    return "\n".join(parts)
