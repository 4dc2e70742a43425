"""Regions: stretches of a program's run that have a peak, growth and stacks of their own in the reports."""
import ctypes
import functools
import types
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple, TypeVar

from . import _tasks

_ALL_THREADS = 1
_LEFT_OUT = -2
_IS_COROUTINE = 0x80  # of a code object's flags: inspect is slow to import
_UNTRACED = "this process is not traced: start the program with `holdfast run -- python ...`"
_TOO_MANY = "the region was left out: it was more than eight deep, or the process had too many regions"
_NAME_MOST = 240  # bytes, as in preload/thread.h
_Function = TypeVar("_Function", bound=Callable[..., Any])


class NotTraced(RuntimeError):
    """What was asked for takes a process that `holdfast run` has started, or a region that was followed."""

    def __init__(self, why: str = _UNTRACED) -> None:
        super().__init__(why)
        self.left_out = why == _TOO_MANY  # the others have figures all the same


def as_told(name: str, most: int = _NAME_MOST) -> str:
    """A region's name as the reports have it."""
    return name.encode("utf-8", "replace").partition(b"\0")[0][:most].decode("utf-8", "ignore")


class Names:
    """Of regions that are looked up: those of one name are one in the reports, of which the highest is told."""

    def __init__(self) -> None:
        self._used: Set[str] = set()

    def new(self, name: str) -> str:
        """That, or what tells this time from those before."""
        found, number = as_told(name), 1
        while found in self._used:
            number += 1
            suffix = f" ({number})"
            found = as_told(name, _NAME_MOST - len(suffix)) + suffix
        self._used.add(found)
        return found


class Figures(NamedTuple):
    """Bytes. `peak` and `kept` are of what the region allocated itself: the most that was live at one
    time, and what still was at its end; `kept_largest` is the most of that by one call stack. `process_*`
    are of the whole process: live at the region's begin, the most while it was open, live at its end. `churn`
    is what the region allocated and gave back before its end, and `kept_native` what of `kept` was allocated by
    native code with malloc; both are None where the tracer is older than this package, and may be where other
    regions end at the same time. `drag` is bytes times seconds: how long blocks of 1 MiB and more that the region
    allocated lay untouched until its end; None without `holdfast run --drag`, and where nobody could look. `unseen`,
    likewise, is how long nobody knows that of, as of blocks that were gone before a look: it may all belong to `drag`.
    """

    peak: int
    kept: int
    kept_largest: int
    process_begin: int
    process_peak: int
    process_end: int
    churn: Optional[int] = None
    kept_native: Optional[int] = None
    drag: Optional[int] = None
    unseen: Optional[int] = None

    @property
    def growth(self) -> int:
        """Of the whole process, from the region's begin to its end."""
        return self.process_end - self.process_begin


_Measured = ctypes.c_uint64 * 6  # struct holdfast_figures, holdfast_turnover and holdfast_drag
_Turnover = ctypes.c_uint64 * 3
_Drag = ctypes.c_uint64 * 2


class _Library:
    """The functions that the preloaded library exports (include/holdfast.h)."""

    def __init__(self) -> None:
        # Holding the GIL: these are short, and so their order among what the thread allocates is certain.
        program = ctypes.PyDLL(None)
        self.begin = program.holdfast_region_begin
        self.begin.argtypes, self.begin.restype = [ctypes.c_char_p, ctypes.c_uint], ctypes.c_uint
        self.end = program.holdfast_region_end
        self.end.argtypes, self.end.restype = [ctypes.c_uint], None
        self.pause = self._step(program, "holdfast_region_pause")
        self.resume = self._step(program, "holdfast_region_resume")
        self.is_traced = program.holdfast_is_traced
        self.is_traced.argtypes, self.is_traced.restype = [], ctypes.c_int
        # This one waits.
        self.measure = ctypes.CDLL(None).holdfast_region_measure
        self.measure.argtypes, self.measure.restype = [ctypes.c_uint, ctypes.POINTER(_Measured)], ctypes.c_int
        self.turnover = getattr(ctypes.CDLL(None), "holdfast_region_turnover", None)
        if self.turnover is not None:
            self.turnover.argtypes, self.turnover.restype = [ctypes.c_uint, ctypes.POINTER(_Turnover)], ctypes.c_int
        self.drag = getattr(ctypes.CDLL(None), "holdfast_region_drag", None)
        if self.drag is not None:
            self.drag.argtypes, self.drag.restype = [ctypes.c_uint, ctypes.POINTER(_Drag)], ctypes.c_int

    @staticmethod
    def _step(program: ctypes.PyDLL, name: str) -> Callable[[int], None]:
        """A function of a tracer that may be older than this package: without it, regions go by threads."""
        try:
            found = getattr(program, name)
        except AttributeError:
            return lambda number: None
        found.argtypes, found.restype = [ctypes.c_uint], None
        return found  # type: ignore[no-any-return]


def _find() -> Optional[_Library]:
    try:
        return _Library()
    except (AttributeError, OSError):
        return None


_library = _find()


def is_traced() -> bool:
    """Whether this process is traced, so that regions do anything."""
    return _library is not None and bool(_library.is_traced())


class region:
    """Marks a region: `with holdfast.region("load"): ...`, or `@holdfast.region("load")` before a function.

    To it belongs what its thread allocates until its end; in an asyncio task, what that task allocates; with
    `all_threads`, what all threads of the process allocate. Regions may be inside each other, up to eight
    deep. Without Holdfast this does nothing.
    """

    __slots__ = ("name", "all_threads", "_open", "_ended")

    def __init__(self, name: str, *, all_threads: bool = False) -> None:
        self.name = name
        self.all_threads = all_threads
        # By task or thread: several may be in one object at the same time.
        self._open: Dict[_tasks.Owner, List[int]] = {}
        self._ended = 0

    def __enter__(self) -> "region":
        if _library is not None:
            owner = _tasks.owner()
            self._open.setdefault(owner, []).append(self._begin(owner))
        return self

    def __exit__(self, *exception: object) -> None:
        if _library is not None:
            self._end(*self._taken())

    def _begin(self, owner: _tasks.Owner) -> int:
        assert _library is not None
        flags = _ALL_THREADS if self.all_threads else 0
        _tasks.enter(_library, owner)
        number: int = _library.begin(as_told(self.name).encode(), flags)
        if not self.all_threads:
            _tasks.add(_library, owner, number)
        return number

    def _end(self, number: int, owner: Optional[_tasks.Owner]) -> None:
        assert _library is not None
        _library.end(number)
        self._ended = number
        if owner is not None and not self.all_threads:
            _tasks.remove(owner, number)

    def _taken(self) -> Tuple[int, Optional[_tasks.Owner]]:
        """What this task or thread began last; or another, as where a generator goes on in a thread not its own."""
        own = _tasks.owner()
        for owner in [own, *self._open]:
            numbers = self._open.get(owner)
            if numbers:
                number = numbers.pop()
                if not numbers:
                    del self._open[owner]
                return number, owner
        return 0, None

    def figures(self) -> Figures:
        """What it was when it last ended. Waits until that is known."""
        values, turnover, drag = _Measured(), _Turnover(), _Drag()
        if _library is None or not self._ended:
            raise NotTraced
        failed = _library.measure(self._ended, ctypes.byref(values))
        if failed:
            raise NotTraced(_TOO_MANY) if failed == _LEFT_OUT else NotTraced
        # The next calls find nothing where so many regions ended since the first that they took its place.
        found = Figures(*values)
        if _library.turnover is not None and not _library.turnover(self._ended, ctypes.byref(turnover)):
            found = found._replace(churn=turnover[1], kept_native=turnover[2])
        if _library.drag is not None and not _library.drag(self._ended, ctypes.byref(drag)):
            found = found._replace(drag=drag[0], unseen=drag[1])
        return found

    def __call__(self, function: _Function) -> _Function:
        def fresh() -> "region":
            return region(self.name, all_threads=self.all_threads)

        if getattr(getattr(function, "__code__", None), "co_flags", 0) & _IS_COROUTINE:
            @functools.wraps(function)
            async def steps(*arguments: Any, **named: Any) -> Any:
                return await _stepwise(function(*arguments, **named), fresh())
            return steps  # type: ignore[return-value]

        @functools.wraps(function)
        def inside(*arguments: Any, **named: Any) -> Any:
            with fresh():
                return function(*arguments, **named)
        return inside  # type: ignore[return-value]


@types.coroutine
def _stepwise(coroutine: Any, opened: region) -> Any:
    """Drives a coroutine in a region that is open only while it runs, whatever event loop that is in."""
    if _library is None:
        return (yield from coroutine)
    number = opened._begin(_tasks.NOBODY)
    step, value = coroutine.send, None
    try:
        while True:
            try:
                awaited = step(value)
            except StopIteration as stop:
                return stop.value
            _library.pause(number)
            try:
                value = yield awaited
                step = coroutine.send
            except GeneratorExit:
                _library.resume(number)
                coroutine.close()
                raise
            except BaseException as error:
                step, value = coroutine.throw, error
            _library.resume(number)
    finally:
        opened._end(number, None)
