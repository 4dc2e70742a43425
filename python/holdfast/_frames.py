"""Which variables of a frame hold an object, without leaving a trace in the frame.

Before 3.13 `frame.f_locals` copies the variables into a dict that stays with the frame and keeps them alive. So
there, the frame's slots are compared where they lie, as pointers that nothing follows. From 3.13 on `f_locals`
is a view, and reading it leaves nothing.
"""
import _thread
import ctypes
import gc
import itertools
import os
import sys
import types
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

_IS_VIEW = sys.version_info >= (3, 13)
_GENERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_OPTIMIZED = 0x1  # of a code object's flags: its variables are in slots
# Before 3.11 the slots are the frame object's own, and end it; then the interpreter's frame is behind a pointer.
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_SLOTS = types.FrameType.__basicsize__ - _POINTER
_INNER = 24
_INNER_SLOTS = 72
_TRIES = 3
_CELL = type((lambda one: lambda: one)(0).__closure__[0])  # type: ignore[index]
_UNBOUND = object()
_BYTES: Dict[int, Any] = {}  # ctypes' types, by length
_NOTHING: List[str] = []  # stays so: one that is made and dropped at each line takes the place of the program's
_MOST_NAMES = 4000
_MOST_DEEP = 2000  # frames of one thread: of a recursion, the innermost
Running = Tuple[types.FrameType, int]  # and its thread's identity


def stack(frame: Optional[types.FrameType]) -> Iterator[types.FrameType]:
    """That and those below it."""
    for _ in range(_MOST_DEEP):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def is_ours(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


# As it was when this was compiled, which need not be where it is now.
PACKAGE = (os.path.dirname(is_ours.__code__.co_filename) or os.path.dirname(os.path.abspath(__file__))) + os.sep


def running() -> List[Running]:
    """Of all threads, innermost first, without this package's. In free-threaded builds other threads run on
    meanwhile, and are not looked at."""
    me = _thread.get_ident()
    # None of our own frames may stay in what they refer to: that cycle would keep all that is looked at.
    tops = sys._current_frames() if has_gil() else {}
    tops.pop(me, None)
    found = [(frame, thread) for thread, top in tops.items() for frame in stack(top)]
    outer = sys._getframe(1)
    while outer is not None and is_ours(outer):
        outer = outer.f_back  # type: ignore[assignment]
    return found + [(frame, me) for frame in stack(outer)]


def has_gil() -> bool:
    enabled: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
    return enabled


def of(value: Any) -> Optional[types.FrameType]:
    """The frame that it is, or that it has, as a generator that has not ended."""
    for name in ("gi_frame", "cr_frame", "ag_frame"):
        frame = getattr(value, name, None) if type(value) in _GENERATORS else None
        if frame is not None:
            return frame  # type: ignore[no-any-return]
    return value if type(value) is types.FrameType else None


def names(code: types.CodeType) -> List[str]:
    """In the order of the slots."""
    cells = [name for name in code.co_cellvars if sys.version_info < (3, 11) or name not in code.co_varnames]
    return [*code.co_varnames, *cells, *code.co_freevars]


def _count(code: types.CodeType) -> int:
    """Of the slots."""
    cells = code.co_cellvars
    count = code.co_nlocals + len(cells) + len(code.co_freevars)
    return count - sum(name in code.co_varnames for name in cells) if cells and sys.version_info >= (3, 11) else count


def _may_hold(frame: types.FrameType, address: int) -> bool:
    """Of this thread's, before 3.13: the address stands somewhere in the slots."""
    size = _count(frame.f_code) * _POINTER
    bytes_type = _BYTES.get(size)
    if bytes_type is None:
        bytes_type = _BYTES[size] = ctypes.c_char * size
    start = id(frame) + _SLOTS if sys.version_info < (3, 11) else _inner(frame) + _INNER_SLOTS
    return address.to_bytes(_POINTER, sys.byteorder) in bytes_type.from_address(start).raw


def _slots(frame: types.FrameType, mine: bool) -> Sequence[Optional[int]]:
    """The pointers in them, which nothing may follow: the function may have gone on since."""
    count = _count(frame.f_code)
    if sys.version_info < (3, 11):
        return (ctypes.c_void_p * count).from_address(id(frame) + _SLOTS)  # type: ignore[return-value]
    if mine:
        return (ctypes.c_void_p * count).from_address(_inner(frame) + _INNER_SLOTS)  # type: ignore[return-value]
    # When the function ends, its slots move into the frame object, and where they were may be memory no more.
    for _ in range(_TRIES):
        inner = _inner(frame)
        found = _read(inner + _INNER_SLOTS, count)
        if inner == _inner(frame):
            return found
    return ()


def _inner(frame: types.FrameType) -> int:
    return ctypes.c_void_p.from_address(id(frame) + _INNER).value or 0


def _read(address: int, count: int) -> Sequence[int]:
    """Of our own memory, where there may be none."""
    try:
        memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        found = os.pread(memory, count * _POINTER, address)
    except OSError:
        return ()
    finally:
        os.close(memory)
    return memoryview(found).cast("N").tolist()


def _view(frame: types.FrameType, value: object) -> List[str]:
    found = _NOTHING
    view, code = frame.f_locals, frame.f_code
    for name in code.co_varnames + code.co_cellvars + code.co_freevars:
        try:
            if view[name] is value and name not in found:
                found = [*found, name]
        except (KeyError, ValueError):  # not bound
            pass
    return found


def holding(frame: types.FrameType, value: object, mine: bool = False) -> List[str]:
    """The names of the variables that refer to the object, or (before 3.13) are the cell that is given. `mine`: the
    frame is of this thread, and cannot end meanwhile."""
    if not frame.f_code.co_flags & _OPTIMIZED:
        return _NOTHING
    if _IS_VIEW:
        return _view(frame, value)
    address = id(value)
    if mine and not _may_hold(frame, address):
        return _NOTHING
    return [name for name, pointer in zip(names(frame.f_code), _slots(frame, mine)) if pointer == address]


def namespace(frame: types.FrameType, value: object) -> bool:
    """Whether that is the dict of names that a class's body or a module runs in."""
    if frame.f_code.co_flags & _OPTIMIZED:
        return frame.f_globals is value
    return frame.f_globals is value or frame.f_locals is value


def values(frame: types.FrameType) -> Dict[int, str]:
    """What the variables refer to, by address."""
    if not frame.f_code.co_flags & _OPTIMIZED:
        return {}
    if not _IS_VIEW:
        return {pointer: name for name, pointer in zip(names(frame.f_code), _slots(frame, False)) if pointer}
    found: Dict[int, str] = {}
    view = frame.f_locals
    for name in names(frame.f_code):
        try:
            found.setdefault(id(view[name]), name)
        except (KeyError, ValueError):
            pass
    return found


def variables(frame: types.FrameType) -> Iterator[Tuple[str, object]]:
    """What the variables of a frame of this thread refer to, by name; of a module or a class, some thousands."""
    if not frame.f_code.co_flags & _OPTIMIZED:
        yield from list(itertools.islice(frame.f_locals.items(), _MOST_NAMES))
        return
    known = names(frame.f_code)
    view = frame.f_locals if _IS_VIEW else {}
    slots = () if _IS_VIEW else _slots(frame, True)
    for name, pointer in itertools.zip_longest(known, slots):
        # Nothing is caught here: it might be what a signal's handler raises.
        if _IS_VIEW and view.get(name, _UNBOUND) is not _UNBOUND:
            yield name, view[name]
        elif pointer:
            value = ctypes.cast(pointer, ctypes.py_object).value
            yield from ((name, one) for one in (gc.get_referents(value) if type(value) is _CELL else [value]))


def get(frame: types.FrameType, address: int, name: str) -> List[object]:
    """The object with that address, if the variable refers to it still. None on 3.11, which has no way to get it
    that leaves no copy behind."""
    try:
        if _IS_VIEW:
            found = [frame.f_locals[name]]
        elif sys.version_info >= (3, 12):
            api = ctypes.pythonapi.PyFrame_GetVar
            api.restype = ctypes.py_object
            found = [api(ctypes.py_object(frame), ctypes.py_object(name))]
        else:
            found = gc.get_referents(frame)
    except (KeyError, NameError, ValueError):  # not bound any more
        return []
    return [one for one in found if id(one) == address]


def where(frame: types.FrameType) -> str:
    """`process_data() (article.py:8)`"""
    code = frame.f_code
    name = "module" if code.co_name == "<module>" else f"{code.co_name}()"
    return f"{name} ({short(code.co_filename)}:{frame.f_lineno or code.co_firstlineno})"


def short(path: str) -> str:
    return path.rpartition("/")[2] or path
