"""What the records of a session say: ratios of pairs, their spread, and what became of runs that failed."""
import math
import statistics
from dataclasses import dataclass

import rows
import tools


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values), len(values)) if values else None


def usable(record, field):
    return record["end"] == "ok" and record.get(field) is not None


def bases(session, row, field):
    """Round -> the program's own figure: the mean of the runs before and after the tools."""
    found = {}
    for tool in (tools.BASE, tools.AGAIN):
        for number, record in session.of(row, tool).items():
            if usable(record, field):
                found.setdefault(number, []).append(record[field])
    return {number: statistics.mean(values) for number, values in found.items()}


def ratios(session, row, tool, field):
    """Spread of a tool's figure against the program's own in the same round; None when there is none."""
    base = bases(session, row, field)
    return Spread.of([record[field] / base[number] for number, record in session.of(row, tool).items()
                      if usable(record, field) and base.get(number)])


def noise(session, row, field):
    """By how much the two untraced runs of a round differ, at the worst."""
    first, second = session.of(row, tools.BASE), session.of(row, tools.AGAIN)
    return max((abs(second[number][field] / first[number][field] - 1) for number in first.keys() & second.keys()
                if usable(first[number], field) and usable(second[number], field)), default=0.0)


def values(session, row, tool, field):
    return [record[field] for record in session.of(row, tool).values() if usable(record, field)]


def median(session, row, tool, field):
    found = values(session, row, tool, field)
    return statistics.median(found) if found else None


def program_rss(session, row, tool):
    """Of the program itself, where it is known apart from the disposable copies that are made of it."""
    own = median(session, row, tool, "rss_own")
    return median(session, row, tool, "rss") if own is None else own


def rss_field(session, row):
    return "rss_own" if values(session, row, tools.BASE, "rss_own") else "rss"


def untraced_rss(session, row):
    """Spread of all runs of the program by itself."""
    field = rss_field(session, row)
    return Spread.of([value for tool in (tools.BASE, tools.AGAIN) for value in values(session, row, tool, field)])


def added_rss(session, row, tool):
    """Spread of what a tool adds to the program's own RSS, by round."""
    field = rss_field(session, row)
    base = bases(session, row, field)
    return Spread.of([record[field] - base[number] for number, record in session.of(row, tool).items()
                      if usable(record, field) and number in base])


def once(session, row, tool, field):
    """A figure that only the first round has."""
    return next(iter(values(session, row, tool, field)), None)


def failure(session, row, tool):
    """How a tool failed on a row, None when it did not."""
    for record in session.of(row, tool).values():
        if record["end"] != "ok":
            return record["end"], record.get("said", "")
    return None


def geometric_mean(found):
    return math.exp(statistics.mean(map(math.log, found))) if found else None


def measured_rows(session):
    names = {key[0] for key in session.records}
    return [row for row in [*rows.ROWS, *rows.HIDDEN] if row.name in names]


def measured_tools(session):
    names = {key[1] for key in session.records}
    return [tool for tool in tools.TOOLS if tool.name in names]


def group_mean(session, tool, field, group=rows.PYPERFORMANCE):
    found = [ratios(session, row.name, tool, field) for row in measured_rows(session) if row.group == group]
    return geometric_mean([spread.median for spread in found if spread])
