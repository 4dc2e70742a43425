"""A path of references as one reads it: `app.CACHE['users'][3].rows`, `data in load() (load.py:8)`."""
import threading
import types
from typing import Any, Dict, List, NamedTuple, Tuple

from . import _frames, _steps
from ._holders import Found, Node

_GENERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_FARTHEST = 8  # links of a way that begins nowhere
_UNTOLD = " -> (cannot be told how)"


def without_a_way(found: Found) -> List[Node]:
    """Where the way through each direct holder begins that is on no path from a root."""
    on_paths = {id(node.value) for root in found.roots for node in root.chain()}
    first: Dict[int, Node] = {}
    for node in found.nodes[1:]:  # the nearest come first
        chain = list(node.chain())
        if id(chain[-2].value) not in on_paths and node.level <= _FARTHEST:
            first[id(chain[-2].value)] = node
    return list(first.values())


class Link(NamedTuple):
    node: Node
    step: str  # to the next one; "" for the object itself


def links(root: Node) -> List[Link]:
    """From the root to the object, without what lies between only for the interpreter's sake."""
    found = [Link(node, node.step) for node in root.chain()]
    at = 0
    while at < len(found):
        taken, step = _merged(found, at)
        if taken > 1:
            found[at:at + taken] = [Link(found[at].node, step)]
        else:
            at += 1
    return found


def _merged(found: List[Link], at: int) -> Tuple[int, str]:
    """How many links are one, and the step of that."""
    value: Any = found[at].node.value
    steps = [link.step for link in found[at:at + 3]]
    if len(steps) < 2 or not steps[1]:
        return 1, ""
    if steps[0] == ".__dict__" and steps[1][:2] == "['":
        return 2, "." + steps[1][2:-2]
    if steps[0] == ".__closure__" and steps[2:] == [".cell_contents"]:
        return 3, f" -> closure variable {value.__code__.co_freevars[int(steps[1][1:-1])]}"
    if steps[1] == ".cell_contents" and type(value) is types.FrameType:
        return 2, steps[0]
    if steps[0] in (".__traceback__", ".tb_next") and steps[1] in (".tb_next", ".tb_frame"):
        return 2, steps[0] if steps[1] == ".tb_next" else " -> traceback"
    if steps[0] == ".frame" and type(value) in _GENERATORS:
        return 2, steps[1]
    if steps[0] in ("._args", "._kwargs") and issubclass(type(value), threading.Thread):
        word = steps[1][1:-1]
        return 2, f" -> argument {int(word) + 1 if word.isdigit() else word}"
    return 1, ""


def said(link: Link) -> str:
    """A step, as the holder's type has it."""
    following = type(link.node.child.value) if link.node.child is not None else None
    value: Any = link.node.value
    kind = type(value).__name__
    if kind == "_lru_cache_wrapper" and not link.step:
        return " -> its cache" if following is dict else " -> a cached result"
    if kind in ("Future", "Task", "_GatheringFuture") and link.step in ("._result", "._exception"):
        return f" -> its {link.step[2:]}"
    return link.step or _UNTOLD


def text(path: List[Link]) -> str:
    found = ""
    for link in path[:-1]:
        frame, step = _frames.of(link.node.value), said(link)
        if frame is not None and step[:4] == " -> ":
            waits = "" if type(link.node.value) is types.FrameType else ", suspended"
            found += f"{' -> ' if found else ''}{step[4:]} in {_frames.where(frame)}{waits}"
        elif found:
            found += step
        else:
            found = _first(link, step)
    return found


def _first(link: Link, step: str) -> str:
    root = link.node.root
    if root[:7] == "module " and (step[:2] == "['" or type(link.node.value) is types.ModuleType):
        return f"{root[7:]}.{step[2:-2] if step[:2] == chr(91) + chr(39) else step[1:]}"
    return (root or _steps.label(link.node.value)) + step


# The places where objects stay without anybody's noticing

def stuck(path: List[Link]) -> str:
    """What keeps it and how to be rid of that, where the path goes through such a place; or ""."""
    steps = [said(link) for link in path]
    kinds = [type(link.node.value) for link in path]
    first = _first(path[0], steps[0]) if len(path) > 1 else ""
    if first in ("sys.last_traceback", "sys.last_value", "sys.last_exc"):
        return f"{first} is the last error that nobody caught, kept for a debugger; its frames keep their variables"
    if issubclass(kinds[0], BaseException) and not path[0].node.root:
        return "a thread that handles this exception keeps it (sys.exc_info), or C code; its frames keep their variables"
    if "(sys.exc_info)" in path[0].node.root:
        return "a thread is handling an exception (sys.exc_info) until its except clause ends; its frames keep their variables"
    for kind, step in zip(kinds, steps):
        found = _of_holder(kind, step)
        if found:
            return found
    return ""


def _of_holder(kind: type, step: str) -> str:
    names = {base.__name__ for base in kind.__mro__}
    if "Thread" in names and step[:13] == " -> argument ":
        return "a thread's arguments stay with it until its function has returned (threading.Thread._args)"
    if names & {"Future", "Task"} and step == " -> its exception":
        return "a finished future keeps its exception, whose frames keep their variables"
    if names & {"Future", "Task"} and step == " -> its result":
        return "a finished future keeps its result as long as anybody keeps the future"
    if "LogRecord" in names:
        return "a log record keeps its arguments and exception; something keeps the record"
    if "_lru_cache_wrapper" in names:
        return "functools.lru_cache keeps results: cache_clear(), or a smaller maxsize"
    if step == " -> traceback":
        return "an exception that is kept keeps its traceback, whose frames keep their variables"
    if step[:20] == " -> closure variable":
        return "a closure keeps the variables of the function around it"
    if kind in _GENERATORS:
        return "a generator or coroutine that has not ended keeps its variables"
    return ""
