"""Names of module and class bodies are never dead: whoever imports them may read them."""
import sys

N = 8 << 20
EXPECT = {
    "module": {
        "first": {"is": "global data", "verdict": "not dead", "bytes": "N"},
        "dead": [],
        "saves_nothing": True,
    },
    "body": {
        "first": {"is": "local|class data in Body", "verdict": "not dead", "bytes": "N"},
        "dead": [],
        "saves_nothing": True,
    },
    "executed": {
        "first": {"is": "local|global|argument", "verdict": "not dead", "bytes": "N", "says": ["data"]},
        "dead": [],
        "saves_nothing": True,
    },
}


def work():
    return bytearray(N)  # @peak


def body():
    class Body:
        data = bytearray(N)
        work()


def executed():
    exec("data = bytearray(N)\nwork()", {"N": N, "work": work})


def module():
    pass


if sys.argv[1] == "module":
    data = bytearray(N)
    len(data)
    work()
globals()[sys.argv[1]]()
