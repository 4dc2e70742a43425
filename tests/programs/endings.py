"""Ways to end. Each holds 5,000,003 bytes in hold() first, and says so on standard output.

    endings.py WAY
"""
import atexit
import ctypes
import faulthandler
import os
import signal
import sys
import threading


def hold():
    return bytes(5000003)


def hold_more():
    return bytes(6000003)


def kill_by(number):
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def segfault():
    ctypes.string_at(0)


def failed_exec():
    for path in ("/nonexistent", "/etc/passwd"):
        try:
            os.execv(path, [path])
        except OSError as error:
            print(error.errno)
    return hold_more()


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


WAYS = {
    "return": lambda: None,
    "exit": lambda: sys.exit(3),
    "_exit": lambda: os._exit(4),
    "exit-in-atexit": lambda: atexit.register(os._exit, 5),
    "libc-exit": lambda: ctypes.CDLL(None).exit(6),
    "quick_exit": lambda: ctypes.CDLL(None).quick_exit(7),
    "raise": lambda: 1 / 0,
    "abort": os.abort,
    "segfault": segfault,
    "segfault-with-faulthandler": lambda: (faulthandler.enable(), segfault()),
    "kill": lambda: kill_by(signal.SIGKILL),
    "term": lambda: kill_by(signal.SIGTERM),
    "interrupt": lambda: kill_by(signal.SIGINT),
    "_exit-in-thread": lambda: in_thread(lambda: os._exit(8)),
    "failed-exec": failed_exec,
    "exec": lambda: os.execv(sys.executable, [sys.executable, __file__, "exit"]),
}

held = [hold()]
print("held", flush=True)
held.append(WAYS[sys.argv[1]]())
