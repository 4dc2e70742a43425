"""The walk of walk.py, with an object that is big enough to be followed by itself: no word of Holdfast is in here."""


def g(o):
    print(len(o))


def f():
    obj = bytearray(300000)
    g(obj)


f()
