"""Each line of the program as it is executed, and the beginnings and ends of its functions.

From 3.12 on by `sys.monitoring`, as a tool of our own beside debuggers and coverage. Before, by the interpreter's trace
hook for C, which leaves no copies of variables in frames, as Python's does; there is one, so a program that has
a trace function keeps it, and there is no following. Lines of the standard library, of installed packages and
of this one are left out.
"""
import _thread
import ctypes
import os
import sys
import time
import types
from typing import Any, Callable, Dict, Optional, Set, Tuple

from . import _frames, _say

BEGIN, LINE, END = "begin", "line", "end"
_GENERATOR = 0x20 | 0x80 | 0x200  # of a code object's flags: generators, coroutines, asynchronous generators
Handler = Callable[[str, types.FrameType, int], None]
Lost = Callable[[str], None]

_handler: Optional[Handler] = None
_lost: Optional[Lost] = None
_known: Dict[str, bool] = {}  # by file: whether it is the program's
_OURS = _frames.PACKAGE
_STANDARD = (os.path.dirname(os.__file__) + os.sep, "<frozen")
_INSTALLED = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)


def is_generator(frame: types.FrameType) -> bool:
    """Its end may be a rest."""
    return bool(frame.f_code.co_flags & _GENERATOR)


def _is_installed(path: str) -> bool:
    return any(one in path for one in _INSTALLED)


def of_program(code: types.CodeType) -> bool:
    known = _known.get(code.co_filename)
    if known is None:
        path = code.co_filename
        known = _known[path] = not path.startswith((_OURS, *_STANDARD)) and not _is_installed(path)
    return known


def _handle(kind: str, frame: Any, returned: int) -> None:
    handler = _handler
    if handler is not None:
        try:
            handler(kind, frame, returned)
        except Exception as error:  # ours: the program's run goes on
            if not is_ours(error):
                raise
            _say.say(f"watch failed: {error!r}")
            _end("followed until that failed")


def _end(note: str) -> None:
    """Nothing is followed any more, though nobody has asked for that."""
    stop()
    if _lost is not None:
        _lost(note)


def is_ours(error: BaseException) -> bool:
    """Rather than of a signal's handler, which ran in between: then code that is neither this package's nor the
    standard library's is on the way to it."""
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if not path.startswith(_OURS) and (not path.startswith(_STANDARD) or _is_installed(path)):
            return False
        trace = trace.tb_next
    return True


# From 3.12 on

_tool = -1


def _began(code: types.CodeType, offset: int) -> Any:
    if not of_program(code):
        return sys.monitoring.DISABLE
    return _handle(BEGIN, sys._getframe(1), 0)


def _line(code: types.CodeType, line: int) -> Any:
    if not of_program(code):
        return sys.monitoring.DISABLE
    return _handle(LINE, sys._getframe(1), 0)


def _ended(code: types.CodeType, offset: int, value: object) -> Any:
    if not of_program(code):
        return sys.monitoring.DISABLE
    returned = id(value)
    del value
    return _handle(END, sys._getframe(1), returned)


def _unwound(code: types.CodeType, offset: int, error: object) -> None:
    del error
    if of_program(code):
        _handle(END, sys._getframe(1), 0)


def _start_monitoring() -> None:
    global _tool
    monitoring = sys.monitoring
    _tool = next((tool for tool in (4, 3, 5, 2, 1, 0) if monitoring.get_tool(tool) is None), -1)
    if _tool < 0:
        raise RuntimeError("all tools of sys.monitoring are taken: lines cannot be followed")
    monitoring.use_tool_id(_tool, "holdfast")
    events = monitoring.events
    callbacks = {events.PY_START: _began, events.PY_RESUME: _began, events.LINE: _line, events.PY_RETURN: _ended,
                 events.PY_YIELD: _ended, events.PY_UNWIND: _unwound}
    for event, callback in callbacks.items():
        monitoring.register_callback(_tool, event, callback)
    monitoring.set_events(_tool, sum(callbacks))
    monitoring.restart_events()


def _stop_monitoring() -> str:
    global _tool
    if _tool >= 0:
        sys.monitoring.set_events(_tool, 0)
        for event in ("PY_START", "PY_RESUME", "LINE", "PY_RETURN", "PY_YIELD", "PY_UNWIND"):
            sys.monitoring.register_callback(_tool, getattr(sys.monitoring.events, event), None)
        sys.monitoring.free_tool_id(_tool)
        _tool = -1
    return ""


# Before

_KINDS = {0: BEGIN, 2: LINE, 3: END}  # as the interpreter numbers them
_LATER = 0.01  # seconds


def _traced(mark: bool, there: bool, what: int, value: Optional[int]) -> int:
    try:
        if _handler is None:
            _set(False)  # another thread has stopped it
        elif what in _KINDS:
            frame = sys._getframe(1)
            if of_program(frame.f_code):
                _handle(_KINDS[what], frame, value or 0 if what == 3 else 0)
    except BaseException as error:  # of a signal's handler: Ctrl-C is not to be lost here
        _set(False)
        _thread.start_new_thread(_raise_later, (_thread.get_ident(), error.with_traceback(None)))
        _end_if_nowhere("followed until an exception came while a line was looked at")
    return 0


def _raise_later(thread: int, error: BaseException) -> None:
    """In the program's own code, which no exception can reach from our hook. That thread is followed no more."""
    kind = _kind_that_makes(error)
    time.sleep(_LATER)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))


def _kind_that_makes(error: BaseException) -> type:
    """The interpreter takes no exception for another thread, only a type, which it calls: that gives this one."""
    kind = type(error)
    try:
        return type(kind)(kind.__name__, (kind,), {"__new__": lambda *_: error, "__module__": kind.__module__})
    except Exception:  # a type that is not to be derived from
        return kind


# The frame as a mere bool: ctypes makes a number of the last argument, and a snapshot that is taken just then would find the
# frame in a tuple that nobody is known to have.
_HOOK = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_bool, ctypes.c_bool, ctypes.c_int, ctypes.c_void_p)
_hook = _HOOK(_traced)


_followed: Set[int] = set()  # threads that have our hook
_setting: Set[int] = set()  # those that set it, or take it away, just now
_audits = False


def _set(wanted: bool) -> None:
    """For this thread."""
    me = _thread.get_ident()
    _setting.add(me)
    try:
        if wanted:
            # Without an object: sys.gettrace() finds None, which a program that puts back what it found can set.
            ctypes.pythonapi.PyEval_SetTrace(_hook, ctypes.py_object())
        else:
            ctypes.pythonapi.PyEval_SetTrace(None, ctypes.py_object())
    finally:
        _setting.discard(me)
        (_followed.add if wanted else _followed.discard)(me)


def _end_if_nowhere(note: str) -> None:
    if _handler is not None and _followed.isdisjoint(sys._current_frames()):
        _end(note)


def _hook_threads() -> None:
    """Those that `threading` starts from here on; to import that would make this thread the main one of those."""
    threading = sys.modules.get("threading")
    if getattr(threading, "_trace_hook", _HOOK) is None:
        threading.settrace(_in_new_thread)  # type: ignore[union-attr]


def _audited(event: str, arguments: Tuple[Any, ...]) -> None:
    """The program starts a thread, or takes our hook away in this one: else that would be known by nothing."""
    if event == "_thread.start_new_thread" and _handler is not None:
        _hook_threads()
    elif event == "sys.settrace":
        me = _thread.get_ident()
        if me in _followed and me not in _setting:
            _followed.discard(me)
            _end_if_nowhere("followed until the program set a trace function of its own")


def _in_new_thread(frame: Any, event: str, value: Any) -> None:
    if _handler is not None:
        _set(True)


def _start_tracing() -> None:
    global _audits
    if sys.gettrace() is not None:
        raise RuntimeError("the program has a trace function (a debugger, or coverage), which is left alone: lines cannot "
                           "be followed")
    if not _audits:
        _audits = True
        sys.addaudithook(_audited)
    _set(True)
    _hook_threads()


def _stop_tracing() -> str:
    threading = sys.modules.get("threading")
    if getattr(threading, "_trace_hook", None) is _in_new_thread:
        threading.settrace(None)  # type: ignore[union-attr]
    if _thread.get_ident() in _followed:
        _set(False)
        return ""
    return "" if sys.gettrace() is None else "followed until the program set a trace function of its own"


def is_on() -> bool:
    return _handler is not None


def start(handler: Handler, lost: Optional[Lost] = None) -> None:
    """Has the handler called for each event until stop(), in all threads; before 3.12 in this one and those that
    start later. `lost` is called with the reason when that ends by itself. Raises RuntimeError."""
    global _handler, _lost
    _handler, _lost = handler, lost
    try:
        (_start_monitoring if sys.version_info >= (3, 12) else _start_tracing)()
    except RuntimeError:
        _handler = None
        raise


def stop() -> str:
    """Why it was not followed to the end, or ""."""
    global _handler
    _handler = None
    return _stop_monitoring() if sys.version_info >= (3, 12) else _stop_tracing()
