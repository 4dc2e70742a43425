"""A pandas frame that is cleaned into another, while the raw one is still held."""
import sys

import numpy
import pandas

# Texts that pyarrow keeps come with an arena of 1 GiB, beside which nothing here would be big.
pandas.set_option("future.infer_string", False)

NEEDS = ["numpy", "pandas"]
N = 32 << 20
EXPECT = {
    "clinging": {
        "some": [{"is": "local raw in clinging", "line": "here", "verdict": "dead", "type": "ndarray|DataFrame",
                  "bytes": "N", "saves": "N"}],
        "dead": ["raw in clinging", "clean in clinging"],
        "released": ["same_name"],
    },
    "same_name": {"dead": ["frame in same_name"]},
}


def load():
    return pandas.DataFrame(numpy.ones((N // 32, 4)), columns=list("abcd"))


def clean_up(frame):
    return frame * 2.0


def summarise(frame):
    return numpy.ones(N // 4).sum() + len(frame)  # @peak


def clinging():
    raw = load()
    clean = clean_up(raw)
    return summarise(clean)  # @here


def same_name():
    frame = load()
    frame = clean_up(frame)
    return summarise(frame)


globals()[sys.argv[1]]()
