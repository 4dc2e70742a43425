"""A weak reference holds nothing."""
import sys
import weakref

N = 8 << 20
CACHE = weakref.WeakValueDictionary()
EXPECT = {
    "weakly": {
        "first": {"is": "local image in weakly", "line": "here", "verdict": "dead", "bytes": "N", "saves": "N"},
        "none": [{"is": "global CACHE", "at_least": "N // 2"}],
        "dead": ["image in weakly"],
        "released": ["gone"],
    },
    "gone": {"none": [{"at_least": "N // 2"}], "dead": [], "saves_nothing": True},
}


class Image:
    def __init__(self):
        self.pixels = bytearray(N)


def work():
    return bytearray(N)  # @peak


def weakly():
    image = Image()
    CACHE["it"] = image
    reference = weakref.ref(image)
    work()  # @here
    return reference


def gone():
    image = Image()
    CACHE["it"] = image
    reference = weakref.ref(image)
    del image
    work()
    return reference


globals()[sys.argv[1]]()
