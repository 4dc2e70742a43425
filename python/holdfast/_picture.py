"""Who holds an object, as a graph: in DOT for other tools, in SVG to look at.

From the left, where a path begins (a module, a running function), to the object on the right. Each column is one step
away from it, so that no arrow goes backwards but those of a cycle.
"""
import html
from typing import Dict, List, NamedTuple, Tuple

from . import _frames, _paths, _steps
from ._holders import Found, Node

_NODES_MOST = 36
_ROOTS_MOST = 8
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN, _TOP = 210, 40, 130, 22, 24, 56
_LABEL_MOST = 26
_STEP_MOST = 19
_FILL = {"object": "#d6e6fb", "culprit": "#f9d3c6", "root": "#eceff3", "": "#ffffff"}
_LINE = {"object": "#1d5fa8", "culprit": "#b3401b", "root": "#5c6672", "": "#8a939e"}


class Box(NamedTuple):
    label: str
    below: str  # a second line
    whole: str  # all of it, for who points at it
    role: str  # one of _FILL
    column: int  # steps from the object


class Arrow(NamedTuple):
    holder: int  # addresses, as the boxes have them
    held: int
    step: str
    culprit: bool


class Graph(NamedTuple):
    boxes: Dict[int, Box]
    arrows: List[Arrow]


def graph(found: Found, roots: List[Node], label: str) -> Graph:
    """The paths from the roots, then what else refers to the object, as far as a picture can be read."""
    boxes: Dict[int, Box] = {}
    arrows: Dict[Tuple[int, int], Arrow] = {}
    target = found.nodes[0]
    boxes[id(target.value)] = Box(label, _steps.label(target.value), label, "object", 0)
    for number, root in enumerate(roots[:_ROOTS_MOST] + _paths.without_a_way(found)):
        path = _paths.links(root)
        if len(boxes) + len(path) > _NODES_MOST:
            break
        for column, link, following in zip(range(len(path) - 1, 0, -1), path, path[1:]):
            culprit = number == 0 and link is path[0]
            boxes.setdefault(id(link.node.value), _box(link.node, column, culprit))
            ends = id(link.node.value), id(following.node.value)
            arrows.setdefault(ends, Arrow(*ends, _step(link), number == 0))
    if found.garbage:
        _close(found, boxes, arrows)
    return Graph(boxes, sorted(arrows.values(), key=lambda arrow: arrow.culprit))  # which is drawn on top


def _close(found: Found, boxes: Dict[int, Box], arrows: Dict[Tuple[int, int], Arrow]) -> None:
    """The object's own references within the picture, which make the cycle."""
    target = found.nodes[0].value
    for node in found.nodes[1:]:
        steps = _steps.steps(target, node.value) if id(node.value) in boxes else []
        if steps:
            arrows[id(target), id(node.value)] = Arrow(id(target), id(node.value), _steps.cut(steps[0], _STEP_MOST), False)


def _step(link: _paths.Link) -> str:
    text = _steps.printable(_paths.said(link))
    text = text[4:] if text[:4] == " -> " else text
    if link.node.root[:7] == "module " and text[:2] == "['":
        text = text[2:-2]
    return _steps.cut(text, _STEP_MOST)


def _box(node: Node, column: int, culprit: bool) -> Box:
    frame = _frames.of(node.value)
    name, below = _steps.label(node.value), ""
    if frame is not None:
        below = f"{_frames.short(frame.f_code.co_filename)}:{frame.f_lineno}"
    elif node.root:
        name, _, rest = node.root.partition(" (")
        name = "sys.exc_info of a thread" if rest == "sys.exc_info)" else name  # whose name would be cut off
        below = "" if name[:7] == "module " else _steps.label(node.value)
    name, below = _steps.printable(name), _steps.printable(below)
    whole = _steps.printable(node.root) or name
    below = "" if below == name else below
    return Box(_steps.cut(name, _LABEL_MOST), _steps.cut(below, _LABEL_MOST), whole,
               "culprit" if culprit else "root" if node.root else "", column)


# DOT

def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def dot(one: Graph, title: str) -> str:
    names = {address: f"n{number}" for number, address in enumerate(one.boxes)}
    lines = ["digraph holders {", f"  label={_quoted(title)}; labelloc=t; rankdir=LR;",
             '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11];',
             '  edge [fontname="sans-serif", fontsize=10];']
    for address, box in one.boxes.items():
        text = f"{_quoted(box.label)[:-1]}\\n{_quoted(box.below)[1:]}" if box.below else _quoted(box.label)
        lines.append(f"  {names[address]} [label={text}, tooltip={_quoted(box.whole)}, fillcolor={_quoted(_FILL[box.role])}, "
                     f"color={_quoted(_LINE[box.role])}];")
    for arrow in one.arrows:
        strong = f', color="{_LINE["culprit"]}", penwidth=2' if arrow.culprit else ""
        lines.append(f"  {names[arrow.holder]} -> {names[arrow.held]} [label={_quoted(arrow.step)}{strong}];")
    return "\n".join([*lines, "}"]) + "\n"


# SVG

class _Place(NamedTuple):
    x: int
    y: int


def _places(boxes: Dict[int, Box]) -> Tuple[Dict[int, _Place], int, int]:
    columns: Dict[int, List[int]] = {}
    for address, box in boxes.items():
        columns.setdefault(box.column, []).append(address)
    highest = max(map(len, columns.values()))
    most = max(columns)
    height = highest * (_HEIGHT + _GAP_Y) - _GAP_Y
    places = {}
    for column, addresses in columns.items():
        used = len(addresses) * (_HEIGHT + _GAP_Y) - _GAP_Y
        for row, address in enumerate(addresses):
            places[address] = _Place(_MARGIN + (most - column) * (_WIDTH + _GAP_X),
                                     _TOP + (height - used) // 2 + row * (_HEIGHT + _GAP_Y))
    return places, 2 * _MARGIN + most * (_WIDTH + _GAP_X) + _WIDTH, _TOP + height + _MARGIN


def _drawn_box(box: Box, at: _Place) -> str:
    middle, first = at.x + _WIDTH // 2, at.y + (17 if box.below else 25)
    below = f'<text x="{middle}" y="{at.y + 32}" class="below">{html.escape(box.below)}</text>' if box.below else ""
    width = 2.5 if box.role in ("object", "culprit") else 1
    return (f'<g><title>{html.escape(box.whole)}</title><rect x="{at.x}" y="{at.y}" width="{_WIDTH}" height="{_HEIGHT}" '
            f'rx="6" fill="{_FILL[box.role]}" stroke="{_LINE[box.role]}" stroke-width="{width}"/>'
            f'<text x="{middle}" y="{first}">{html.escape(box.label)}</text>{below}</g>')


def _drawn_arrow(arrow: Arrow, start: _Place, end: _Place) -> str:
    colour, width = (_LINE["culprit"], 2) if arrow.culprit else ("#6b7480", 1.2)
    x1, y1, x2, y2 = start.x + _WIDTH, start.y + _HEIGHT // 2, end.x, end.y + _HEIGHT // 2
    if x2 > x1:
        bend = (x2 - x1) // 2
        curve, text_x, text_y = f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}", (x1 + x2) // 2, (y1 + y2) // 2 - 5
        if x2 - x1 > _GAP_X:  # past other columns: the text stays beside its holder
            text_x, text_y = x1 + _GAP_X // 2, y1 + (y2 - y1) // 8 - 5
    else:  # backwards, below the boxes
        x1, y1, x2, y2 = start.x + _WIDTH // 2, start.y + _HEIGHT, end.x + _WIDTH // 2, end.y + _HEIGHT
        low = max(y1, y2) + 14
        curve, text_x, text_y = f"M{x1},{y1} C{x1},{low} {x2},{low} {x2},{y2}", (x1 + x2) // 2, low - 6
    marker = "culprit" if arrow.culprit else "plain"
    return (f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="{width}" marker-end="url(#{marker})"/>'
            f'<text x="{text_x}" y="{text_y}" class="step">{html.escape(arrow.step)}</text>')


def _head(name: str, colour: str) -> str:
    return (f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>')


_STYLE = ("text{font:12px ui-monospace,Menlo,Consolas,monospace;text-anchor:middle;fill:#16202b}"
          ".title{font:600 15px system-ui,sans-serif;text-anchor:start}.below{font-size:10.5px;fill:#4a5561}"
          ".step{font-size:10.5px;fill:#333d47;paint-order:stroke;stroke:#fff;stroke-width:4px}")


def svg(one: Graph, title: str) -> str:
    places, width, height = _places(one.boxes)
    width = max(width, 2 * _MARGIN + 8 * len(title))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
             f'role="img"><title>{html.escape(title)}</title><style>{_STYLE}</style><defs>'
             f'{_head("culprit", _LINE["culprit"])}{_head("plain", "#6b7480")}</defs>'
             f'<rect width="100%" height="100%" fill="#fff"/>',
             f'<text x="{_MARGIN}" y="30" class="title">{html.escape(title)}</text>']
    parts += [_drawn_arrow(arrow, places[arrow.holder], places[arrow.held]) for arrow in one.arrows]
    parts += [_drawn_box(box, places[address]) for address, box in one.boxes.items()]
    return "\n".join([*parts, "</svg>"]) + "\n"
