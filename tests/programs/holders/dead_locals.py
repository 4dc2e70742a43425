"""Locals that are dead in less plain ways: after the last branch, after a loop, in an except block, unused results."""
import sys

N = 8 << 20
EXPECT = {
    "after_branches": {
        "first": {"is": "local data in after_branches", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in after_branches"],
        "released": ["nothing"],
    },
    "overwritten": {
        "first": {"is": "local data in overwritten", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in overwritten"],
        "released": ["nothing"],
    },
    "next_turn_overwrites": {
        "first": {"is": "local data in next_turn_overwrites", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in next_turn_overwrites"],
    },
    "unused_result": {
        "first": {"is": "local unused in unused_result", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["unused in unused_result"],
        "released": ["nothing"],
    },
    "in_except": {
        "first": {"is": "local data in in_except", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in in_except"],
        "released": ["nothing"],
    },
    "parameter": {
        "some": [{"is": "local data in take", "bytes": "N", "verdict": "dead", "since": "3.11"},
                 {"is": "local|argument in take|parameter", "bytes": "N", "until": "3.10"}],
        "dead": ["data in take", "* in parameter"],
    },
    "star_arguments": {
        "some": [{"is": "local everything in take_all", "bytes": "N", "verdict": "dead", "since": "3.11"},
                 {"is": "local|argument in take_all|star_arguments", "bytes": "N", "until": "3.10"}],
        "dead": ["everything in take_all", "* in star_arguments"],
    },
    "two_frames": {
        "some": [{"is": "local outer in two_frames", "verdict": "dead", "bytes": "N", "saves": "N"},
                 {"is": "local inner in second", "verdict": "dead", "bytes": "N", "saves": "N"}],
        "dead": ["outer in two_frames", "inner in second"],
        "released": ["nothing"],
    },
    "earlier_peak": {
        "first": {"is": "local data in earlier_peak", "verdict": "dead", "bytes": "2 * N"},
        "dead": ["data in earlier_peak"],
        "released": ["earlier_peak_cured"],
    },
    "earlier_peak_cured": {"dead": []},
    "nothing": {"dead": []},
}


def work():
    return bytearray(2 * N)  # @peak


def nothing():
    len(bytearray(N))
    work()


def after_branches():
    data = bytearray(N)
    if sys.argv:
        size = len(data)
    else:
        size = -len(data)
    work()
    return size


def overwritten():
    data = bytearray(N)
    len(data)
    data = work()
    return data


def next_turn_overwrites():
    for _ in range(2):
        data = bytearray(N)
        len(data)
        work()


def unused_result():
    unused = bytearray(N)
    work()


def in_except():
    data = bytearray(N)
    try:
        raise KeyError(len(data))
    except KeyError:
        work()


def take(data):
    size = len(data)
    work()
    return size


def parameter():
    take(bytearray(N))


def take_all(*everything):
    size = len(everything)
    work()
    return size


def star_arguments():
    take_all(bytearray(N))


def second():
    inner = bytearray(N)
    size = len(inner)
    work()
    return size


def two_frames():
    outer = bytearray(N)
    size = len(outer)
    second()
    return size


def early():
    return len(bytearray(3 * N))


def earlier_peak():
    """Without `data` the peak would be that of early(), half as high as letting go alone would suggest."""
    early()
    data = bytearray(2 * N)
    size = len(data)
    work()
    return size


def earlier_peak_cured():
    early()
    size = len(bytearray(2 * N))
    work()
    return size


globals()[sys.argv[1]]()
