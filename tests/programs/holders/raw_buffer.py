"""A raw buffer that is kept while what came of it is parsed."""
import sys

N = 8 << 20
EXPECT = {
    "kept": {
        "some": [
            {"is": "local raw in kept", "line": "here", "verdict": "dead", "type": "^bytes$", "bytes": "N",
             "saves": "N"},
            {"is": "local|argument text in parse", "verdict": "in use|unknown", "type": "^str$", "bytes": "N"},
        ],
        # `text` is not read again either, but parse() needs it: letting go saves nothing.
        "dead": ["raw in kept", "text in kept"],
        "none": [{"is": "local text", "verdict": "dead", "saves": "N"}],
        "released": ["passed_on"],
    },
    "passed_on": {"dead": ["text in passed_on"], "saves_nothing": True},
}


def read():
    return b"x," * (N // 2)


def parse(text):
    return text.upper()  # @peak


def kept():
    raw = read()
    text = raw.decode("ascii")
    return parse(text)  # @here


def passed_on():
    text = read().decode("ascii")
    return parse(text)


globals()[sys.argv[1]]()
