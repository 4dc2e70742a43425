"""What only the interpreter itself, a static type or a variable of a C library keeps."""
import atexit
import codecs
import ctypes
import datetime
import faulthandler
import gc
import os
import signal
import sys

NEEDS = ["helpers"]
N = 8 << 20
EXPECT = {
    "codec_search": {
        "first": {"is": "interpreter codec_search_path", "verdict": "unknown", "bytes": "N",
                  "path": r"^interpreter -> codec_search_path\[\d+\]\.rows$"},
        "dead": [],
        "saves_nothing": True,
    },
    "codec_errors": {
        "first": {"is": "interpreter codec_error_registry", "verdict": "unknown", "bytes": "N",
                  "path": r"^interpreter -> codec_error_registry\[\"of rows\"\]\.rows$"},
        "dead": [],
    },
    "at_exit": {
        "some": [
            {"is": "interpreter atexit_arguments", "bytes": "N", "path": r"^interpreter -> atexit_arguments\[0\]$",
             "verdict": "unknown", "since": "3.10", "until": "3.13"},
            {"is": "interpreter atexit_callbacks", "bytes": "N", "since": "3.14",
             "path": r"^interpreter -> atexit_callbacks\[\d+\]\[1\]\[0\]$"},
            {"is": "global|interpreter", "bytes": "N", "path": r"^atexit -> tuple\[0\]$", "verdict": "unknown",
             "until": "3.9"},
        ],
        "none": [{"is": "native", "at_least": "N"}],
        "dead": [],
    },
    "before_fork": {
        "first": {"is": "interpreter before_forkers", "bytes": "N",
                  "path": r"^interpreter -> before_forkers\[\d+\]\.rows$"},
        "dead": [],
    },
    "audit_hook": {
        "first": {"is": "interpreter audit_hooks", "bytes": "N", "path": r"^interpreter -> audit_hooks\[0\]\.rows$"},
        "dead": [],
    },
    "signal_handler": {
        "first": {"is": "static interpreter", "bytes": "N", "verdict": "unknown",
                  "path": r"^static memory of the interpreter -> bound method\.__self__\.rows$"},
        "dead": [],
    },
    "fault_file": {
        "first": {"is": "global|interpreter|static", "bytes": "N", "verdict": "unknown",
                  "path": r"^(faulthandler|static memory of the interpreter) -> __main__\.Keeper\.rows$"},
        "dead": [],
    },
    "static_type": {
        "first": {"is": "class rows", "bytes": "N", "path": r"^datetime\.rows$", "verdict": "unknown"},
        "dead": [],
    },
    "static_variable": {
        "first": {"is": "static helpers.so", "bytes": "N", "verdict": "unknown",
                  "path": r"^static memory of helpers\.so$"},
        "dead": [],
        "saves_nothing": True,
    },
    "list_in_variable": {
        "first": {"is": "static helpers.so", "bytes": "N", "verdict": "unknown",
                  "path": r"^static memory of helpers\.so -> list\[0\]$"},
        "dead": [],
    },
    # The cycle collector need not know it, and nobody else refers to it.
    "bytes_in_variable": {
        "first": {"is": "static helpers.so", "bytes": "N", "verdict": "unknown",
                  "path": r"^static memory of helpers\.so$", "type": "^bytes$"},
        "dead": [],
    },
    # A variable that does not count as a reference keeps nothing.
    "borrowed": {
        "first": {"is": "local data in borrowed", "verdict": "dead", "bytes": "N", "saves": "N"},
        "dead": ["data in borrowed"],
    },
    "borrowed_garbage": {
        "first": {"is": "garbage", "verdict": "garbage", "at_least": "N"},
        "garbage": "N",
        "dead": [],
    },
    # ... and one that does is not all that keeps it.
    "variable_and_local": {
        "first": {"is": "local data in variable_and_local", "verdict": "in use", "bytes": "N"},
        "dead": [],
        "read": ["data in variable_and_local"],
    },
}


class Keeper:
    def __init__(self):
        self.rows = bytearray(N)

    def __call__(self, *arguments):
        return None

    def fileno(self):
        return 2

    def handle(self, number, frame):
        pass


class Knot:
    pass


def work():
    return bytearray(N)  # @peak


def helper(reference, thing):
    if reference:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    ctypes.PyDLL(sys.argv[2]).keep(ctypes.c_void_p(id(thing)))


def codec_search():
    codecs.register(Keeper())
    work()


def codec_errors():
    codecs.register_error("of rows", Keeper())
    work()


def at_exit():
    atexit.register(len, bytearray(N))
    work()


def before_fork():
    os.register_at_fork(before=Keeper())
    work()


def audit_hook():
    sys.addaudithook(Keeper())
    work()


def signal_handler():
    signal.signal(signal.SIGUSR1, Keeper().handle)
    work()


def fault_file():
    faulthandler.enable(Keeper())
    work()


def static_type():
    gc.get_referents(datetime.datetime.__dict__)[0]["rows"] = bytearray(N)
    work()


def static_variable():
    helper(True, bytearray(N))
    work()


def list_in_variable():
    helper(True, [bytearray(N)])
    work()


def bytes_in_variable():
    helper(True, bytes(N))
    work()


def borrowed():
    data = bytearray(N)
    helper(False, data)
    work()


def borrowed_garbage():
    gc.disable()
    knot = Knot()
    knot.rows, knot.itself = bytearray(N), knot
    helper(False, knot)
    del knot
    work()


def variable_and_local():
    data = bytearray(N)
    helper(True, data)
    work()
    return len(data)


globals()[sys.argv[1]]()
