"""Who holds an object: from it, level by level, to what keeps its holders alive in turn.

The roots where a path ends are variables of functions that run, names of modules and classes, running threads,
and exceptions that are being handled. `gc.get_referrers` knows containers; variables of running functions are in
frames (_frames.py). Containers of nothing but plain values are left out by the cycle collector, which is why
objects that it does not know either are looked for by what those refer to.

Time, width and depth have bounds, so that a big heap costs no more than it may; what they cut off is told.
"""
import collections
import gc
import itertools
import sys
import threading
import time
import types
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from . import _frames, _heap, _steps
from ._heap import Own

_WIDTH = 16  # objects that one pass over the heap looks for: it compares each reference with each of them
_LEVEL_MOST = 64  # holders of one level that are followed
_NODES_MOST = 400
_ROOTS_MOST = 12
_CHUNK = 20_000  # objects whose references are looked through at once
_HIDDEN = {tuple, dict, types.CodeType}  # what may hold plain values without the cycle collector's knowing
_HIDDEN_DEPTH = 3


class Node:
    """An object on the way: how it refers to `child`, which is nearer to the one that is asked about."""

    __slots__ = ("value", "child", "level", "root")

    def __init__(self, value: object, child: "Optional[Node]", level: int) -> None:
        self.value = value
        self.child = child
        self.level = level
        self.root = ""  # what it is as a root

    @property
    def step(self) -> str:
        """Not before the search is over: from 3.11 on, to ask an instance for its attributes makes a dict of them."""
        return "" if self.child is None else next(iter(_steps.steps(self.value, self.child.value)), "")

    def chain(self) -> "Iterator[Node]":
        node: Optional[Node] = self
        while node is not None:
            yield node
            node = node.child


class Found(NamedTuple):
    nodes: List[Node]  # the object first
    roots: List[Node]  # the nearest first
    references: int  # to the object, without those of the search
    seen: int  # how many of them it found
    cut_off: str  # why more may be there, or ""
    garbage: bool  # only the cycle collector will free it


# What ends a path

class _Roots:
    """Names for what is alive by itself, as it is at one moment."""

    def __init__(self) -> None:
        self.frames: Dict[int, int] = {}
        self.look_at_frames()
        modules = [(name, module) for name, module in list(sys.modules.items())
                   if issubclass(type(module), types.ModuleType)]
        self.modules = {id(types.ModuleType.__dict__["__dict__"].__get__(module)): name for name, module in modules}
        self.threads = {thread.ident: thread.name for thread in threading.enumerate()}
        self.exceptions = self._handled()

    def look_at_frames(self) -> Own:
        """Functions go on while we search: what ran before may be gone."""
        found = _frames.running()
        self.frames = {id(frame): thread for frame, thread in found}
        return Own(frame for frame, _ in found)

    @staticmethod
    def _handled() -> Dict[int, int]:
        """By exception, the thread that is about it: known from 3.10 on."""
        found: Dict[int, int] = {}
        for thread, raised in getattr(sys, "_current_exceptions", dict)().items():
            found[id(raised[1] if isinstance(raised, tuple) else raised)] = thread
        found.pop(id(None), None)
        return found

    def thread(self, identity: int) -> str:
        return f"thread {self.threads.get(identity) or identity}"

    def name(self, value: Any) -> str:
        """What it is, or "" for what is no root."""
        kind = type(value)
        if kind is types.FrameType and id(value) in self.frames:
            return f"{_frames.where(value)}, {self.thread(self.frames[id(value)])}"
        if kind is dict and id(value) in self.modules:
            return f"module {self.modules[id(value)]}"
        if issubclass(kind, types.ModuleType):
            return f"module {value.__name__}" if kind is types.ModuleType else ""
        if issubclass(kind, type) or kind is types.FunctionType:
            return self._of_module(value)
        if id(value) in self.exceptions:
            return f"exception that {self.thread(self.exceptions[id(value)])} is handling (sys.exc_info)"
        if issubclass(kind, threading.Thread) and value in list(threading._active.values()):  # type: ignore[attr-defined]
            return f"running thread {_steps.namespace(value)['_name']!r}"  # type: ignore[index]
        return ""

    @staticmethod
    def _of_module(value: Any) -> str:
        """A class or function that can be had by its name."""
        name, module = _steps.qualified(value)
        at: Any = sys.modules.get(module)
        for part in name.split("."):
            at = vars(at).get(part) if issubclass(type(at), (types.ModuleType, type)) else None
        return f"{module}.{name}" if at is value else ""


# The search

def hidden(wanted: Set[int], until: float) -> Tuple[List[Any], bool]:
    """The containers that the cycle collector has left out, and lead to what has one of these addresses; and
    whether all were looked through."""
    found: Dict[int, Any] = {}
    objects = _heap.holders_of_anything()
    for start in range(0, len(objects), _CHUNK):
        if time.monotonic() > until:
            return list(found.values()), False
        held = _referents(objects[start:start + _CHUNK])
        levels: List[List[Any]] = []
        while held and len(levels) < _HIDDEN_DEPTH:
            inner = itertools.compress(held, map(_HIDDEN.__contains__, map(type, held)))
            levels.append([one for one in {id(one): one for one in inner}.values()
                           if type(one) is tuple or not gc.is_tracked(one)])
            held = _referents(levels[-1])
            if not wanted.isdisjoint(map(id, held)):
                _add_way(found, wanted, levels)
    return list(found.values()), bool(objects)


def _add_way(found: Dict[int, Any], wanted: Set[int], levels: List[List[Any]]) -> None:
    """From the last of the levels outward, who leads to them."""
    for level in reversed(levels):
        hits = {id(one): one for one in level if not wanted.isdisjoint(map(id, _referents([one])))}
        found.update(hits)
        wanted = set(hits)


def _referents(objects: List[Any]) -> List[Any]:
    """Code objects do not tell of theirs."""
    constants = [one.co_consts for one in objects if type(one) is types.CodeType]
    return gc.get_referents(*objects, *constants) + constants


def _class_of(names: Any) -> Optional[type]:
    """Whose names they are: free-threaded 3.13 does not always say that a class refers to them."""
    descriptor = dict.get(names, "__dict__") if type(names) is dict else None
    return descriptor.__objclass__ if type(descriptor) is types.GetSetDescriptorType else None


def _is_own(value: Any) -> bool:
    kind = type(value)
    return kind is Own or kind is Node or (kind is types.FrameType and _frames.is_ours(value))


def _count(box: List[Any]) -> int:
    return sys.getrefcount(box[0])


class _Search:
    def __init__(self, box: List[Any], until: float) -> None:
        self.until = until
        self.roots = _Roots()
        self.top = Node(box[0], None, 0)
        self.nodes: Dict[int, Node] = {id(box[0]): self.top}
        self.found: List[Node] = []
        self.cut_off = ""
        self.ignored = {id(box)}

    def holders(self, level: Tuple[Any, ...]) -> "Own":
        """All that refer to any of them, except for what this search consists of."""
        found = _heap.referrers(level)
        wanted = set(map(id, level))
        found.extend(frame for frame in self.roots.look_at_frames() if not wanted.isdisjoint(_frames.values(frame)))
        found.extend(kind for kind in map(_class_of, level) if kind is not None)
        if not all(map(gc.is_tracked, level)):
            more, all_of_them = hidden({id(one) for one in level if not gc.is_tracked(one)}, self.until)
            found.extend(more)
            self.cut_off = self.cut_off or ("" if all_of_them else "time was up")
        ours = {id(level), *self.ignored}
        return Own({id(one): one for one in found if id(one) not in ours and not _is_own(one)}.values())

    def add(self, holder: Any, level: Dict[int, Node], depth: int) -> Optional[Node]:
        if id(holder) in self.nodes:
            return None
        held = map(id, gc.get_referents(holder)) if type(holder) not in (types.FrameType, types.CodeType) else ()
        child = next((level[one] for one in held if one in level), None)
        if child is None:
            child = next((node for node in level.values() if _steps.steps(holder, node.value)), None)
        if child is None:
            return None
        node = self.nodes[id(holder)] = Node(holder, child, depth)
        node.root = self.roots.name(holder)
        if node.root:
            self.found.append(node)
        return node

    def next_level(self, level: List[Node], depth: int) -> List[Node]:
        following: List[Node] = []
        for start in range(0, len(level), _WIDTH):
            if time.monotonic() > self.until or len(self.nodes) >= _NODES_MOST:
                self.cut_off = self.cut_off or ("time was up" if len(self.nodes) < _NODES_MOST else "there are many")
                return []
            part = {id(node.value): node for node in level[start:start + _WIDTH]}
            found = self.holders(tuple(node.value for node in part.values()))
            for holder in found[:_NODES_MOST]:
                node = self.add(holder, part, depth)
                if node is not None and not node.root:
                    following.append(node)
        if len(following) > _LEVEL_MOST:
            self.cut_off = self.cut_off or "there are many"
        return following[:_LEVEL_MOST]

    def run(self) -> None:
        level, depth = [self.top], 1
        while level and len(self.found) < _ROOTS_MOST:
            level = self.next_level(level, depth)
            depth += 1
        if level:
            self.cut_off = self.cut_off or "there are many"
        self.add_detours()

    def add_detours(self) -> None:
        """A way for each direct holder of which only others' ways were followed: it joins one of these."""
        above: Dict[int, Node] = {}  # on the way from a root: who comes before
        for root in list(self.found):
            chain = list(root.chain())
            above.update((id(held.value), holder) for holder, held in zip(chain, chain[1:]) if id(held.value) not in above)
        direct = [node for node in self.nodes.values() if node.level == 1 and id(node.value) not in above and not node.root]
        holders: Dict[int, List[Node]] = {}
        for node in self.nodes.values() if direct else ():
            for held in map(id, gc.get_referents(node.value)):
                if held in self.nodes:
                    holders.setdefault(held, []).append(node)
        for node in direct[:_ROOTS_MOST]:
            found = self._joined(node, above, holders)
            if found is not None:
                self.found.append(found)

    def _joined(self, start: Node, above: Dict[int, Node], holders: Dict[int, List[Node]]) -> Optional[Node]:
        """Outward from there until a way is met, and along that to its root."""
        reached = {id(start.value): Node(start.value, self.top, 1)}
        queue = collections.deque(reached.values())
        while queue:
            inner = queue.popleft()
            for holder in holders.get(id(inner.value), ()):
                if holder is self.top or id(holder.value) in reached:
                    continue
                node = reached[id(holder.value)] = Node(holder.value, inner, inner.level + 1)
                queue.append(node)
                while id(node.value) in above and not node.root:
                    outer = above[id(node.value)]
                    node = Node(outer.value, node, node.level + 1)
                    node.root = outer.root
                    if node.root:
                        return node
        return None

    def seen(self) -> int:
        """References to the object itself from what was found."""
        address, count = id(self.top.value), 0
        for node in self.nodes.values():
            if node.level == 1 and type(node.value) in (types.FrameType, types.CodeType):
                count += len(_steps.steps(node.value, self.top.value))
            elif node.level == 1 or node is self.top:  # which may refer to itself
                count += sum(held == address for held in map(id, gc.get_referents(node.value)))
        return count

    def is_garbage(self) -> bool:
        """Whether all references to all that was found come from there: then nothing outside keeps it."""
        if self.found or self.cut_off:
            return False
        inside: Dict[int, int] = dict.fromkeys(self.nodes, 0)
        for node in self.nodes.values():
            for held in map(id, gc.get_referents(node.value)):
                if held in inside:
                    inside[held] += 1
        extra = _of_a_node([object()])
        return all(_of_a_node([node.value]) - extra == inside[id(node.value)] + 1 + (node is self.top)
                   for node in self.nodes.values())


def _of_a_node(box: List[Any]) -> int:
    """References, of which a box and a node are two."""
    node = Node(box[0], None, 0)
    return _count([node.value])


def references(box: List[Any]) -> int:
    """To the object in the list, without the list's."""
    return _count(box) - _count([object()])


def search(box: List[Any], seconds: float) -> Found:
    """Who holds the object in the list, which has the only reference that the caller keeps."""
    found = references(box)
    one = _Search(box, time.monotonic() + seconds)
    one.run()
    return Found(list(one.nodes.values()), one.found, found, one.seen(), one.cut_off, one.is_garbage())
