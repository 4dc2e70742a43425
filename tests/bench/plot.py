"""Draws the ratios of the work's time as an SVG: a line for each row, a mark for each tool, a logarithmic axis."""
import math
from xml.sax.saxutils import escape

import figures
import tools

COLOURS = {"holdfast": "#0b6e4f", "holdfast-no-holders": "#6fbf9b", "memray": "#d1495b", "memray-python": "#8d2b3d",
           "fil": "#edae49", "heaptrack": "#30638e", "tracemalloc": "#7d5ba6"}
LEFT, RIGHT, TOP, LINE, MARGIN = 150, 30, 70, 22, 20
WIDTH = 900
MARKS = (1, 1.25, 2, 3, 5, 10, 20, 50, 100)
LOWEST = 0.8


class Axis:
    def __init__(self, highest):
        self.low, self.high = math.log(LOWEST), math.log(max(2.5, highest * 1.1))

    def x(self, ratio):
        share = (math.log(max(ratio, LOWEST)) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def marks(self):
        return [mark for mark in MARKS if math.log(mark) < self.high]


def text(x, y, words, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def legend(choice):
    parts, x = [], MARGIN
    for tool in choice:
        parts.append(f'<circle cx="{x:.1f}" cy="40" r="5" fill="{COLOURS[tool.name]}"/>')
        parts.append(text(x + 9, 44, tool.title))
        x += 30 + 7 * len(tool.title)
    return parts


def grid(axis, bottom):
    parts = []
    for mark in axis.marks():
        x = axis.x(mark)
        colour = "#555" if mark == 1 else "#ddd"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}" stroke="{colour}"/>')
        parts.append(text(x, bottom + 16, f"{mark:g}x", "middle"))
    return parts


def row_line(session, row, choice, axis, y):
    parts = [text(LEFT - 10, y + 4, row.name, "end")]
    for tool in choice:
        spread = figures.ratios(session, row.name, tool.name, "inner_wall")
        if not spread:
            continue
        colour = COLOURS[tool.name]
        parts.append(f'<line x1="{axis.x(spread.low):.1f}" x2="{axis.x(spread.high):.1f}" y1="{y}" y2="{y}" '
                     f'stroke="{colour}" stroke-width="2" opacity="0.5"/>')
        parts.append(f'<circle cx="{axis.x(spread.median):.1f}" cy="{y}" r="{6 if tool.name == tools.OURS else 4}" '
                     f'fill="{colour}"><title>{escape(tool.title)}: {spread.median:.2f}x</title></circle>')
    return parts


def drawn(session):
    measured = figures.measured_rows(session)
    choice = [tool for tool in figures.measured_tools(session) if tool.name in COLOURS]
    spreads = [figures.ratios(session, row.name, tool.name, "inner_wall") for row in measured for tool in choice]
    axis = Axis(max((spread.high for spread in spreads if spread), default=2))
    bottom = TOP + LINE * len(measured)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 30}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{bottom + 30}" fill="white"/>',
             text(LEFT, 20, "Time of the work against untraced (1x); median, lowest and highest",
                  extra='font-weight="bold"'),
             *legend(choice), *grid(axis, bottom)]
    for number, row in enumerate(measured):
        # Ours is drawn last, over the others.
        order = sorted(choice, key=lambda tool: tool.name == tools.OURS)
        parts += row_line(session, row, order, axis, TOP + LINE * number + LINE // 2)
    return "\n".join([*parts, "</svg>"]) + "\n"
