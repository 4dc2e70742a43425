"""What is told of an object that is still there: the report as text, its files, and the line on standard error."""
import gc
import os
import re
import time
from typing import TYPE_CHECKING, List, Optional

from . import _alive, _frames, _paths, _picture, _steps
from ._holders import Found, Node

if TYPE_CHECKING:
    from ._going import Expectation, Late

_HOLDERS_MOST = 8
_IMMORTAL = 1 << 29  # references, as the interpreter counts what it never frees


def culprits(found: Found) -> List[Node]:
    """Roots: places where objects get stuck, then what lives long, then variables of functions, which return."""
    def rank(root: Node) -> int:
        path = _paths.links(root)
        return 0 if _paths.stuck(path) else 2 if _frames.of(root.value) else 1
    return sorted(found.roots, key=rank)


def _counted(found: Found, whole: bool) -> str:
    if found.references >= _IMMORTAL:
        return "It is one of the objects that the interpreter keeps for ever."
    missing = found.references - found.seen
    if missing <= 0:
        return f"References to it: {found.references}, all from what {'is shown' if whole else 'was found'}."
    return (f"References to it: {found.references}; {missing} of them from where nothing can be seen: C code, a value "
            "that a running function has at hand, or what was not looked at.")


def _cycle(found: Found) -> str:
    """The way around, for an object that a cycle keeps."""
    target = found.nodes[0]
    held = set(map(id, gc.get_referents(target.value)))
    nodes = found.nodes if id(target.value) in held else found.nodes[1:]
    back = next((node for node in nodes if id(node.value) in held), None)
    return f": {_paths.text(_paths.links(Node(target.value, back, 0)))} is this object again" if back is not None else ""


def _holders(found: Found, roots: List[Node]) -> List[str]:
    if found.garbage:
        return [f"Nothing that runs leads to it: it waits for the cycle collector{_cycle(found)}."]
    lines = ["Held by, the likely culprit first:"] * bool(roots)
    for root in roots[:_HOLDERS_MOST]:
        path = _paths.links(root)
        lines.append(f"  {_paths.text(path)}")
        lines += [f"      {_paths.stuck(path)}"] * bool(_paths.stuck(path))
    lines += _more(roots)
    direct = _paths.without_a_way(found)
    if direct:
        lines.append("Referred to by, without a way from anything that runs that was found:")
    for node in direct[:_HOLDERS_MOST]:
        path = _paths.links(node)
        lines.append(f"  {_paths.text(path)}")
        lines += [f"      {_paths.stuck(path)}"] * bool(_paths.stuck(path))
    lines += _more(direct)
    if not roots and not direct:
        lines.append("Nothing that refers to it was found.")
    return lines


def _more(nodes: List[Node]) -> List[str]:
    return [f"  and {len(nodes) - _HOLDERS_MOST} more"] * (len(nodes) > _HOLDERS_MOST)


def text(one: "Expectation", here: _alive.Here, age: float, found: Found, roots: List[Node]) -> str:
    shown = "It is" if here.certain else "What seems to be it is"
    whole = not _more(roots) and not _more(_paths.without_a_way(found))
    lines = [f"{name_of(one)} should have gone away within {one.due - one.begun:.3g} s of {one.place}.",
             f"{shown} still there after {age:.3g} s: {here.how}.", "", *_holders(found, roots), "", _counted(found, whole)]
    if found.cut_off:
        lines.append(f"Not all was looked at: {found.cut_off}.")
    return "\n".join(lines) + "\n"


def name_of(one: "Expectation") -> str:
    return one.label if one.label == one.type else f"{one.label} ({one.type})"


def _files(folder: Optional[str], name: str, contents: "dict[str, str]") -> List[str]:
    written = []
    for ending, content in contents.items() if folder else ():
        path = os.path.join(folder or "", f"{name}.{ending}")
        try:
            with open(path, "w", encoding="utf-8", errors="replace") as file:
                file.write(content)
            written.append(path)
        except OSError:
            pass
    return written


def write(one: "Expectation", here: _alive.Here, found: Found, folder: Optional[str], number: int) -> "Late":
    from ._going import Late
    age, roots = time.monotonic() - one.begun, culprits(found)
    report = text(one, here, age, found, roots)
    title = f"{name_of(one)}, still there after {age:.3g} s"
    graph = _picture.graph(found, roots, _steps.cut(one.label))
    name = re.sub(r"[^\w.-]+", "-", one.label)[:40]
    files = _files(folder, f"holdfast-{os.getpid()}-{number}-{name}",
                   {"txt": report, "dot": _picture.dot(graph, title), "svg": _picture.svg(graph, title)})
    holders = [_steps.printable(_paths.text(_paths.links(node))) for node in roots or _paths.without_a_way(found)]
    if found.garbage:
        holders = ["a cycle that waits for the cycle collector"]
    return Late(one.label, one.type, here.certain, age, holders, report, files)


def line(one: "Expectation", late: "Late") -> str:
    seems = "" if late.certain else "what seems to be "
    others = f", and {len(late.holders) - 1} more" if len(late.holders) > 1 else ""
    held = f"held by {late.holders[0]}{others}" if late.holders else "what holds it was not found"
    where = f"; see {late.files[-1]}" if late.files else ""
    return f"{seems}{name_of(one)} is still there {late.age:.3g} s after {one.place}: {held}{where}"
