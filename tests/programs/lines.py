"""Allocations in every kind of frame and thread: the stack and the line of each must be right.

    lines.py HELPERS [greenlet]
"""
import asyncio
import ctypes
import os
import sys
import threading

libc = ctypes.CDLL(None)
holding = ctypes.PyDLL(None)  # the same functions, called with the GIL
helpers, holding_helpers = ctypes.CDLL(sys.argv[1]), ctypes.PyDLL(sys.argv[1])
for library in (libc, holding):
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
for library in (helpers, holding_helpers):
    library.thread_renamed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
helpers.threads_hold.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_size_t,
                                 ctypes.c_int]
CALLBACK = ctypes.CFUNCTYPE(None)
MODULES = 2000
DEEP = 100000


def numbers():
    libc.malloc(10001)  # holds: 10001 in 1 under use_generator > numbers
    yield 1
    holding.malloc(10002)  # holds: 10002 in 1 under drain > numbers
    yield 2


def drain(generator):
    for _ in generator:
        libc.malloc(10003)  # holds: 10003 in 1 under use_generator > drain


def use_generator():
    generator = numbers()
    next(generator)
    drain(generator)


def delegate():
    yield from inner_generator()


def inner_generator():
    yield holding.malloc(10004)  # holds: 10004 in 1 under use_delegation > delegate > inner_generator


def use_delegation():
    list(delegate())


async def step():
    libc.malloc(10005)  # holds: 10005 in 1 under outer_step > step
    await asyncio.sleep(0)
    holding.malloc(10006)  # holds: 10006 in 1 under outer_step > step


async def outer_step():
    await step()
    libc.malloc(10007)  # holds: 10007 in 1


def use_coroutine():
    asyncio.run(outer_step())


async def numbers_later():
    yield 1
    libc.malloc(10008)  # holds: 10008 in 1 under use_them > numbers_later
    yield 2


async def use_them():
    async for _ in numbers_later():
        pass


def use_async_generator():
    asyncio.run(use_them())


def on_callback():
    holding.malloc(10009)  # holds: 10009 in 1 under on_callback


def use_renamed_threads():
    helpers.thread_renamed(b"by-another", 1201, 0)
    helpers.thread_renamed(b"by-itself", 1203, 1)
    holding_helpers.thread_renamed(b"by-the-holder", 1205, 0)
    holding_helpers.thread_renamed(b"by-itself-again", 1207, 1)


def use_foreign_thread():
    callback = CALLBACK(on_callback)
    helpers.call_from_thread(callback)


def use_named_thread():
    helpers.threads_hold(b"pure-c-thread", 1, 7, 1001, 0)


def use_comprehension():
    return [holding.malloc(10010) for _ in range(3)]  # holds: 30030 in 3


def use_lambda():
    return (lambda size: libc.malloc(size))(10011)  # holds: 10011 in 1


class Thing:
    made = holding.malloc(10012)  # holds: 10012 in 1

    def __init__(self):
        libc.malloc(10013)  # holds: 10013 in 1 under use_class > __init__

    @property
    def size(self):
        return libc.malloc(10014)  # holds: 10014 in 1 under use_class > size


def use_class():
    return Thing().size


def use_except():
    try:
        raise ValueError
    except ValueError:
        libc.malloc(10015)  # holds: 10015 in 1
    finally:
        libc.malloc(10016)  # holds: 10016 in 1


def use_with_continuation():
    return sum([
        1 if libc.malloc(10017) else 0,  # holds: 10017 in 1
        1 if libc.malloc(10018) else 0,  # holds: 10018 in 1
    ])


FAR = ("def far():\n    malloc(5003)" + "\n" * 300 + "    malloc(5004)\n" + "    size = 1\n" * 70000 +
       "    malloc(5005)\nfar()\n")


def use_far_lines():
    """Distances that one byte, and two, cannot tell are cases of their own in the line tables."""
    exec(compile(FAR, "far.py", "exec"), {"malloc": libc.malloc})


def use_callback_from_c():
    return sorted([3, 1, 2], key=by_key)


def by_key(item):
    libc.malloc(1020)  # holds: 3060 in 3 under use_callback_from_c > by_key
    return item


def sink(depth):
    if depth:
        return sink(depth - 1)
    # Large, because reports shorten the stacks of small sites.
    return libc.malloc(200 << 20)  # holds: 200 << 20 in 1 under sink > sink > sink


def use_deep_recursion():
    sys.setrecursionlimit(DEEP + 1000)
    threading.stack_size(1 << 30)
    thread = threading.Thread(target=sink, args=(DEEP,), name="deep")
    thread.start()
    thread.join()
    threading.stack_size(0)


def use_many_modules():
    """Code objects come and go, at few addresses; the lines tell the modules apart."""
    for number in range(MODULES):
        text = "\n" * (number % 97) + f"def made_{number}():\n\n    malloc(3000 + {number})\nmade_{number}()\n"
        exec(compile(text, f"module_{number}.py", "exec"), {"malloc": libc.malloc})


def use_threads():
    threads = [threading.Thread(target=in_thread, name=f"worker-{at}") for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_thread():
    for _ in range(500):
        libc.malloc(101)  # holds: 8 * 500 * 101 in 4000
        holding.malloc(103)  # holds: 8 * 500 * 103 in 4000


SUB = """
def in_subinterpreter():
    return bytes(1000003)
bytes(1)  # 3.10 makes room for the names of special methods when the first one is looked up
held = in_subinterpreter()
"""


def use_subinterpreter():
    """Held by the subinterpreter, which lives on."""
    code = f"exec(compile({SUB!r}, 'sub.py', 'exec'))"
    try:
        import _interpreters
        _interpreters.run_string(_interpreters.create(), code)
    except ImportError:
        import _xxsubinterpreters
        keep_alive.append(_xxsubinterpreters.create())
        _xxsubinterpreters.run_string(keep_alive[-1], code)


keep_alive = []


def use_greenlets():
    import greenlet

    def child():
        holding.malloc(10030)  # holds: with_greenlet * 10030 under child
        parent.switch()
        deeper()

    def deeper():
        libc.malloc(10031)  # holds: with_greenlet * 10031 under child > deeper
        parent.switch()

    parent = greenlet.getcurrent()
    task = greenlet.greenlet(child)
    task.switch()
    libc.malloc(10032)  # holds: with_greenlet * 10032 under use_greenlets
    task.switch()
    holding.malloc(10033)  # holds: with_greenlet * 10033 under use_greenlets


def summit():
    return libc.malloc(512 << 20)  # holds: 512 << 20 in 1


def main():
    for name, function in list(globals().items()):
        if name.startswith("use_") and (name != "use_greenlets" or "greenlet" in sys.argv):
            if name not in ("use_them",):
                function()
    summit()


main()
# Subinterpreters that still exist trouble the end of some versions: not what this is about.
sys.stdout.flush()
os._exit(0)
