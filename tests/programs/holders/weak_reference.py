"""A weak reference holds nothing, but what it can still give may be used."""
import sys
import weakref

N = 8 << 20
CACHE = weakref.WeakValueDictionary()
EXPECT = {
    "weakly": {
        "first": {"is": "local image in weakly", "line": "here", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "none": [{"is": "global CACHE", "at_least": "N // 2"}],
        "dead": [],
        "saves_nothing": True,
    },
    "cached": {
        "first": {"is": "local image in cached", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [],
        "saves_nothing": True,
    },
    "finalized": {
        "first": {"is": "local image in finalized", "verdict": "unknown", "bytes": "N", "saves": "0"},
        "dead": [],
        "saves_nothing": True,
    },
    "no_more": {
        "first": {"is": "local image in no_more", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["image in no_more"],
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
    reference = weakref.ref(image)
    work()  # @here
    return len(reference().pixels)


def cached():
    image = Image()
    CACHE["it"] = image
    work()
    return len(CACHE["it"].pixels)


def finalized():
    image = Image()
    weakref.finalize(image, print, "closed")
    work()


def no_more():
    image = Image()
    reference = weakref.ref(image)
    del reference
    work()


def gone():
    image = Image()
    CACHE["it"] = image
    reference = weakref.ref(image)
    del image
    work()
    return reference


globals()[sys.argv[1]]()
