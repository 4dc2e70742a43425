"""What a watch is to get right besides: errors, results, generators, threads, several objects, the program's end."""
import sys
import threading

import holdfast


class Thing:
    pass


def failing(thing):
    raise KeyError(thing)


def give(thing):
    return thing


def rows(thing):
    yield 1
    yield 2


def run():
    first = Thing()
    watched = holdfast.watch(first, "first")
    try:
        failing(1)
    except KeyError:
        pass
    second = give(first)
    del second
    walking = rows(first)
    next(walking)
    walking.close()
    del walking
    other = threading.Thread(target=give, args=(first,))
    other.start()
    other.join()
    del other
    return watched


kept = [1, 2]
holdfast.watch(kept, "kept")
watched = run()
assert watched.count == 0, watched.listing()
print(watched.rows[-1].changes)
