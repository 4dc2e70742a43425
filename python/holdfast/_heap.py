"""All objects that the cycle collector knows, looked at without holding them.

`gc.get_objects()` gives tuples, too, that another thread is about to fill: while anybody else refers to such a tuple, that
thread's `tuple(...)` fails. And what is held dies later, in another thread. So each look here is one call of C code,
from the list's making to its end: no other thread runs meanwhile, and no collection, which would call destructors in the
middle and let others run. Only what was looked for is held afterwards.

Free-threaded builds have no such moment: there nothing is looked at.
"""
import gc
import itertools
import operator
import sys
from typing import AbstractSet, Any, Callable, Dict, Iterable, Iterator, List, TypeVar

from . import _frames

_GENERATIONS = (0, 1, 2)
_MOST = 3_000_000  # objects that are looked through at once
# And with all that they refer to: some half a second for each million, in which no other thread runs.
MOST_REFERRED = 1_000_000


_NEVER = object()
_call = operator.methodcaller("__call__")
_Result = TypeVar("_Result")


class Own(list):  # type: ignore[type-arg]
    """A list of ours, which is no holder."""


def _alone(make: Callable[[Iterable[Any]], _Result], items: Iterator[Any]) -> _Result:
    """make(items), with None before and behind them, and without a collection.

    Up to 3.11 one may come with any object that is made. It is kept away within that same call: between two, another thread
    might say, too, whether there are to be collections.
    """
    if sys.version_info >= (3, 12):
        return make(itertools.chain((None,), items, (None,)))
    were: List[bool] = []
    note = map(were.append, itertools.islice(iter(gc.isenabled, _NEVER), 1))
    stop = itertools.islice(iter(gc.disable, _NEVER), 1)
    go_on = map(_call, map((gc.disable, gc.enable).__getitem__, were))
    try:
        return make(itertools.chain(note, stop, items, go_on))
    except BaseException:  # no memory: the end did not come
        if were and were[0]:
            gc.enable()
        raise


def _objects(generation: int) -> Iterator[Any]:
    """Listed when the first one is asked for. Two of these in one call are the same but for the end of the youngest,
    where the first list itself is in the second one."""
    return itertools.chain.from_iterable(map(gc.get_objects, (generation,)))


def _of_all(generation: int) -> Iterator[Any]:
    """What they refer to."""
    return itertools.chain.from_iterable(map(gc.get_referents, _objects(generation)))


def any_young(addresses: AbstractSet[int]) -> bool:
    return not addresses.isdisjoint(_alone(set, map(id, _objects(0))))


def young_places() -> Dict[int, int]:
    """Of the objects that no collection has seen: their places by address, the oldest first."""
    return _alone(_places, map(id, _objects(0)))


def _places(addresses: Iterable[Any]) -> Dict[int, int]:
    return dict(zip(addresses, itertools.count()))


def _chosen(objects: Iterator[Any], choices: Iterator[bool]) -> Own:
    """Both are gone through to their ends: an unfinished one would be in the list that it goes through, and keep it."""
    found = _alone(Own, itertools.compress(itertools.chain(objects, itertools.repeat(None)), choices))
    while found and found[-1] is None:
        found.pop()
    while found and found[0] is None:
        del found[0]
    return found


def _pick(objects: "Callable[[int], Iterator[Any]]", addresses: "set[int]") -> List[Any]:
    found = Own()
    for generation in _GENERATIONS if _frames.has_gil() else ():
        found += _chosen(objects(generation), map(addresses.__contains__, map(id, objects(generation))))
    return found


def tracked(addresses: "set[int]") -> List[Any]:
    """The objects with these addresses that the cycle collector knows."""
    return _pick(_objects, addresses)


def referred(addresses: "set[int]") -> List[Any]:
    """The objects with these addresses that others refer to."""
    return _pick(_of_all, addresses) if count() <= MOST_REFERRED else []


def holders_of_anything() -> List[Any]:
    """All but tuples: those that are whole are found by what refers to them."""
    found = Own()
    for generation in _GENERATIONS if _frames.has_gil() and count() <= _MOST else ():
        chosen = _chosen(_objects(generation), map(operator.is_not, map(type, _objects(generation)), itertools.repeat(tuple)))
        found.extend(one for one in chosen if type(one) is not Own)
        chosen.clear()  # it is one of them
    return found


def count() -> int:
    return sum(map(len, map(gc.get_objects, (None,))))


def referrers(targets: "tuple[Any, ...]") -> Own:
    """Who refers to any of them; without tuples that are being filled, and without that one."""
    found = Own(gc.get_referrers(*targets))
    whole = Own()
    for one in found:
        if type(one) is not tuple or (one is not targets and len(one) == len(gc.get_referents(one))):
            whole.append(one)
    return whole
