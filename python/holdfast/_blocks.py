"""Whether the memory of an object has been freed: the tracer's library knows that exactly (preload/followed.c).

So under `holdfast run` there is no doubt about objects of types that give their memory back as they die. The interpreter
keeps that of some for the next one (floats, short tuples, from 3.14 on small numbers). Which, it shows itself: one of the
kind is made and dropped.
"""
import ctypes
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _frames, _steps

_SMALL = 60  # bits
_LONG = 64  # items of a tuple: longer ones are never kept
_HAS_HEADER = 1 << 14  # of a type's flags: what the cycle collector needs is before the object
_HEADER = 2 * ctypes.sizeof(ctypes.c_void_p)
_NUMBER = 12345678
# Makes another object whose memory is dealt with as that one's is.
_LIKE: Dict[type, Callable[[Any], Any]] = {
    int: lambda one: _NUMBER << (1 if one.bit_length() <= _SMALL else 200),
    str: lambda one: "".join(("like", chr(_NUMBER % 1000))),
    bytes: lambda one: _NUMBER.to_bytes(10, "big"),
    complex: lambda one: complex(_NUMBER, 1.5),
    tuple: lambda one: tuple([None] * min(len(one), _LONG)),
    range: lambda one: range(_NUMBER),
    object: lambda one: object(),
}
_OF_MODULES = {("datetime", "date"): (2000, 1, 2), ("datetime", "datetime"): (2000, 1, 2), ("datetime", "time"): (1, 2),
               ("datetime", "timedelta"): (1, 2, 3), ("decimal", "Decimal"): (_NUMBER,)}


class _Library:
    def __init__(self) -> None:
        program = ctypes.PyDLL(None)  # holding the GIL
        self.follow = program.holdfast_block_follow
        self.follow.argtypes, self.follow.restype = [ctypes.c_void_p], ctypes.c_uint
        self.forget = program.holdfast_block_forget
        self.forget.argtypes, self.forget.restype = [ctypes.c_uint], None
        self.object = program.holdfast_block_object
        self.object.argtypes = [ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p]
        self.object.restype = ctypes.c_void_p  # before 3.13 a py_object must not be NULL
        self.keep = ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p)
        self.release = ctypes.PyDLL(None).Py_DecRef
        self.release.argtypes, self.release.restype = [ctypes.c_void_p], None


def _find() -> Optional[_Library]:
    try:
        return _Library() if _frames.has_gil() else None
    except (AttributeError, OSError):  # not traced, or by an older tracer
        return None


_library = _find()
_shows: Dict[Tuple[type, int], bool] = {}


def _kind(thing: Any) -> Tuple[type, int]:
    """Those of which one stands for all."""
    kind = type(thing)
    return kind, min(len(thing), _LONG) if kind is tuple else thing.bit_length() > _SMALL if kind is int else 0


def _like(thing: Any) -> Any:
    kind = type(thing)
    if kind in _LIKE:
        return _LIKE[kind](thing)
    name = kind.__module__, kind.__name__
    return kind(*_OF_MODULES[name]) if name in _OF_MODULES and _steps.loaded(*name) is kind else None


def _begin(library: _Library, thing: object) -> int:
    number: int = library.follow(id(thing) - (_HEADER if type(thing).__flags__ & _HAS_HEADER else 0))
    return number


def _try(library: _Library, thing: object) -> bool:
    """Does the end of such an object show?"""
    other = _like(thing)
    if other is None:
        return False
    number, address = _begin(library, other), id(other)
    del other
    shown = bool(number) and not library.object(number, address, None)
    forget(number)
    return shown


def follow(thing: object) -> int:
    """A number to ask with; 0: its end would not show."""
    library = _library
    if library is None:
        return 0
    kind = _kind(thing)
    if kind not in _shows:
        _shows[kind] = _try(library, thing)
    return _begin(library, thing) if _shows[kind] else 0


def still_shows(thing: object) -> bool:
    """The program may have put back another allocator."""
    return _library is not None and _try(_library, thing)


def get(number: int, address: int) -> List[Any]:
    """The object in a list; none if it has been freed since."""
    if _library is None or not _library.object(number, address, _library.keep):
        return []
    found = [ctypes.cast(address, ctypes.py_object).value]
    _library.release(address)
    return found


def forget(number: int) -> None:
    if number and _library is not None:
        _library.forget(number)
