"""Regions in tasks that take turns: each line printed is a region, what it held at most, and what it kept.

Each task holds its own block while others allocate theirs, so a region that was charged with what others do
while its task waits would be far too high.
"""
import asyncio
import sys
import threading

import holdfast

MB = 10**6
kept = []


def tell(region, peak, keeps=0):
    print(f"{region.name} {peak * MB} {keeps * MB}", *(region.figures()[:2] if holdfast.is_traced() else ()))


async def turns():
    for _ in range(3):
        await asyncio.sleep(0)


async def in_turn(size, mine, next_one):
    with holdfast.region(f"turn {size}") as region:
        await mine.wait()
        block = bytearray(size * MB)
        next_one.set()
        await turns()
        with holdfast.region(f"inner {size}") as inner:
            more = bytearray(2 * MB)
            await turns()
            del more
        kept.append(block)
    tell(inner, 2)
    tell(region, size + 2, size)


async def outside():
    """In no region."""
    for _ in range(12):
        assert bytearray(50 * MB)
        await asyncio.sleep(0)


shared = holdfast.region("shared")


async def sharing(size):
    with shared:
        assert bytearray(size * MB)
        await turns()


async def failing(regions):
    with holdfast.region("failing") as region:
        regions.append(region)
        block = bytearray(4 * MB)
        await turns()
        raise ValueError(len(block))


async def cancelled(regions):
    with holdfast.region("cancelled") as region:
        regions.append(region)
        block = bytearray(6 * MB)
        await asyncio.sleep(1000)
        return block


async def main():
    events = [asyncio.Event() for _ in range(4)]
    events[0].set()
    ended = []
    tasks = [asyncio.ensure_future(in_turn(10 * (i + 1), events[i], events[i + 1])) for i in range(3)]
    tasks += [asyncio.ensure_future(task) for task in (outside(), sharing(7), sharing(3), decorated(), failing(ended))]
    last = asyncio.ensure_future(cancelled(ended))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(result) for result in results if result is not None] == ["4000000"]
    last.cancel()
    await asyncio.gather(last, return_exceptions=True)
    for region, peak in zip(ended, (4, 6)):
        tell(region, peak, peak)


@holdfast.region("decorated")
async def decorated():
    assert bytearray(8 * MB)
    await turns()
    assert bytearray(9 * MB)


class Waiting:
    """What coroutines of a loop of our own wait for."""

    def __await__(self):
        yield self


async def by_hand(size):
    block = bytearray(size * MB)
    await Waiting()
    try:
        await Waiting()
    except KeyError:
        return len(block)


def without_asyncio():
    """A decorated coroutine needs no loop that can be followed."""
    steps = [holdfast.region(f"by hand {size}")(by_hand)(size) for size in (11, 12)]
    for _ in range(2):
        assert all(isinstance(step.send(None), Waiting) for step in steps)
        assert bytearray(60 * MB)
    for step, size in zip(steps, (11, 12)):
        try:
            step.throw(KeyError())
        except StopIteration as stop:
            assert stop.value == size * MB
    holdfast.region("closed")(by_hand)(1).close()


if __name__ == "__main__":
    own_run = asyncio.Handle._run
    second = threading.Thread(target=asyncio.run, args=(sharing(5),))
    second.start()
    asyncio.run(main())
    second.join()
    without_asyncio()
    assert asyncio.Handle._run is own_run, "nothing is left of what followed the tasks"
    sys.exit(len(kept) - 3)
