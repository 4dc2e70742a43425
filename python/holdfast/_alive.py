"""Whether an object is still there, and the same, without a reference that would keep it alive.

Most can have a weak reference, which tells their death exactly. For the others (lists, tuples, dicts, many C types)
an address proves nothing: the interpreter makes the next list where the last one was, from a list of free ones. But
the cycle collector keeps its objects in the order in which they came. Until a collection, the young ones are in
one list, new ones at its end: an object that comes before the mark we made after it has been there ever since. After
a collection all that survived is older; what is young at the address then is another. So looking at the
young before each collection, and once more in the end, shows a death and rebirth at the same address.

A dict of plain values is not among the collector's objects before 3.14, but has a version that no other has had.

What has neither (numbers, strings, tuples of nothing but those) can only be looked for by address, type and value:
then it is another one, or the same, and that is said. Under `holdfast run` the tracer's library tells of most of these
whether their memory was freed (_blocks.py).
"""
import contextlib
import ctypes
import gc
import itertools
import sys
import time
import weakref
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import _blocks, _frames, _heap, _holders

_PLAIN = (int, float, complex, bool, str, bytes)
_LONG = 1 << 16  # characters, beyond which two ends do for the whole
_FIRST = 8  # items of a container
_VERSION = 24  # where a dict has its own, up to 3.13: a number that only rises, the same for all
_FULL = 2  # the collection after which dicts of plain values are no longer the cycle collector's

BY_WEAKREF = "a weak reference to it is alive"
BY_ORDER = "its place among the cycle collector's objects shows that it has not been replaced"
BY_VERSION = "it is a dict whose version has not changed"
BY_BLOCK = "its memory has not been freed since"
BY_VALUE = "not sure to be the same: one of the same type and value is at its address"


class Here(NamedTuple):
    box: List[Any]  # the object
    how: str  # of the above

    @property
    def certain(self) -> bool:
        return self.how != BY_VALUE


class Mark:
    """An object that can't be weakly referenced. The mark itself comes right after it among the young."""

    __slots__ = ("address", "kind", "value", "version", "number", "begun", "full", "state", "block")

    def __init__(self, thing: object) -> None:
        self.address = id(thing)
        self.kind = id(type(thing))
        self.value = fingerprint(thing)
        self.version = version(thing)
        self.number = next(_numbers)
        self.begun, self.full = _book.begun, _book.full
        self.state = _FOLLOWED if gc.is_tracked(thing) and _frames.has_gil() else _UNSURE
        # A tuple of plain values is put out of the collector's sight by the first collection.
        self.block = _blocks.follow(thing) if self.state == _UNSURE or type(thing) is tuple else None
        if self.state == _FOLLOWED:
            _book.follow(self)
        else:
            _book.replace(self)


_FOLLOWED, _UNSURE, _GONE = "followed", "unsure", "gone"
_numbers = itertools.count()


def fingerprint(value: Any) -> Any:
    """Of the interpreter's own plain types what they are, of the others as much as their type's size. It holds
    nothing of the object's: a short string's beginning is that string."""
    kind = type(value)
    if kind in (tuple, list, dict):
        return tuple(id(one) for one in itertools.islice(value, _FIRST))
    if kind in (str, bytes) and len(value) > _LONG:
        return len(value), hash(value[:_LONG // 2]), hash(value[-_LONG // 2:])
    if kind in _PLAIN or (kind.__module__ == "datetime" and getattr(value, "tzinfo", None) is None):
        return hash(value)
    return kind.__basicsize__


def version(value: Any) -> int:
    """Of a dict: what no other has, and none after a change. 0: there is none."""
    if type(value) is not dict or sys.version_info >= (3, 14) or not _frames.has_gil():
        return 0
    return ctypes.c_uint64.from_address(id(value) + _VERSION).value


class _Book:
    """The marks that are followed through the collections, while there are any."""

    def __init__(self) -> None:
        self.marks: Dict[int, List[Mark]] = {}  # by address
        self.places: Dict[int, Mark] = {}  # of those that cannot be followed
        # Collections since we look. Destructors and other threads run in the middle of one, too.
        self.begun = self.ended = 0
        self.full = 0  # of the ended ones
        self.total = 0  # of all, as the interpreter counts them: to see whether one was missed

    def follow(self, mark: Mark) -> None:
        """Without a lock, since this may be in a destructor, anywhere: what that loses, is_followed() tells."""
        self.marks.setdefault(mark.address, []).append(mark)
        if self.look not in gc.callbacks:
            self.total = _collections()
            gc.callbacks.append(self.look)
            if gc.callbacks.count(self.look) > 1:
                self.unhook()

    def is_followed(self, mark: Mark) -> bool:
        return mark.state == _FOLLOWED and mark in self.marks.get(mark.address, ())

    def replace(self, mark: Mark) -> None:
        """Of two in one place at most the later one is there; if they are the same, that one will do."""
        before = self.places.get(mark.address)
        if before is not None:
            before.state = _GONE
        self.places[mark.address] = mark

    def forget(self, mark: Mark) -> None:
        """Another thread may be about the same one: each step may find that done."""
        _blocks.forget(mark.block)
        if self.places.get(mark.address) is mark:
            self.places.pop(mark.address, None)
        marks = self.marks.get(mark.address, [])
        with contextlib.suppress(ValueError):
            marks.remove(mark)
            if not marks:
                self.marks.pop(mark.address, None)
        if not self.marks:
            self.unhook()

    def unhook(self) -> None:
        with contextlib.suppress(ValueError):
            gc.callbacks.remove(self.look)

    def look(self, phase: str, info: Dict[str, int]) -> None:
        """As one of gc.callbacks."""
        if phase == "start":
            self.check()
            self.begun += 1
        else:
            self.ended = self.begun
            self.total += 1
            self.full += info["generation"] == _FULL
        self.verify()

    def verify(self) -> None:
        """Were we called for each?"""
        if not 0 <= _collections() - self.total <= self.begun - self.ended:
            self.missed()

    def missed(self) -> None:
        self.total = _collections()
        for mark in list(itertools.chain(*list(self.marks.values()))):
            mark.state = _GONE if mark.state == _GONE else _UNSURE

    def check(self) -> None:
        """What is young at a followed address?"""
        # Before the look: what ends meanwhile does not count, and what is marked meanwhile is not judged.
        ended, newest = self.ended, next(_numbers)
        if not _heap.any_young(self.marks.keys()):
            return
        places = _heap.young_places()
        for address in [one for one in list(self.marks) if one in places]:
            for mark in list(self.marks.get(address, ())):
                if mark.state == _FOLLOWED and mark.number < newest:
                    mark.state = self._state(mark, places, ended)

    def _state(self, mark: Mark, places: Dict[int, int], ended: int) -> str:
        new = ended <= mark.begun  # none has begun since, and ended
        if new and places[mark.address] < places.get(id(mark), 0):
            return _FOLLOWED
        # Between two births a dict may have been no object of the collector's for a while.
        return _UNSURE if mark.kind == id(dict) and mark.full != self.full else _GONE


def _collections() -> int:
    return sum(one["collections"] for one in gc.get_stats())


_book = _Book()
follow, forget = Mark, _book.forget


# At the end

def find(marks: List[Mark], seconds: float) -> Dict[int, Here]:
    """Those that are still there, by the index in the list."""
    until = time.monotonic() + seconds
    found = _by_blocks(marks)
    wanted = {mark.address for index, mark in enumerate(marks) if mark.state != _GONE and index not in found}
    there = {id(one): one for one in _heap.tracked(wanted)}
    missing = wanted - there.keys()
    if missing:
        there.update((id(one), one) for one in _referred(missing, until))
    if _book.marks:  # last, when all that was found is held: iterators of our own look have come and gone in such places
        _book.check()
        _book.verify()
    for index, mark in enumerate(marks):
        thing = there.get(mark.address)
        if index not in found and mark.state != _GONE and thing is not None and id(type(thing)) == mark.kind:
            how = _known(mark, thing)
            if how:
                found[index] = Here([thing], how)
    return found


def _by_blocks(marks: List[Mark]) -> Dict[int, Here]:
    """What the tracer's library tells."""
    found: Dict[int, Here] = {}
    for index, mark in enumerate(marks):
        box = _blocks.get(mark.block, mark.address) if mark.block is not None else None
        if box:
            found[index] = Here(box, BY_BLOCK)
        elif box is not None:
            mark.state = _GONE
    return found


def can_tell(mark: Mark) -> bool:
    """Whether what was not found is gone: not in free-threaded builds, and in a huge heap not for plain values, nor for
    what a collection may have put out of the collector's sight."""
    sure = mark.state == _GONE or (mark.state == _FOLLOWED and mark.kind not in (id(tuple), id(dict)))
    return _frames.has_gil() and (sure or _heap.count() <= _heap.MOST_REFERRED)


def _known(mark: Mark, thing: object) -> str:
    if _book.is_followed(mark) and gc.is_tracked(thing):
        return BY_ORDER
    if mark.version and mark.version == version(thing):
        return BY_VERSION
    return BY_VALUE if fingerprint(thing) == mark.value else ""


def _referred(wanted: "set[int]", until: float) -> List[Any]:
    """Objects that others refer to, or variables of running functions."""
    found: List[Any] = []
    for frame, _ in _frames.running():
        for address, name in _frames.values(frame).items():
            if address in wanted:
                found += _frames.get(frame, address, name)
    found += _heap.referred(wanted)
    # And what only containers hold that the cycle collector leaves out.
    missing = wanted.difference(map(id, found))
    if missing and time.monotonic() < until:
        found += [one for one in gc.get_referents(*_holders.hidden(missing, until)[0]) if id(one) in missing]
    return found


class Reference(weakref.ref):  # type: ignore[type-arg]
    """Of an object that can have one; `owner` is told of its death."""

    __slots__ = ("owner",)
    owner: Any

    def here(self) -> Optional[Here]:
        thing = self()
        return None if thing is None else Here([thing], BY_WEAKREF)
