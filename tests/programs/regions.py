"""Regions of a Python program: each holds what its name says, and a little that Python needs for itself."""
import sys
import threading

import holdfast

MB = 1 << 20
assert holdfast.is_traced() == (sys.argv[1:] == ["traced"])
kept = []


def hold(count):
    return bytearray(count * MB)


with holdfast.region("30, keeps 5") as outer:
    a = hold(10)
    with holdfast.region("20"):
        b = hold(20)
        del b
    kept.append(hold(5))
    del a

try:
    with holdfast.region("7, raised"):
        c = hold(7)
        raise KeyError("c")
except KeyError:
    pass
del c


@holdfast.region("9")
def decorated():
    return len(hold(9))


decorated()


def work(count):
    mine.wait()
    with holdfast.region(f"{count}"):
        mine.wait()
        block = hold(count)
        mine.wait()
        del block


mine = threading.Barrier(2)
threads = [threading.Thread(target=work, args=(count,)) for count in (40, 41)]
with holdfast.region("81, all threads", all_threads=True):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

if holdfast.is_traced():
    assert 30 * MB <= outer.figures().peak < 31 * MB
    assert 5 * MB <= outer.figures().kept_largest <= outer.figures().kept < 6 * MB
else:
    try:
        outer.figures()
    except holdfast.NotTraced as error:
        assert "holdfast run" in str(error)
    else:
        raise AssertionError("figures of what was not traced")
