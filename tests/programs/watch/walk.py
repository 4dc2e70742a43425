import holdfast


def g(o):
    print(o)


def f():
    obj = {"a": 1}
    holdfast.watch(obj, "obj")
    g(obj)


f()
