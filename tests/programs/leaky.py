"""Uses the extension modules leaky_* in the folder of the first argument, all built from leaky.c, in the ways that
the other arguments name; then takes memory, unless it is to be small, so that a snapshot is taken."""
import errno
import gc
import os
import signal
import subprocess
import sys

sys.path.insert(0, sys.argv[1])
WAYS = sys.argv[2:]
COUNT = 1000


class Item:
    def __init__(self):
        self.data = bytearray(1000)


class Shared:
    pass


def be_clean(module):
    """What it keeps is known to no one else."""
    things = [Item() for _ in range(COUNT)]
    for thing in things:
        module.borrow(thing)
        assert module.identity(thing) is thing
    for _ in range(COUNT):
        module.keep(Item())
    module.nothing()
    return things


def leak_items(module):
    for _ in range(COUNT):
        module.leak(Item())


def be_looked_at():
    """A snapshot is taken as memory is, and the one that asks for it waits until it is there."""
    asked = subprocess.Popen([os.environ["HOLDFAST"], "snapshot", "--name", "end", str(os.getpid())], env={},
                             stdout=subprocess.DEVNULL)
    while asked.poll() is None:
        bytearray(100000)
    assert asked.returncode == 0


def leak_late(module):
    """After the last snapshot, if what it takes is little."""
    for _ in range(COUNT):
        module.leak(Shared())


def leak_inline(module):
    for _ in range(COUNT):
        module.leak_inline(Item())


def leak_reborn(clean, inline):
    """Each dict stands where the one before has ended, of which the clean module had taken two references."""
    for i in range(COUNT):
        ended = {i: []}
        first, second = clean.identity(ended), clean.identity(ended)
        del ended, first, second
        inline.leak_inline({i: []})


def borrow_of_many(module):
    """Each class stands where the one before has ended, if it is that big."""
    for i in range(50):
        module.borrow(type(f"Class{i}", (), {"__module__": "many"})())
        gc.collect()


def leak_one(module, thing):
    for _ in range(2 * COUNT):
        module.leak(thing)


def take_memory():
    big = [bytearray(30000000)]
    big.append(bytearray(30000000))
    return len(big)


def in_child(module):
    child = os.fork()
    if child == 0:
        if module:
            leak_items(module)
        if "small" in WAYS:
            bytearray(100000)
        else:
            take_memory()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main():
    import leaky_clean
    things = be_clean(leaky_clean)
    shared = Shared()
    if "plain" in WAYS:
        import leaky_plain
        leak_items(leaky_plain)
    if "abi3" in WAYS:
        import leaky_abi3
        leak_one(leaky_abi3, shared)
    if "inline" in WAYS:
        import leaky_inline
        leak_inline(leaky_inline)
    if "reborn" in WAYS:
        import leaky_inline
        leak_reborn(leaky_clean, leaky_inline)
    if "many" in WAYS:
        borrow_of_many(leaky_clean)
    if "child" in WAYS:
        import leaky_plain
        print("child", in_child(leaky_plain))
    if "quiet-child" in WAYS:
        print("child", in_child(None))
    if "small" not in WAYS:
        take_memory()
    if "late" in WAYS:
        be_looked_at()
        leak_late(leaky_plain)
    if "kill" in WAYS:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        os.open("/nowhere/at/all", os.O_RDONLY)
    except OSError as error:
        print(len(things), sys.getrefcount(things[0]), sys.getrefcount(shared), error.errno == errno.ENOENT)
    leaky_clean.drop()


main()
