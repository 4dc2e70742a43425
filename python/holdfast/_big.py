"""Big objects, followed as `holdfast.watch` does without the program's asking: `holdfast run --watch SIZE`.

The injected library (preload/watch.c) notes each block of that size that a thread with the interpreter makes, in a table,
and has notice() called between two instructions of the main thread. It does not know whose the block is: a list's or an
array's belongs to an object that was there before it, or is only being made. So the lines that come next are followed
until the object shows itself: in a variable, as what a function returns, or in what these refer to. It is the owner
when it lies in the block, or has the block's address in the place where objects of its type have that of their content.
"""
import _thread
import atexit
import collections
import ctypes
import gc
import itertools
import os
import sys
import types
from typing import Any, Dict, Iterator, List, Optional, Set

from . import _frames, _lines, _say, _sizes, _steps, _watch

_BLOCKS = 64  # as in preload/watch.h
_MOST = 16  # objects that are followed, of a process; as in preload/watch.h
_LOOKS = 8  # events of the thread that made a block, at which its object is looked for
_EVENTS = 5000  # of any thread
_WIDE = 3000  # objects that are looked at, at an event
_IN_VAIN = 1_000_000  # objects, of a process: looks at some take a second
_DEEP = 5  # references from a variable to the object
_LONG = 1000  # items of a container: those of longer ones are not looked at
_FRAMES = 64
_IMMORTAL = 1 << 29  # references, as the interpreter counts what it never frees
_WORD = ctypes.sizeof(ctypes.c_void_p)
_HEADERS = (0, 16, 32)  # what an object's block has before the object
_BEFORE = (0, _WORD)  # what is before a list's items: their number, in free-threaded builds
_VARIABLES = ("local", "argument", "global")
_FIRST = object.__basicsize__ // _WORD  # word after an object's count and type
_ENDS = (types.ModuleType, types.FunctionType, types.CodeType, types.FrameType, type)  # lead to all of the program


class _Block(ctypes.Structure):
    """As preload/watch.h has it."""

    _fields_ = [("address", ctypes.c_uint64), ("size", ctypes.c_uint64), ("thread", ctypes.c_uint64)]


class _Table(ctypes.Structure):
    _fields_ = [("least", ctypes.c_uint64), ("closed", ctypes.c_uint64), ("more", ctypes.c_uint64),
                ("forget", ctypes.c_uint64), ("held", ctypes.c_uint64 * _MOST), ("blocks", _Block * _BLOCKS)]


_FORGET = ctypes.PYFUNCTYPE(None, ctypes.c_uint64)


# A block whose object is being looked for; `place` is that in the table.
_Open = collections.namedtuple("_Open", "address size thread place")


class _State:
    """Of the search in this process."""

    def __init__(self, address: int) -> None:
        self.table = _Table.from_address(address)
        self.forget = _FORGET(self.table.forget)  # takes a block out of the table, if it is still there
        _watch.held = self.table.held
        self.lines: Dict[int, Dict[_watch.Key, int]] = {}  # by thread and frame: what is being executed
        self.looks: "collections.Counter[int]" = collections.Counter()  # by address
        self.ages: "collections.Counter[int]" = collections.Counter()
        self.followed: List[_watch.Watch] = []
        self.unfound = 0
        self.in_vain = 0  # objects that were looked at, and none was found
        self.failed = False  # and that was said

    def open_blocks(self) -> List[_Open]:
        """Those that have not been freed, or settled."""
        blocks = [(block.address, block, place) for place, block in enumerate(self.table.blocks)]
        return [_Open(address, block.size, block.thread, place) for address, block, place in blocks if address > 1]

    def forget_freed(self, blocks: List[_Open]) -> None:
        """What is known of blocks that are open no more: the next one in such a place is another."""
        addresses = {one.address for one in blocks}
        for known in (self.looks, self.ages):
            for address in known.keys() - addresses:
                del known[address]

    def settle(self, one: _Open) -> None:
        self.looks.pop(one.address, None)
        self.ages.pop(one.address, None)
        self.forget(one.address)

    def is_open(self, one: _Open) -> bool:
        """Not freed in the meantime."""
        return bool(self.table.blocks[one.place].address == one.address)

    def give_up(self, what: List[_Open]) -> None:
        self.unfound += len(what)
        for one in what:
            self.settle(one)

    def close(self) -> None:
        """No more are followed: what is made from here on is counted."""
        self.table.closed = 1
        for one in self.open_blocks():
            self.table.more += 1
            self.settle(one)

    def fail(self) -> None:
        self.failed = True
        self.close()
        _watch.look(None)


_state: Optional[_State] = None


def notice(address: int) -> None:
    """For preload/watch.c: there are blocks in the table at that address."""
    global _state
    try:
        if _state is None:
            _state = _State(address)
            atexit.register(_tell)
            os.register_at_fork(after_in_child=_forked)
        if not _state.table.closed:
            _begin(_state, sys._getframe(1) if _watch._looking is None else None)
    except Exception as error:
        if not _lines.is_ours(error):
            raise
        if _state is not None:
            _state.fail()
        _say.say(f"--watch follows nothing: {error}")


def _begin(state: _State, frame: Optional[types.FrameType]) -> None:
    if frame is not None:
        # The package's frames, ours of now among them, are no lines of the program.
        tops = {**(sys._current_frames() if _frames.has_gil() else {}), _thread.get_ident(): frame}
        state.lines = {thread: {_watch.frame_key(one): one.f_lineno or 0 for one in _frames.stack(top)}
                       for thread, top in tops.items()}
    _watch.look(_event)


def _event(kind: str, frame: types.FrameType, returned: int) -> bool:
    """Looks for the objects of this thread's blocks; False when there is nothing to look for any more."""
    state = _state
    if state is None:
        return False
    try:
        return _settle(state, kind, frame, returned)
    except Exception as error:
        if _lines.is_ours(error):
            state.fail()
        raise


def _settle(state: _State, kind: str, frame: types.FrameType, returned: int) -> bool:
    thread = _thread.get_ident()
    lines = state.lines.setdefault(thread, {})
    blocks = state.open_blocks()
    state.forget_freed(blocks)
    mine = {one.address: one for one in blocks if one.thread == thread}
    if mine and (kind != _lines.BEGIN):
        _look(state, mine, kind, frame, returned, lines)
    state.ages.update([one.address for one in blocks])
    state.give_up([one for one in state.open_blocks()
                   if state.looks[one.address] >= _LOOKS or state.ages[one.address] >= _EVENTS])
    if kind == _lines.LINE:
        lines[_watch.frame_key(frame)] = frame.f_lineno or 0
    else:
        lines.pop(_watch.frame_key(frame), None)
    return bool(state.open_blocks()) and not state.table.closed


def _look(state: _State, mine: Dict[int, _Open], kind: str, frame: types.FrameType, returned: int,
          lines: Dict[_watch.Key, int]) -> None:
    found: List[_Big] = []
    seen, sought = 0, len(mine)
    state.looks.update(list(mine))
    for thing in _candidates(kind, frame, returned):
        seen += 1
        address = _owned(thing, mine)
        if address:
            block = mine.pop(address)
            if state.is_open(block) and not _is_followed(thing) and sys.getrefcount(thing) < _IMMORTAL:
                found.append(_Big(thing, block.size))
            state.settle(block)
        del thing  # or it would be counted
        if not mine:
            break
    for one in found:
        if len(state.followed) < _MOST:
            _watch.add(one, frame, lines)
            state.followed.append(one)
        else:
            state.table.more += 1
    state.in_vain += seen if len(mine) == sought else 0
    if len(state.followed) >= _MOST or state.in_vain >= _IN_VAIN:
        state.close()


def _is_followed(thing: object) -> bool:
    """It has grown."""
    return any(one.is_it(id(thing)) for one in _watch._active)


class _Big(_watch.Watch):
    """It has the name of the variable that referred to it first, the outermost of several."""

    __slots__ = ()

    def __init__(self, thing: object, size: int) -> None:
        super().__init__(thing, None)
        self.type = f"{self.type}, {_sizes.show(size)}"

    def listing(self) -> str:
        for change in self.rows[0].changes if self.rows else ():
            words = change.split()
            words = words[words[0] in _VARIABLES:]
            self.label = words[0] if words[1:2] in (["in"], ["of"]) and words[0].isidentifier() else self.label
        return super().listing()


def _owned(thing: Any, blocks: Dict[int, _Open]) -> int:
    """The address of the block that is the object's own; 0: none."""
    for before in _HEADERS:
        if id(thing) - before in blocks:
            return id(thing) - before
    for pointer in _contents(thing):
        for before in _BEFORE:
            if pointer - before in blocks:
                return pointer - before
    return 0


def _contents(thing: Any) -> Iterator[int]:
    """Where the content of an object is that is not in its own block."""
    kind = type(thing)
    ndarray = _steps.loaded("numpy", "ndarray")
    if isinstance(ndarray, type) and issubclass(kind, ndarray):
        if ndarray.__dict__["flags"].__get__(thing).owndata:
            yield _words(thing, ndarray)[_FIRST]
        return
    array = _steps.loaded("array", "array")
    for base in (list, bytearray, dict, set, frozenset, array):
        if isinstance(base, type) and issubclass(kind, base):
            yield from _words(thing, base)[_FIRST:]


def _words(thing: object, kind: type) -> List[int]:
    """Its memory, as far as its type lays that out."""
    return list((ctypes.c_size_t * (kind.__basicsize__ // _WORD)).from_address(id(thing)))


def _candidates(kind: str, frame: types.FrameType, returned: int) -> Iterator[Any]:
    """Objects that this thread has at hand, the nearest first."""
    level: List[Any] = []
    if kind == _lines.END and returned:
        level.append(ctypes.cast(returned, ctypes.py_object).value)
    for one in list(_frames.stack(frame))[:_FRAMES]:
        if _lines.of_program(one.f_code):
            level += (value for _, value in _frames.variables(one))
    level += itertools.islice(frame.f_globals.values(), _WIDE)
    seen: Set[int] = set()
    for _ in range(_DEEP):
        for at in range(len(level)):
            yield level[at]
        level = [one for one in level if id(one) not in seen and _leads_on(one)]
        seen.update(map(id, level))
        level = gc.get_referents(*level)[:_WIDE]


def _leads_on(one: Any) -> bool:
    kind = type(one)
    if issubclass(kind, _ENDS):
        return False
    if kind in (list, tuple, dict, set, frozenset):
        return len(one) <= _LONG and not (kind is dict and "__builtins__" in one)
    return True


def _tell() -> None:
    """What was left out, as the program ends."""
    if _state is None or _state.failed:
        return
    _state.give_up(_state.open_blocks())
    _state.close()
    if _state.table.more:
        why = (f"at most {_MOST} objects of a process are followed" if _state.in_vain < _IN_VAIN else
               "too long was looked for objects in vain")
        _say.say(f"--watch: {len(_state.followed)} objects were followed; {_state.table.more} more blocks of that size were left "
                 f"out ({why})")
    if _state.unfound:
        _say.say(f"--watch: of {_state.unfound} blocks of that size no object was found")


def _forked() -> None:
    """What its parent has made is not the child's."""
    if _state is not None:
        ctypes.memset(ctypes.addressof(_state.table.blocks), 0, ctypes.sizeof(_state.table.blocks))
        _state.table.more = _state.table.closed = _state.unfound = _state.in_vain = 0
        _state.followed.clear()
        _state.looks.clear()
        _state.ages.clear()
