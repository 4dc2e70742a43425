"""Objects that the program expects to be gone soon: `holdfast.should_go_away(obj)`.

One thread, started with the first of them, waits for the earliest time that is up. It alone has the list of
what is expected; others only put something into a queue that may be used wherever Python code can run, in a
destructor and in a signal's handler, too. Nothing here refers to the objects (_alive.py says how they are found).
"""
import atexit
import collections
import heapq
import os
import queue
import sys
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from . import _alive, _frames, _holders, _steps
from ._say import say

_OFF = os.environ.get("HOLDFAST_SHOULD_GO_AWAY", "").lower() in ("0", "off", "no", "false")
_PAUSE = 20  # times what a look through the whole heap took, until the next one
_FEW = 64
_KINDS = 4  # of objects that are named, of many
_PATIENCE = 2.0  # seconds that the program's end waits for what is being written
WAITING, GONE, CANCELLED, LATE, UNKNOWN, OFF = "waiting", "gone", "cancelled", "late", "unknown", "off"


class Late(NamedTuple):
    """An object that is still there although its time is up."""

    label: str
    type: str
    certain: bool  # whether it is sure to be the same object
    age: float  # seconds since should_go_away
    holders: List[str]  # paths, the likely culprit first
    text: str  # the whole report
    files: List[str]  # that were written: text, DOT, SVG


class Settings:
    """What configure() changes."""

    def __init__(self) -> None:
        self.within = 1.0
        self.folder: Optional[str] = os.environ.get("HOLDFAST_SHOULD_GO_AWAY_DIR") or "."
        self.most = 10
        self.seconds = 0.5
        self.callback: Optional[Callable[[Late], Any]] = None


settings = Settings()


class Expectation:
    """One object that is expected to go away. It does not keep the object alive."""

    __slots__ = ("label", "type", "place", "begun", "due", "state", "_reference", "_mark", "__weakref__")

    def __init__(self, thing: object, label: Optional[str], within: float, place: str) -> None:
        self.type = _steps.printable(_steps.type_name(type(thing)))
        self.label = _steps.printable(label) if label else self.type
        self.place = place
        self.begun = time.monotonic()
        self.due = self.begun + within
        self.state = WAITING
        self._mark: Optional[_alive.Mark] = None
        self._reference: Optional[_alive.Reference] = None
        try:
            self._reference = _alive.Reference(thing, _died)
            self._reference.owner = self
        except TypeError:
            self._mark = _alive.follow(thing)

    def cancel(self) -> bool:
        """It may stay. False: it is gone, or was late already."""
        if self.state != WAITING:
            return False
        self.end(CANCELLED)
        return True

    def end(self, state: str) -> None:
        self.state = state
        _waiting.pop(id(self), None)
        self._reference = None
        if self._mark is not None:
            _alive.forget(self._mark)

    def __lt__(self, other: "Expectation") -> bool:
        return self.due < other.due

    def __repr__(self) -> str:
        return f"<Expectation: {self.label} {self.state}>"


_waiting: Dict[int, Expectation] = {}


def _died(reference: Any) -> None:
    """Called by the interpreter, wherever it is: so without a lock."""
    owner = reference.owner
    if owner.state == WAITING:
        owner.end(GONE)


class _Watcher:
    """The thread, and what it alone looks after."""

    def __init__(self) -> None:
        self.incoming: "queue.SimpleQueue[Optional[Expectation]]" = queue.SimpleQueue()
        self.heap: List[Expectation] = []
        self.unlooked: List[Expectation] = []  # due, and not to be found without a look through the heap
        self.next_look = 0.0
        self.told = 0
        self.failed = False
        self.thread = threading.Thread(target=self.run, name="holdfast-should-go-away", daemon=True)

    def run(self) -> None:
        try:
            while self.wait():
                self.judge(self.take_due())
        except BaseException as error:  # ours, or out of memory: the program's run goes on
            self.fail()
            say(f"should_go_away failed, and says no more: {error!r}")

    def fail(self) -> None:
        """Nothing is looked at any more: nothing may wait for that."""
        self.failed = True
        for one in pending():
            one.end(UNKNOWN)

    def wait(self) -> bool:
        """Until the earliest time is up, or there is news. False: the program ends."""
        times = [one.due for one in self.heap[:1]] + [self.next_look for _ in self.unlooked[:1]]
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        try:
            news = self.incoming.get(timeout=min(timeout, threading.TIMEOUT_MAX) if timeout is not None else None)
            while news is not None:
                heapq.heappush(self.heap, news)
                news = self.incoming.get_nowait()
            return False
        except queue.Empty:
            return True

    def take_due(self) -> List[Expectation]:
        due, now = [], time.monotonic()
        while self.heap and (self.heap[0].due <= now or self.heap[0].state != WAITING):
            due.append(heapq.heappop(self.heap))
        if len(self.heap) > 2 * len(_waiting) + _FEW:  # most are gone
            self.heap = [one for one in self.heap if one.state == WAITING]
            heapq.heapify(self.heap)
        return [one for one in due if one.state == WAITING]

    def judge(self, due: List[Expectation]) -> None:
        late: List[Tuple[Expectation, Optional[_alive.Here]]] = []
        for one in due:
            if one._mark is not None:
                self.unlooked.append(one)
            elif one._reference is not None:
                late.append((one, None))
        if self.unlooked and time.monotonic() >= self.next_look:
            late += self.look()
        if late:
            self.tell(late)

    def look(self) -> List[Tuple[Expectation, Optional[_alive.Here]]]:
        """For all at once: it goes through the whole heap."""
        due, self.unlooked = [one for one in self.unlooked if one.state == WAITING], []
        began = time.monotonic()
        try:
            found = _alive.find([one._mark for one in due if one._mark is not None], settings.seconds)
        except Exception as error:
            self.give_up(due, error)
            return []
        finally:
            ended = time.monotonic()
            self.next_look = ended + _PAUSE * (ended - began)
        for index, one in enumerate(due):
            if index not in found:
                one.end(GONE if one._mark is not None and _alive.can_tell(one._mark) else UNKNOWN)
        return [(due[index], here) for index, here in found.items()]

    def tell(self, late: List[Tuple[Expectation, Optional[_alive.Here]]]) -> None:
        first = max(0, settings.most - self.told)
        others = [one for one, _ in late[first:] if one.state == WAITING]
        del late[first:]  # and what it refers to
        while late:
            one = late[0][0]
            try:
                self.report(*late.pop(0))
            except Exception as error:
                self.give_up([one], error)
        for one in others:
            one.end(LATE)
        if others:
            say(f"{len(others)} more should have gone away and are still there ({_named(others)}); who holds them is told "
                f"of the first {settings.most}")

    def report(self, one: Expectation, here: Optional[_alive.Here]) -> None:
        from . import _told
        here = here or (one._reference.here() if one._reference is not None else None)
        if here is None or one.state != WAITING:
            return
        found = _holders.search(here.box, settings.seconds)
        if not _holders.references(here.box):  # it went while we looked
            one.end(GONE)
            return
        self.told += 1
        late = _told.write(one, here, found, settings.folder, self.told)
        say(_told.line(one, late))
        if settings.callback is not None:
            try:
                settings.callback(late)
            except BaseException as error:  # SystemExit, too, would end this thread
                say(f"should_go_away: the callback failed: {error!r}")
        one.end(LATE)

    @staticmethod
    def give_up(what: List[Expectation], error: Exception) -> None:
        """Of these; the others are looked at."""
        for one in what:
            one.end(UNKNOWN)
        say(f"should_go_away: nothing can be told of {_named(what)}: {error!r}")


def _named(what: List[Expectation]) -> str:
    kinds = collections.Counter(one.label for one in what).most_common(_KINDS + 1)
    return ", ".join([f"{count} {name}" for name, count in kinds[:_KINDS]] + ["..."] * (len(kinds) > _KINDS))


_watcher: Optional[_Watcher] = None
_start = threading.RLock()  # a destructor may come in between


def _started() -> _Watcher:
    global _watcher
    if _watcher is None:
        fresh = _Watcher()
        with _start:
            if _watcher is None:
                _watcher = fresh
                try:
                    _begin(fresh)
                except Exception as error:
                    fresh.fail()
                    if not sys.is_finalizing():
                        say(f"should_go_away is off: {error}")
    return _watcher


def _begin(fresh: _Watcher) -> None:
    if sys.is_finalizing():  # a thread would not come to run, and start() would wait for that
        raise RuntimeError("the interpreter is about to end")
    fresh.thread.start()
    atexit.register(_end, fresh)


def should_go_away(obj: object, label: Optional[str] = None, within: Optional[float] = None) -> Expectation:
    """Says that `obj` should be gone in `within` seconds (1, or what configure() says). If it is not, one line on
    standard error says who holds it, and files show it as text and as a picture, in DOT and SVG.

    Any object will do; nothing keeps it alive. One that dies, or is cancelled with cancel() of what this returns, is
    never heard of again. `label` is its name in what is told; its type otherwise. Raises ValueError if `within` is
    negative or no number, TypeError if `label` is no str.
    """
    if label is not None and not isinstance(label, str):
        raise TypeError(f"label is to be a str, not {type(label).__name__}")
    seconds = settings.within if within is None else float(within)
    if not seconds >= 0:
        raise ValueError(f"within is to be a number of seconds, not {within!r}")
    caller = sys._getframe(1)
    one = Expectation(obj, label, seconds, f"{_frames.short(caller.f_code.co_filename)}:{caller.f_lineno}")
    del caller
    if _OFF:
        one.end(OFF)
    elif one.state == WAITING:
        watcher = _started()
        if not watcher.failed:
            _waiting[id(one)] = one
            watcher.incoming.put(one)
        if watcher.failed and one.state == WAITING:  # maybe just now
            one.end(OFF)
    return one


def pending() -> List[Expectation]:
    """Those whose time is not up, and that are not known to be gone. Death is known at once of what can be weakly
    referenced, of other objects when their time is up."""
    return [one for one in list(_waiting.values()) if one.state == WAITING]


def configure(*, within: Optional[float] = None, folder: Optional[str] = None, most: Optional[int] = None,
              seconds: Optional[float] = None, callback: Optional[Callable[[Late], Any]] = None) -> None:
    """Changes what is given: `within`, the seconds that objects have; `folder`, where files go ("": none are written);
    `most`, how many objects of the process are told of with their holders (10); `seconds`, the longest that one
    search may take (0.5); `callback`, called with a Late, in our thread, for each of these objects."""
    given = {"within": within, "folder": folder, "most": most, "seconds": seconds, "callback": callback}
    for name, value in given.items():
        if value is not None:
            setattr(settings, name, value)


def _end(watcher: _Watcher) -> None:
    if watcher is _watcher:
        watcher.incoming.put(None)
        watcher.thread.join(_PATIENCE)
        watcher.failed = True  # for what destructors say from here on


def _forked() -> None:
    """The thread is the parent's, and so is what was expected."""
    global _watcher, _start
    _watcher, _start = None, threading.RLock()
    for one in list(_waiting.values()):
        one.end(CANCELLED)


os.register_at_fork(after_in_child=_forked)
