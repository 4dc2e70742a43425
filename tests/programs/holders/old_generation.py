"""A cycle that was old when it died: young collections pass it over."""
import gc
import sys

N = 8 << 20
EXPECT = {
    "grown_old": {
        "garbage": "N",
        "some": [{"is": "garbage", "verdict": "garbage", "bytes": "N", "says": ["Page"]}],
        "dead": [],
        "released": ["collected"],
    },
    "collected": {"dead": [], "no_garbage": "N"},
}


class Page:
    def __init__(self):
        self.itself = self
        self.rows = bytearray(N)


def visit():
    page = Page()
    gc.collect()  # whatever lives now is old
    page.itself.seen = True


def work():
    return bytearray(N)  # @peak


def grown_old():
    gc.disable()
    visit()
    work()


def collected():
    visit()
    gc.collect()
    work()


globals()[sys.argv[1]]()
