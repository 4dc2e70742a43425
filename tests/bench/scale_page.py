"""Writes the page and the plot of how cost grows, from the records of scale.py."""
import math
from dataclasses import dataclass

import figures
import tools
from page import about, size, table
from plot import text

PANEL, GAP, TOP, LEFT = 190, 40, 60, 50
HEIGHT = 120
MIB = 1 << 20


@dataclass(frozen=True)
class Point:
    """A size at which a family was measured, untraced and traced."""
    size: int
    ratio: float           # of the work's time by the clock
    added_ns: float        # to the work, for each event
    events: int
    blocks: int            # live at the peak
    program: float         # bytes of peak RSS, untraced
    traced: float          # and traced
    collector: float       # bytes of peak RSS of the tool's own processes
    disk: int
    report_s: float
    waited_s: float
    dropped: int


@dataclass(frozen=True)
class Measured:
    family: object
    points: list


def point(session, number, row):
    base, ours = (figures.values(session, row.name, tools.BASE, "inner_wall"),
                  figures.values(session, row.name, tools.OURS, "inner_wall"))
    if not base or not ours or figures.once(session, row.name, tools.OURS, "events") is None:
        return None

    def our(field):
        return figures.once(session, row.name, tools.OURS, field)
    untraced = figures.bases(session, row.name, "inner_wall")[0]
    return Point(number, ours[0] / untraced, 1e9 * (ours[0] - untraced) / our("events"), our("events"),
                 our("blocks"), *(figures.program_rss(session, row.name, tool) for tool in (tools.BASE, tools.OURS)), our("rss_tool"),
                 our("disk"), our("reports")["text"], our("waited_s"), our("dropped"))


def points(session, rows):
    return [found for number, row in rows for found in [point(session, number, row)] if found]


def family_table(measured):
    head = [measured.family.what, "events", "time against untraced", "added to an event", "waited for the collector",
            "program's RSS, untraced", "traced", "collector's RSS", "profile", "text report", "dropped"]
    lines = [[f"{one.size:,}", f"{one.events:,}", f"{one.ratio:.2f}x", f"{one.added_ns:.1f} ns", f"{one.waited_s:.2f} s",
              size(int(one.program)), size(int(one.traced)), size(int(one.collector)), size(one.disk),
              f"{one.report_s:.2f} s", one.dropped] for one in measured.points]
    return table(head, lines)


def on_paper(measured):
    """What a hundred million live blocks would take, from the two largest sizes."""
    if measured.family.name != "blocks" or len(measured.points) < 2:
        return ""
    small, large = measured.points[-2:]
    a_block = (large.collector - small.collector) / (large.blocks - small.blocks)
    whole = large.collector + a_block * (1e8 - large.blocks)
    return (f"Between the two largest sizes the collector took {a_block:.1f} bytes a block. At that, 100 million live "
            f"blocks would take {size(int(whole))}: this is extrapolated, not measured.\n")


# The plot: two rows of panels, one column for each family.

def ticks(low, high):
    return [10 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


class Panel:
    """Values over sizes; both axes logarithmic."""

    def __init__(self, column, row, title, sizes, values, show):
        self.x0, self.y0 = LEFT + column * (PANEL + GAP), TOP + row * (HEIGHT + 60)
        self.title, self.pairs, self.show = title, list(zip(sizes, values)), show
        self.low, self.high = min(values) / 1.5, max(values) * 1.5
        self.first, self.last = min(sizes), max(max(sizes), min(sizes) * 10)

    def x(self, number):
        return self.x0 + PANEL * math.log(number / self.first) / math.log(self.last / self.first)

    def y(self, value):
        return self.y0 + HEIGHT * (1 - math.log(value / self.low) / math.log(self.high / self.low))

    def parts(self):
        yield text(self.x0, self.y0 - 10, self.title, extra='font-weight="bold"')
        yield f'<rect x="{self.x0}" y="{self.y0}" width="{PANEL}" height="{HEIGHT}" fill="none" stroke="#ccc"/>'
        for tick in ticks(self.first, self.last):
            if self.first <= tick <= self.last:
                yield text(self.x(tick), self.y0 + HEIGHT + 16, f"{tick:.0e}".replace("e+0", "e").replace("e+", "e")
                           if tick > 1000 else f"{tick:g}", "middle")
        line = " ".join(f"{self.x(number):.1f},{self.y(value):.1f}" for number, value in self.pairs)
        yield f'<polyline points="{line}" fill="none" stroke="#0b6e4f" stroke-width="2"/>'
        for number, value in self.pairs:
            yield f'<circle cx="{self.x(number):.1f}" cy="{self.y(value):.1f}" r="4" fill="#0b6e4f"/>'
            yield text(self.x(number), self.y(value) - 8, self.show(value), "middle", 'font-size="10"')


def drawn(families):
    width, height = LEFT + len(families) * (PANEL + GAP), TOP + 2 * (HEIGHT + 60)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="11">', f'<rect width="{width}" height="{height}" fill="white"/>',
             text(LEFT, 22, "How cost grows (logarithmic axes)", extra='font-weight="bold" font-size="13"')]
    for column, measured in enumerate(families):
        sizes = [one.size for one in measured.points]
        if not sizes:
            continue
        what = measured.family.what
        parts += Panel(column, 0, f"time against untraced, by {what}", sizes,
                       [one.ratio for one in measured.points], lambda value: f"{value:.2f}x").parts()
        parts += Panel(column, 1, "collector's RSS, MiB", sizes,
                       [max(one.collector, MIB) / MIB for one in measured.points], lambda value: f"{value:.0f}").parts()
    return "\n".join([*parts, "</svg>"]) + "\n"


def written(session, families, plot):
    parts = ["# How cost grows\n", "Made by `scripts/bench-scale`. " + about(session), f"![How cost grows]({plot})\n",
             "Each line was run untraced, traced and untraced again, once. Times are of the work alone, by the clock; "
             "all of Holdfast is on, holders included.\n"]
    for measured in families:
        family = measured.family
        parts += [f"## {family.what.capitalize()}\n", family.about + "\n", family_table(measured), on_paper(measured)]
    return "\n".join(part for part in parts if part)
