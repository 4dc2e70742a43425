"""functools.lru_cache keeps every result."""
import functools
import sys

N = 8 << 20
EXPECT = {
    "cached": {
        "some": [{"is": "cache", "verdict": "not dead", "at_least": "N // 2", "says": ["render"]}],
        "dead": [],
        "saves_nothing": True,
    },
    "method": {
        "some": [{"is": "cache", "verdict": "not dead", "at_least": "N // 2", "says": ["picture"]}],
        "dead": [],
        "saves_nothing": True,
    },
}


@functools.lru_cache(maxsize=None)
def render(page):
    return bytearray(N // 2)


class Camera:
    @functools.lru_cache(maxsize=8)
    def picture(self, number):
        return bytearray(N // 2)


def work():
    return bytearray(N)  # @peak


def cached():
    render(1)
    render(2)
    work()


def method():
    camera = Camera()
    camera.picture(1)
    camera.picture(2)
    work()


globals()[sys.argv[1]]()
