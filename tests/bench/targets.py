"""What Holdfast is to reach, and whether it does: every target of the comparison, for each row it is about.

Comparisons of time are about the work alone, by the clock, as published figures are: a tool's start-up is in the
whole process's figures, where ours is small and others' is not.
"""
from dataclasses import dataclass

import figures
import rows
import tools

MB = 1_000_000
MIB = 1 << 20
MEAN, WORST, CALLS, NUMPY = 1.25, 2.0, 1.02, 1.02
PAIR_NS, SCALING = 25.0, 1.05
PROFILE, REPORT_S = 2 * MB, 1.0
WORK = "inner_wall"


@dataclass(frozen=True)
class Check:
    target: str
    row: str       # "" when it is about all of them
    found: str
    met: bool
    close: bool = False  # off by less than what the untraced runs differ by


def at_most(target, row, value, limit, show, noise=0.0):
    if value is None:
        return []
    return [Check(target, row, show(value), value <= limit, value > limit and value <= limit + noise)]


def ratio(value):
    return f"{value:.3f}x"


def over_all(session, measured):
    found = []
    spreads = {row.name: figures.ratios(session, row.name, tools.OURS, WORK) for row in measured
               if row.group == rows.PYPERFORMANCE}
    spreads = {name: spread for name, spread in spreads.items() if spread}
    for field, what in ((WORK, "work alone"), ("wall", "whole process")):
        mean = figures.group_mean(session, tools.OURS, field)
        found += at_most(f"pyperformance, geometric mean at most {MEAN}x, {what}", "", mean, MEAN, ratio)
    if spreads:
        worst = max(spreads, key=lambda name: spreads[name].median)
        found += at_most(f"pyperformance, worst at most {WORST:g}x", "", spreads[worst].median, WORST,
                         lambda value: f"{value:.3f}x ({worst})")
    return found


def against_memray(session, row):
    ours = figures.ratios(session, row, tools.OURS, WORK)
    noise = figures.noise(session, row, WORK)
    found = []
    for tool, target, share in (("memray", "below memray", 1), ("memray-python",
                                "below a third of the overhead of memray with Python allocators", 1 / 3)):
        theirs = figures.ratios(session, row, tool, WORK)
        if ours and theirs:
            limit = 1 + (theirs.median - 1) * share
            found.append(Check(target, row, f"{ours.median:.3f}x, limit {limit:.3f}x", ours.median < limit,
                               limit <= ours.median < limit + noise))
    return found


def of_group(session, row):
    ours = figures.ratios(session, row.name, tools.OURS, WORK)
    limit = {"calls": CALLS, "numpy": NUMPY}.get(row.group)
    if not ours or not limit:
        return []
    return at_most(f"{row.group} at most {limit}x", row.name, ours.median, limit, ratio,
                   figures.noise(session, row.name, WORK))


def program_rss(session, row):
    """Pools of memory keep more in one run than in the next: what the untraced runs differ by is told with it."""
    plain, added = figures.untraced_rss(session, row), figures.added_rss(session, row, tools.OURS)
    if not plain or not added:
        return []
    differ = plain.high - plain.low
    told = f" ({added.low / MIB:+.1f} to {added.high / MIB:+.1f})" if added.count > 1 else ""
    noise = f", untraced runs differ by {differ / MIB:.1f}" if plain.count > 1 else ""
    return at_most("program's RSS up by at most 16 MiB + 2 %", row, added.median, 16 * MIB + plain.median / 50,
                   lambda value: f"{value / MIB:+.1f} MiB{told}{noise}", differ)


def sizes(session, row):
    ours = tools.OURS
    found = at_most("profile at most 2 MB", row, figures.once(session, row, ours, "disk"), PROFILE,
                    lambda value: f"{value / MB:.2f} MB")
    reports = figures.once(session, row, ours, "reports") or {}
    numbers = [value for value in reports.values() if isinstance(value, float)]
    if reports:
        slowest = f"{max(numbers):.2f} s" if numbers else "failed"
        found += [Check("reports under 1 s", row, slowest,
                        len(numbers) == len(reports) and max(numbers) < REPORT_S)]
    found += program_rss(session, row)
    blocks, collector = figures.once(session, row, ours, "blocks"), figures.median(session, row, ours, "rss_tool")
    if blocks is not None:
        found += at_most("collector's RSS at most 32 MiB + 24 bytes a live block", row, collector,
                         32 * MIB + 24 * blocks, lambda value: f"{value / MIB:.1f} MiB, {blocks:,} blocks")
    return found


def pair_ns(session, threads, tool, field=WORK):
    """What a tool adds to a pair of malloc and free, and a pair's whole time, in nanoseconds."""
    row = rows.BY_NAME[f"native_{threads}"]
    pairs = row.loops_for(session.about["quick"])
    base, found = figures.bases(session, row.name, field), session.of(row.name, tool)
    whole = [record[field] / pairs * 1e9 for record in found.values() if figures.usable(record, field)]
    added = [record[field] / pairs * 1e9 - base[number] / pairs * 1e9 for number, record in found.items()
             if figures.usable(record, field) and number in base]
    return figures.Spread.of(added), figures.Spread.of(whole)


def native(session):
    added, _ = pair_ns(session, 1, tools.OURS)
    two, four = (pair_ns(session, threads, tools.OURS)[1] for threads in (2, 4))
    found = at_most(f"malloc and free: at most {PAIR_NS:g} ns a pair", "native_1", added and added.median, PAIR_NS,
                    lambda value: f"{value:.1f} ns added")
    if two and four:
        found += at_most("malloc and free: 4 threads no worse than 2", "native_4", four.median / two.median, SCALING,
                         lambda value: f"{value:.2f} times the time")
    return found


def checks(session):
    measured = figures.measured_rows(session)
    found = over_all(session, measured) + native(session)
    for row in measured:
        found += of_group(session, row) + against_memray(session, row.name) + sizes(session, row.name)
    return found
