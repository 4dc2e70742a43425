"""A chosen object's references, line by line: `holdfast.watch(obj)`.

While such an object lives, each line that the program executes is looked at (_lines.py): has the object's count
changed since the last one, and by whom? The variables of the functions that run are compared first, then the
containers that refer to it. What neither explains is said to be elsewhere.

An object that can be weakly referenced is followed by that. Of others the watch holds one reference, which is not
counted; when it is the last, the object is let go, at the first line after its real end.
"""
import _thread
import atexit
import collections
import ctypes
import gc
import os
import sys
import types
from _weakref import ref
from typing import Any, Callable, Counter, Dict, Iterator, List, Optional, Set, Tuple

from . import _frames, _heap, _lines, _say, _steps
from ._heap import Own

_ROWS_MOST = 200
_PASSES_MOST = 200  # over the heap, for one object
_NEAR = 8  # rows, among which one is the same again
_IMMORTAL = 1 << 29  # references, as the interpreter counts what it never frees
_KEEPS_ARGUMENTS = sys.version_info < (3, 11)  # a caller does, until the call returns
_HAVE_DICTS = sys.version_info < (3, 11)  # instances do, for their attributes
_BORROWS = sys.version_info >= (3, 14)  # a callee's arguments may be its caller's variables, uncounted
Key = int  # of a frame: its address, where the next one may come to be, and its code's
Looking = Callable[[str, types.FrameType, int], bool]  # an event, as _lines.py tells it
Named = Dict[Key, Tuple[str, List[str]]]  # by frame: its function, and which variables refer to the object


def frame_key(frame: types.FrameType) -> Key:
    """No tuple: the interpreter keeps freed ones for the next to be made, and what is made and dropped at each line would
    be in the place of the program's, told as memory of our line. So are lists and dicts, and none is made at a line at
    which nothing changes."""
    return id(frame) << 64 | id(frame.f_code)


class Row:
    """What changed at a line, and how often it did so just like that."""

    __slots__ = ("file", "line", "count", "changes", "times")

    def __init__(self, file: str, line: int, count: int, changes: List[str]) -> None:
        self.file, self.line, self.count, self.changes, self.times = file, line, count, changes, 1

    def same(self, other: "Row") -> bool:
        return (self.file, self.line, self.count, self.changes) == (other.file, other.line, other.count, other.changes)


class _Thread:
    """What one thread was doing when it was last looked at."""

    __slots__ = ("named", "lines", "calls", "left")

    def __init__(self, frame: Optional[types.FrameType]) -> None:
        self.named: Named = {}
        self.lines = {frame_key(one): one.f_lineno or 0 for one in _frames.stack(frame)}  # by frame: what is being executed
        self.calls: Dict[Key, int] = {}  # by frame: references that its caller keeps for the call, or (negative) lends it
        self.left: Set[Key] = set()  # frames that have returned since


_NONE: List[str] = []  # stays so
held: Any = ()  # where the library is told of the objects that are held (_big.py)


class _Hold:
    """A reference that no look at the heap finds, and that a snapshot of `run --watch` does not count: who holds an
    object, and what its end would free, is told as if nobody watched. The object's address is in memory all the same, as
    that of any reference: those that nobody can give back any more are known by that."""

    __slots__ = ("_word", "_object")
    _take, _release = ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef

    def __init__(self) -> None:
        self._word = b""
        self._object: Any = None

    def take(self, thing: object) -> None:
        self._take(ctypes.py_object(thing))
        self._tell(0, id(thing))
        self._word = id(thing).to_bytes(ctypes.sizeof(ctypes.c_void_p), sys.byteorder)
        self._object = ctypes.py_object.from_address(id(self._word) + bytes.__basicsize__ - 1)  # the bytes end with a zero

    def get(self) -> Any:
        return self._object.value

    def is_there(self) -> bool:
        return self._object is not None

    def drop(self) -> None:
        mine, self._object = self._object, None
        if mine is not None:
            self._tell(int.from_bytes(self._word, sys.byteorder), 0)
            self._release(mine)

    @staticmethod
    def _tell(before: int, now: int) -> None:
        if before in held:
            held[list(held).index(before)] = now

    __del__ = drop


class Watch:
    """One object whose references are followed. `rows` grows while it lives; stop() ends that."""

    __slots__ = ("label", "type", "rows", "more", "note", "count", "_box", "_reference", "_others", "_threads", "_passes")

    def __init__(self, thing: object, label: Optional[str]) -> None:
        self.type = _steps.printable(_steps.type_name(type(thing)))
        self.label = _steps.printable(label) if label else self.type
        self.rows: List[Row] = []
        self.more = 0  # rows that were left out
        self.note = ""
        self.count = -1  # not known yet
        self._box = _Hold()
        self._reference: Any = None
        self._others: Counter[str] = collections.Counter()
        self._threads: Dict[int, _Thread] = {}
        self._passes = 0
        try:
            self._reference = ref(thing)
        except TypeError:
            self._box.take(thing)

    def stop(self) -> None:
        """Follows it no more, and prints what was seen."""
        _end(self, "no longer watched")

    # What is there

    def measure(self) -> int:
        if self._reference is None:
            return sys.getrefcount(self._box.get()) - _EXTRA_BOX
        thing = self._reference()
        return 0 if thing is None else sys.getrefcount(thing) - _EXTRA_REFERENCE

    def _thing(self) -> Any:
        return self._box.get() if self._box.is_there() else self._reference()

    def is_it(self, address: int) -> bool:
        thing = self._thing()
        return thing is not None and id(thing) == address

    def names(self, frame: types.FrameType) -> List[str]:
        """Which of a frame's variables refer to it; not those that do so through a cell, which is another's, and not
        a generator's, whose variables are there while it rests, too."""
        if _lines.is_generator(frame):
            return _NONE
        thing = self._thing()
        found = _frames.holding(frame, thing, True) if thing is not None else _NONE
        if not found:
            return _NONE
        cells = frame.f_code.co_cellvars + frame.f_code.co_freevars
        return [name for name in found if name not in cells]

    def others(self, frame: types.FrameType) -> "Counter[str]":
        """References from containers and generators: a look through the whole heap."""
        self._passes += 1
        thing = self._thing()
        found: Counter[str] = collections.Counter()
        if thing is None:
            return found
        holders = _heap.referrers((thing,))
        holders.extend(_hidden(frame, thing))
        for holder in holders:
            if type(holder) not in (Own, Watch) and (type(holder) is not types.FrameType or _lines.is_generator(holder)):
                found.update(_names(holder, thing))
        found.update(_views(frame, thing))
        return found

    # What happens

    def _thread(self, frame: Optional[types.FrameType]) -> _Thread:
        """This one; when it is seen for the first time, from that frame on."""
        identity = _thread.get_ident()
        if identity not in self._threads:
            self._threads[identity] = _Thread(frame)
        return self._threads[identity]

    def begin(self, frame: types.FrameType) -> None:
        """Here, in this line; its count is known at the next one."""
        self._thread(frame)

    def see(self, kind: str, frame: types.FrameType, returned: int) -> None:
        """An event in that frame: a line is about to be executed, or the function begins, or ends."""
        thread = self._thread(frame.f_back)
        key = frame_key(frame)
        if kind == _lines.BEGIN and not _lines.is_generator(frame):
            thread.lines.pop(key, None)  # of one whose end was not looked at, in the same place
            if key in thread.named:
                thread.left.add(key)
        if kind == _lines.END and self.is_it(returned):  # on its way to the caller it may count or not
            thread.left.add(key)
            return
        count, names = self.measure(), self.names(frame)
        arguments = names if kind == _lines.BEGIN else _NONE
        known = thread.named[key][1] if key in thread.named else _NONE
        if count != self.count or arguments or (kind == _lines.LINE and names != known) or thread.left & thread.named.keys():
            self._change(kind, frame, count, thread, arguments)
        if kind == _lines.LINE:
            thread.lines[key] = frame.f_lineno or 0
        elif kind == _lines.END and not _lines.is_generator(frame):
            thread.lines.pop(key, None)
            thread.left.add(key)

    def _change(self, kind: str, frame: types.FrameType, count: int, thread: _Thread, arguments: List[str]) -> None:
        first = self.count < 0
        delta = count - max(self.count, 0)
        self.count = count
        changes, rest = self._by_names(frame, thread, arguments, delta)
        if _BORROWS and rest:
            rest = self._borrowed(changes, thread.calls, frame_key(frame), rest)
        if rest:
            found, rest = self._by_others(frame, rest)
            changes += found
        if rest > 0 and arguments and _KEEPS_ARGUMENTS:
            changes.append(f"+ the call in {frame.f_back.f_code.co_name}" if frame.f_back is not None else "+ the call")
            thread.calls[frame_key(frame)], rest = rest, 0
        if rest:
            changes.append(f"{rest:+d} elsewhere: C code, or a value at hand")
        if not changes and not first and count:
            return
        if first:
            changes = [change.replace("+ ", "", 1) for change in changes]
        if count == 0:
            changes.append("freed")
        self._add(Row(*self._place(kind, frame, thread, arguments), count, changes))
        thread.left.clear()

    @staticmethod
    def _place(kind: str, frame: types.FrameType, thread: _Thread, arguments: List[str]) -> Tuple[str, int]:
        """Where it changed: what a function finds as it begins, and is none of its arguments, is its caller's doing."""
        if kind == _lines.BEGIN and not arguments and frame.f_back is not None and frame_key(frame.f_back) in thread.lines:
            frame, kind = frame.f_back, _lines.LINE
        if kind == _lines.BEGIN:
            return frame.f_code.co_filename, frame.f_code.co_firstlineno
        return frame.f_code.co_filename, thread.lines.get(frame_key(frame), frame.f_lineno or 0)

    def _by_names(self, frame: types.FrameType, thread: _Thread, arguments: List[str], delta: int) -> Tuple[List[str], int]:
        """What the variables explain of the change, and what is left of it."""
        now: Named = {frame_key(one): (one.f_code.co_name, self.names(one)) for one in _frames.stack(frame) if not _frames.is_ours(one)}
        changes, before = [], dict(thread.named)
        for key, (function, names) in now.items():
            known = before.pop(key, ("", []))[1] if key not in thread.left else []
            begins = key == frame_key(frame) and bool(arguments)
            changes += [f"+ argument {name} of {function}" if begins else f"+ local {name} in {function}"
                        for name in names if name not in known]
            changes += [f"- local {name} in {function}" for name in known if name not in names]
        rest = delta - sum(1 if change[0] == "+" else -1 for change in changes)
        ended = [(thread, key, pair) for key, pair in before.items()]
        ended += [(other, key, other.named.pop(key)) for other in self._threads.values() if other is not thread
                  for key in other.left & other.named.keys()]
        for its, key, (function, names) in ended:
            counted = len(names) + its.calls.pop(key, 0)
            rest += counted
            changes += [f"- {function} returned"] * bool(counted)
        thread.named.clear()
        thread.named.update((key, pair) for key, pair in now.items() if pair[1])
        return changes, rest

    @staticmethod
    def _borrowed(changes: List[str], lent: Dict[Key, int], key: Key, rest: int) -> int:
        """Variables that the interpreter lets refer to the object without counting that: `rest` references too
        few for those that came, or too many for those that went."""
        came = rest < 0
        which = [at for at, change in enumerate(changes) if change.startswith(("+ local", "+ arg") if came else "- local")]
        if len(which) != abs(rest) or (not came and lent.get(key, 0) + rest > 0):
            return rest
        for at in which:
            changes[at] += " (borrowed: not counted)" if came else " (it was borrowed)"
        lent[key] = lent.get(key, 0) + rest
        return 0

    def _by_others(self, frame: types.FrameType, rest: int) -> Tuple[List[str], int]:
        if self._passes >= _PASSES_MOST:
            return [], rest
        now = self.others(frame)
        added, gone = now - self._others, self._others - now
        self._others = now
        texts = [f"+ {text}" for text in added.elements()] + [f"- {text}" for text in gone.elements()]
        return texts, rest - sum(added.values()) + sum(gone.values())

    def _add(self, row: Row) -> None:
        for known in self.rows[-_NEAR:]:
            if known.same(row) and len(self.rows) > 1:
                known.times += 1
                return
        if len(self.rows) < _ROWS_MOST:
            self.rows.append(row)
        else:
            self.more += 1

    # What is told

    def listing(self) -> str:
        """The source of each line at which something changed, the count after it, and what changed."""
        shown = [(f"{_frames.short(row.file)}:{row.line}", _source(row.file, row.line).rstrip().expandtabs(4)[:60], row)
                 for row in self.rows]
        place = max((len(where) for where, _, _ in shown), default=0)
        width = max((len(source) for _, source, _ in shown), default=0)
        lines = [f"references to {self.label} ({self.type}), by line:"]
        for where, source, row in shown:
            times = f"  ({row.times} times)" if row.times > 1 else ""
            lines.append(f"  {where:<{place}}  {source:<{width}}  {row.count:>3}  {', '.join(row.changes)}{times}".rstrip())
        lines += [f"  and {self.more} more changes"] * bool(self.more) + [f"  {self.note}"] * bool(self.note)
        return "\n".join(lines)


def _source(path: str, line: int) -> str:
    """As linecache has it, which would take what a signal's handler raises for an error of its own."""
    known = getattr(sys.modules.get("linecache"), "cache", {}).get(path, ())
    lines = known[2] if len(known) == 4 else ()
    if not lines:
        try:
            with open(path, "rb") as file:
                content = file.read()
            text = content.decode(_encoding(content), "replace").lstrip("\ufeff")
            lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # others are no ends of lines to Python
        except Exception as error:
            if not _lines.is_ours(error):
                raise
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _encoding(content: bytes) -> str:
    """Of a source, as its first two lines may name it."""
    for line in content.split(b"\n", 2)[:2]:
        _, found, rest = line.partition(b"coding")
        if line.lstrip()[:1] == b"#" and found and rest[:1] in (b":", b"="):
            name = rest[1:].strip().partition(b" ")[0].decode("ascii", "replace")
            return "".join(one for one in name if one.isalnum() or one in "-_.")
    return "utf-8"


def _names(holder: Any, thing: object) -> List[str]:
    """Of each reference: `global CACHE of app`, `Owner.field`, `list[2]`."""
    steps = _steps.steps(holder, thing)
    frame = _frames.of(holder)
    if frame is not None:
        return [f"{step[4:]} in {frame.f_code.co_name}, a generator" for step in steps]
    if type(holder) is dict and type(dict.get(holder, "__name__")) is str and "__builtins__" in holder:
        return [f"global {step[2:-2]} of {holder['__name__']}" for step in steps]
    owner = _owner(holder) if type(holder) is dict else None
    if owner is not None:
        return [f"{owner}.{step[2:-2]}" for step in steps]
    return [f"{type(holder).__name__}{step}" for step in steps or [""]]


def _hidden(frame: types.FrameType, thing: object) -> Iterator[object]:
    """Dicts that hold it, and that the cycle collector leaves out as they have nothing but plain values: those of
    instances that the variables of this thread refer to. From 3.11 on instances have few dicts: asking makes one."""
    seen: Set[int] = set()
    for one in _frames.stack(frame) if _HAVE_DICTS and not gc.is_tracked(thing) else ():
        for _, value in _frames.variables(one):
            own = None if type(value) in _steps.PLAIN else _steps.namespace(value)
            if type(own) is dict and not gc.is_tracked(own) and id(own) not in seen:
                seen.add(id(own))
                if any(held is thing for held in list(own.values())):
                    yield own


def _views(frame: types.FrameType, thing: object) -> Iterator[str]:
    """Arrays of numpy's that show its memory, which the cycle collector does not know."""
    ndarray = _steps.loaded("numpy", "ndarray")
    for one in _frames.stack(frame) if isinstance(ndarray, type) else ():
        for name, value in _frames.variables(one):
            if issubclass(type(value), ndarray) and ndarray.__dict__["base"].__get__(value) is thing:
                yield f"the base of {name} in {one.f_code.co_name}"


def _owner(names: Any) -> Optional[str]:
    """The type of the instance whose names they are."""
    for holder in _heap.referrers((names,)):
        if type(holder) not in (dict, Own, types.FrameType) and _steps.namespace(holder) is names:
            return type(holder).__name__
    return None


_EXTRA_BOX = _EXTRA_REFERENCE = 0


def _calibrate() -> None:
    """What measuring itself adds on this interpreter."""
    global _EXTRA_BOX, _EXTRA_REFERENCE
    class Weak:
        pass
    weak = Weak()
    _EXTRA_BOX, _EXTRA_REFERENCE = Watch(object.__new__(object), None).measure(), Watch(weak, None).measure() - 1


_calibrate()


# All of them

_active: Tuple[Watch, ...] = ()  # another one at each change
_lock = _thread.RLock()
_looking: Optional[Looking] = None  # for the objects of big blocks (_big.py), until it says that it is done
_changing = False  # lines begin to be followed, or end to be


def _event(kind: str, frame: types.FrameType, returned: int) -> None:
    """For _lines.py: called for each line of the program while anything is watched."""
    # What another thread looks at now, this one does at its next line: it may have locks of the program's.
    lock = _lock  # a signal's handler may fork in between: what is released is what was taken
    # Without a keyword, of which the interpreter would make a dict: those that the program frees would be used up here.
    if not lock.acquire(False):
        return
    try:
        if _looking is not None and not _looking(kind, frame, returned):
            look(None)
        for one in _active:
            one.see(kind, frame, returned)
            if one.count == 0:
                _end(one, "")
    finally:
        lock.release()


def _lost(note: str) -> None:
    """For _lines.py: lines are followed no more, so that nobody would see the ends of what is watched."""
    global _looking
    lock = _lock
    if not lock.acquire(False):  # another thread looks at a line, and may wait for what this one has
        return
    try:
        _looking = None
        for one in _active:
            _end(one, note)
    except Exception as error:
        if not _lines.is_ours(error):
            raise
    finally:
        lock.release()


def _follow() -> None:
    """Raises RuntimeError."""
    global _changing
    _changing = True
    try:
        _lines.start(_event, _lost)
    finally:
        _changing = False


def _follow_no_more() -> str:
    """As _lines.stop() does, unless there is need again: _big.py's may have come up in between."""
    global _changing
    if _active or _looking is not None:
        return ""
    _changing = True
    try:
        note = _lines.stop()
    finally:
        _changing = False
    if _looking is not None:
        _follow()
    return note


def look(looking: Optional[Looking]) -> None:
    """Has that called at each event until it returns False. Needs no lock, so that it can be called between any two
    instructions of the main thread. Raises RuntimeError."""
    global _looking
    _looking = looking
    if looking is None:
        _follow_no_more()
    elif not _changing and not _lines.is_on():
        _follow()


def add(one: Watch, frame: types.FrameType, lines: Dict[Key, int]) -> None:
    """For `look`'s: an object that this thread has made, in the line that it is in by `lines`."""
    global _active
    one.begin(frame)
    one._threads[_thread.get_ident()].lines.update(lines)
    with _lock:
        _active += (one,)
    _register()


def _end(one: Watch, note: str) -> None:
    global _active
    with _lock:
        if one not in _active:
            return
        _active = tuple(other for other in _active if other is not one)
        note = _follow_no_more() or note
        if one.count != 0:
            one.note = note
        one._box.drop()
    _say.say(one.listing())


def watch(obj: object, label: Optional[str] = None) -> Watch:
    """Follows the references to `obj` line by line, until it is freed, stop() is called on what this returns, or
    the program ends; then prints the lines at which their number changed, and what changed it, on standard error.

    Meanwhile each line of the program costs some microseconds more; before and after, nothing. Where lines cannot be
    followed, that is said, and nothing changed: before 3.12 when the program has a trace function of its own (a debugger,
    coverage), from 3.12 on when all tools of sys.monitoring are taken. Raises ValueError for an object that the
    interpreter never frees.
    """
    global _active
    if label is not None and not isinstance(label, str):
        raise TypeError(f"label is to be a str, not {type(label).__name__}")
    if sys.getrefcount(obj) >= _IMMORTAL:
        raise ValueError(f"the interpreter keeps this {type(obj).__name__} for ever: its count never changes")
    one = Watch(obj, label)
    del obj
    with _lock:
        try:
            if not _active and _looking is None:
                _follow()
        except RuntimeError as error:
            one._box.drop()
            one.note = str(error)
            _say.say(f"{one.label} ({one.type}) is not watched: {error}")
            return one
        one.begin(sys._getframe(1))
        _active += (one,)
    _register()
    return one


_registered = False


def _register() -> None:
    global _registered
    if not _registered:
        _registered = bool(atexit.register(_at_exit))


def _at_exit() -> None:
    for one in _active:
        count = one.measure()
        _end(one, f"at the program's end: {count}" if count else "freed by the program's end")


def _forked() -> None:
    """What was watched is the parent's to tell of; and the lock may be with one of its threads, for ever."""
    global _lock, _looking, _active
    _lock, _looking = _thread.RLock(), None
    watched, _active = _active, ()
    _lines.stop()
    for one in watched:
        one.note = "watched by the parent"
        one._box.drop()


os.register_at_fork(after_in_child=_forked)
