"""Regions of asyncio's tasks: each is open only while its task runs.

A thread's tasks take turns, and the tracer knows threads alone. So while any task has a region open, we stand
in for `asyncio.Handle._run`, by which an event loop runs one callback after another, a task's next step among
them: before a step its task's regions go on, after it they pause. Nothing is changed while no task has one.

Loops that have no such handles (uvloop, trio) are not followed: there, regions are their thread's.
"""
import os
import sys
from _thread import RLock, get_ident
from typing import Any, Callable, Dict, List, Tuple

Owner = Tuple[str, int]  # ("task", id) or ("thread", identity): a task that has one open is alive
NOBODY: Owner = ("", 0)

_open: Dict[Owner, List[int]] = {}  # of tasks: the regions that have begun and not ended
_running: Dict[int, Owner] = {}  # by thread: whose regions go on at the moment
_steps: Dict[int, Owner] = {}  # by thread: whose step the innermost of our callbacks is
_original: Callable[[Any], None]
_library: Any = None
_lock = RLock()  # of _open and who runs handles, together; a signal's handler may come in between


def owner() -> Owner:
    """Who runs: the current task of a loop that can be followed, or this thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            loop = asyncio._get_running_loop()
            if loop is not None and isinstance(loop, asyncio.BaseEventLoop):
                task = asyncio.current_task(loop)
                if task is not None:
                    return "task", id(task)
        except (AttributeError, RuntimeError):  # asyncio is being imported, or is another module
            pass
    return "thread", get_ident()


def _switch(to: Owner) -> None:
    thread = get_ident()
    before = _running.get(thread, NOBODY)
    if before == to:
        return
    _running.pop(thread, None)
    for number in reversed(_open.get(before, ())):
        _library.pause(number)
    for number in _open.get(to, ()):
        _library.resume(number)
    if to != NOBODY:
        _running[thread] = to


def _run(handle: Any) -> None:
    """In place of asyncio.Handle._run."""
    thread, step = get_ident(), NOBODY
    mine = ("task", id(getattr(handle._callback, "__self__", None)))
    if mine in _open:
        step = mine
    before = _steps.pop(thread, NOBODY)
    _switch(step)
    if step != NOBODY:
        _steps[thread] = step
    try:
        _original(handle)
    finally:
        _steps.pop(thread, None)
        if before != NOBODY:
            _steps[thread] = before
        _switch(before)


def _follow(wanted: bool) -> None:
    """Stands in for it, or no more. Another that does so, too, is left alone."""
    global _original
    handle = sys.modules["asyncio"].Handle
    if wanted and handle._run is not _run:
        _original = handle._run
        handle._run = _run
    elif not wanted and handle._run is _run:
        handle._run = _original


def enter(library: Any, task: Owner) -> None:
    """A task is about to begin a region: if another one's are open in this thread, it runs inside of that
    one's step (an eager task), and they wait."""
    global _library
    if task[0] == "task":
        _library = library
        _switch(task)


def add(library: Any, task: Owner, number: int) -> None:
    if task[0] == "task" and number:
        with _lock:
            _open.setdefault(task, []).append(number)
            _follow(True)


def remove(task: Owner, number: int) -> None:
    with _lock:
        numbers = _open.get(task, [])
        if number in numbers:
            numbers.remove(number)
            if not numbers:
                del _open[task]
            if not _open:
                _follow(False)


def _after_fork() -> None:
    global _lock
    _lock = RLock()  # another thread may have had it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
