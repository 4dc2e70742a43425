"""asyncio: a pending task keeps its coroutine's locals; so do a coroutine nobody awaited and an async generator."""
import asyncio
import sys

N = 8 << 20
EXPECT = {
    "pending_task": {
        "first": {"is": "generator|local|global|interpreter|native|context|thread", "verdict": "not dead", "bytes": "N",
                  "says": ["buffer", "fetch"]},
        "dead": [],
        "read": ["buffer in fetch"],
        "saves_nothing": True,
    },
    "awaiting": {
        "first": {"is": "local|generator data in outer", "verdict": "not dead", "bytes": "N"},
        "dead": [],
        "read": ["data in outer"],
        "saves_nothing": True,
    },
    "never_awaited": {
        "first": {"is": "local|generator", "verdict": "not dead", "bytes": "N", "says": ["coming"]},
        "dead": [],
        "saves_nothing": True,
    },
    "asynchronous_generator": {
        "first": {"is": "local|generator", "verdict": "not dead", "bytes": "N", "says": ["part"]},
        "dead": [],
        "read": ["part in parts"],
        "saves_nothing": True,
    },
}


def work():
    return bytearray(N)  # @peak


async def fetch(gate):
    buffer = bytearray(N)
    await gate.wait()
    return len(buffer)


async def with_task():
    gate = asyncio.Event()
    task = asyncio.ensure_future(fetch(gate))
    await asyncio.sleep(0)
    work()
    gate.set()
    return await task


def pending_task():
    asyncio.run(with_task())


async def inner():
    work()


async def outer():
    data = bytearray(N)
    await inner()
    return len(data)


def awaiting():
    asyncio.run(outer())


async def measure(data):
    return len(data)


def never_awaited():
    coming = measure(bytearray(N))
    work()
    coming.close()


async def parts():
    part = bytearray(N)
    yield 1
    yield len(part)


async def take_parts():
    stream = parts()
    await stream.__anext__()
    work()
    return await stream.__anext__()


def asynchronous_generator():
    asyncio.run(take_parts())


globals()[sys.argv[1]]()
