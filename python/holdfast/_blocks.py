"""Whether the memory of an object has been freed: the tracer's library knows that exactly (preload/followed.c).

So under `holdfast run` there is no doubt about objects of types that give their memory back as they die. The interpreter
keeps that of some for the next one (floats, short tuples, from 3.14 on small numbers). Which, it shows itself: one of the
kind is made and dropped.
"""
import ctypes
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from . import _frames, _steps

_SMALL = 60  # bits
_LONG = 64  # items of a tuple: longer ones are never kept
_HAS_HEADER = 1 << 14  # of a type's flags: what the cycle collector needs is before the object
_HEADER = 2 * ctypes.sizeof(ctypes.c_void_p)
_NUMBER = 12345678
Kind = Tuple[type, int]  # and what else decides on how its memory is dealt with
# Makes an object of the kind.
_LIKE: Dict[type, Callable[[int], Any]] = {
    int: lambda big: _NUMBER << (200 if big else 1),
    str: lambda _: "".join(("like", chr(_NUMBER % 1000))),
    bytes: lambda _: _NUMBER.to_bytes(10, "big"),
    complex: lambda _: complex(_NUMBER, 1.5),
    tuple: lambda length: tuple([None] * length),
    range: lambda _: range(_NUMBER),
    object: lambda _: object(),
}
_OF_MODULES = {("datetime", "date"): (2000, 1, 2), ("datetime", "datetime"): (2000, 1, 2), ("datetime", "time"): (1, 2),
               ("datetime", "timedelta"): (1, 2, 3), ("decimal", "Decimal"): (_NUMBER,)}


class _Library:
    def __init__(self) -> None:
        program = ctypes.PyDLL(None)  # holding the GIL
        self.follow = program.holdfast_block_follow
        self.follow.argtypes, self.follow.restype = [ctypes.c_void_p], ctypes.c_uint64
        self.forget = program.holdfast_block_forget
        self.forget.argtypes, self.forget.restype = [ctypes.c_uint64], None
        self.take = program.holdfast_block_take
        self.take.argtypes, self.take.restype = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p], ctypes.c_int
        self.keep = ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p)
        self.release = ctypes.PyDLL(None).Py_DecRef
        self.release.argtypes, self.release.restype = [ctypes.c_void_p], None


def _find() -> Optional[_Library]:
    try:
        return _Library() if _frames.has_gil() else None
    except (AttributeError, OSError):  # not traced, or by an older tracer
        return None


_library = _find()
_shows: Dict[Kind, bool] = {}
_GONE, _THERE = 0, 1  # what `take` tells; else it is not known


class Followed(NamedTuple):
    number: int  # to ask with
    kind: Kind


def _kind(thing: Any) -> Kind:
    """Those of which one stands for all."""
    kind = type(thing)
    return kind, min(len(thing), _LONG) if kind is tuple else thing.bit_length() > _SMALL if kind is int else 0


def _like(which: Kind) -> Any:
    kind, rest = which
    if kind in _LIKE:
        return _LIKE[kind](rest)
    name = kind.__module__, kind.__name__
    return kind(*_OF_MODULES[name]) if name in _OF_MODULES and _steps.loaded(*name) is kind else None


def _begin(library: _Library, thing: object) -> int:
    number: int = library.follow(id(thing) - (_HEADER if type(thing).__flags__ & _HAS_HEADER else 0))
    return number


def _try(library: _Library, kind: Kind) -> Optional[bool]:
    """Does the end of such an object show? None: the library has no place to follow it."""
    other = _like(kind)
    if other is None:
        return False
    number = _begin(library, other)
    del other
    shown = library.take(number, None, None) == _GONE
    library.forget(number)
    return shown if number else None


def follow(thing: object) -> Optional[Followed]:
    """None: its end would not show."""
    library = _library
    if library is None:
        return None
    kind = _kind(thing)
    if kind not in _shows:
        # Twice: a collection in another thread empties the lists of free objects, and then one's end shows.
        shown = [_try(library, kind), _try(library, kind)]
        if None in shown:
            return None
        _shows[kind] = all(shown)
    number = _begin(library, thing) if _shows[kind] else 0
    return Followed(number, kind) if number else None


def get(followed: Followed, address: int) -> Optional[List[Any]]:
    """The object in a list; an empty one if it has been freed since. None: that is not known, as when the program has put
    back another allocator."""
    library = _library
    if library is None:
        return None
    told = _THERE
    if _try(library, followed.kind):  # before the object is touched
        told = library.take(followed.number, address, library.keep)
        if told == _THERE:
            found = [ctypes.cast(address, ctypes.py_object).value]
            library.release(address)
            return found
    return [] if told == _GONE else None


def forget(followed: Optional[Followed]) -> None:
    """More than once does no harm."""
    if followed is not None and _library is not None:
        _library.forget(followed.number)
