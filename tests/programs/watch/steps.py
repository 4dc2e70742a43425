"""Takes and drops references in all ways that a listing tells."""
import sys

import holdfast

KEPT = {}


class Owner:
    pass


def keep(thing):
    KEPT["thing"] = thing
    return len(KEPT)


def alias(thing):
    other = thing
    del thing
    return other is not None


def numbers(thing):
    for number in (1, 2):
        yield number


def run():
    data = Owner()
    holdfast.watch(data, "data")
    again = data
    del again
    keep(data)
    alias(data)
    owner = Owner()
    owner.field = data
    rows = [data, data]
    rows.clear()
    for _ in range(3):
        alias(data)
    del owner
    del data
    KEPT.clear()
    print("end")


run()
