"""Objects that stay, each in another place: prints what is told of each, as JSON by label."""
import asyncio
import concurrent.futures
import functools
import gc
import json
import logging
import logging.handlers
import sys
import threading
import time

import gate
import holdfast


class Thing:
    pass


class Slots:
    __slots__ = ("held",)  # and no weak references


KEPT = {}
told = {}
release = threading.Event()
expect = functools.partial(holdfast.should_go_away, within=0)


def nested():
    thing = Thing()
    owner, slots = Thing(), Slots()
    owner.rows, slots.held = slots, thing
    KEPT["users"] = [1, 2, 3, owner]
    expect(thing, "nested")


def running_local():
    data = [Thing()]
    expect(data, "local")
    release.wait()
    return data


def thread_arguments():
    pair = (Thing(), 1)
    expect(pair, "argument")
    in_thread(lambda first, second: release.wait(), "busy", 1, pair)


def closure():
    memo = {"1": Thing()}

    def fill():
        return memo
    KEPT["fill"] = fill
    expect(memo, "closure")


def last_traceback():
    def load():
        buffer = Thing()
        expect(buffer, "traceback")
        raise ValueError("not loaded")
    try:
        load()
    except ValueError as error:
        sys.last_traceback = error.__traceback__


def handled():
    """An exception that a thread is handling, and no variable refers to."""
    def deep():
        block = Thing()
        expect(block, "handled")
        raise KeyError(1)
    try:
        deep()
    except KeyError:
        release.wait()


def future():
    thing, error = Thing(), ValueError()
    error.culprit = thing
    KEPT["future"] = concurrent.futures.Future()
    KEPT["future"].set_result(thing)
    expect(thing, "result")
    loop = asyncio.new_event_loop()
    other = Thing()
    KEPT["asyncio"] = loop.create_future()
    KEPT["asyncio"].set_result(other)
    expect(other, "asyncio result")
    loop.close()


def record():
    thing = Thing()
    KEPT["log"] = logging.handlers.MemoryHandler(100)
    logger = logging.Logger("mine")
    logger.addHandler(KEPT["log"])
    logger.warning("%s", thing)
    expect(thing, "record")


def generator():
    def numbers():
        rows = Thing()
        expect(rows, "generator")
        yield 1
        return rows
    KEPT["numbers"] = numbers()
    next(KEPT["numbers"])


@functools.lru_cache(maxsize=None)
def cached(key):
    thing = Thing()
    expect(thing, "cached")
    return thing


def cycle():
    first, second = Thing(), Thing()
    first.second, second.back = second, {"first": first}
    expect(first, "cycle")


def attribute():
    Thing.shared = [1, [2]]
    expect(Thing.shared, "attribute")


def plain():
    KEPT["number"] = (1, 10 ** 40 + len(KEPT))  # which the cycle collector leaves alone
    expect(KEPT["number"][1], "number")


def in_thread(function, name, *arguments):
    """Until it waits for its release there."""
    thread = threading.Thread(target=function, name=name, args=arguments, daemon=True)
    thread.start()
    while not waits(thread.ident):
        time.sleep(0.001)


def waits(thread):
    frame = sys._current_frames().get(thread)
    return frame is not None and frame.f_code is threading.Condition.wait.__code__


def keep(late):
    told[late.label] = {"certain": late.certain, "type": late.type, "holders": late.holders, "text": late.text,
                        "files": late.files}


gc.collect()
gc.disable()  # the cycle is to stay
holdfast.configure(callback=keep, most=100, folder=sys.argv[1], seconds=30)
for case in (nested, thread_arguments, closure, last_traceback, future, record, generator, cycle, attribute, plain):
    case()
cached(1)
in_thread(running_local, "local")
in_thread(handled, "handled")
expect([Thing()], "gone")
expect(Thing(), "gone")
gate.placed.set()
while holdfast.pending():
    time.sleep(0.01)
time.sleep(0.05)
release.set()
print(json.dumps(told))
