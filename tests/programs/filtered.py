"""Shuts itself in with a filter on system calls, and then does something.

    filtered.py WAY ACTION CALLS THEN
      WAY     prctl, or syscall (the system call seccomp by libc's syscall())
      ACTION  of the filter on CALLS: kill, trap or errno; allow: kill for all others
      CALLS   names, separated by commas
      THEN    grow (by small blocks, then by a large one), fork, exec, region (asks for the figures of one that has
              not ended)
WAY strict: the mode without a filter, with no more arguments.
"""
import ctypes
import os
import sys

MACHINES = ["x86_64", "aarch64"]
NUMBERS = {"read": (0, 63), "write": (1, 64), "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215),
           "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "mremap": (25, 216),
           "nanosleep": (35, 101), "getpid": (39, 172), "socket": (41, 198), "connect": (42, 203), "clone": (56, 220),
           "exit": (60, 93), "wait4": (61, 260), "kill": (62, 129), "prctl": (157, 167), "gettid": (186, 178),
           "futex": (202, 98), "clock_gettime": (228, 113), "exit_group": (231, 94), "tgkill": (234, 131),
           "readlinkat": (267, 78), "seccomp": (317, 277), "sigaltstack": (131, 132), "close": (3, 57),
           "madvise": (28, 233), "fstat": (5, 80), "newfstatat": (262, 79), "lseek": (8, 62), "ioctl": (16, 29)}
MACHINE = MACHINES.index(os.uname().machine)
ACTIONS = {"kill": 0x80000000, "trap": 0x30000, "errno": 0x50001, "allow": 0x7fff0000}
LARGE = 100 << 20  # far more than all else
NO_NEW_PRIVILEGES, SET_SECCOMP = 38, 22

libc = ctypes.CDLL(None, use_errno=True)


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction))]


def number(name):
    return NUMBERS[name][MACHINE]


def install(way, action, names):
    lines = [Instruction(0x20, 0, 0, 0)]
    for name in names:
        lines += [Instruction(0x15, 0, 1, number(name)), Instruction(6, 0, 0, ACTIONS[action])]
    lines.append(Instruction(6, 0, 0, ACTIONS["kill" if action == "allow" else "allow"]))
    program = Program(len(lines), (Instruction * len(lines))(*lines))
    assert libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    if way == "prctl":
        assert libc.prctl(SET_SECCOMP, 2, ctypes.byref(program), 0, 0) == 0
    else:
        assert libc.syscall(number("seccomp"), 1, 0, ctypes.byref(program)) == 0


def grow(megabytes):
    return [{"number": [i]} for i in range(megabytes * 3000)]


def ask_for_figures():
    if hasattr(libc, "holdfast_region_begin"):  # traced
        region = libc.holdfast_region_begin(b"never ended", 0)
        assert libc.holdfast_region_measure(region, ctypes.create_string_buffer(256)) == -1


def strict():
    """Far more than the rings hold, without memory of its own."""
    assert libc.prctl(SET_SECCOMP, 1, 0, 0, 0) == 0
    for i in range(400000):
        last = [i]
    libc.syscall(number("write"), 1, b"%d\n" % last[0], 7)
    libc.syscall(number("exit"), 7)


def main():
    if sys.argv[1] == "grown":
        print(len(grow(30)))
        return
    held = grow(15)
    print("before", len(held), flush=True)
    if sys.argv[1] == "strict":
        strict()
    way, action, names, then = sys.argv[1:]
    install(way, action, names.split(","))
    if then == "fork":
        child = os.fork()
        if child == 0:
            os._exit(len(grow(30)) & 127)
        print(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
    if then == "exec":
        os.execv(sys.executable, [sys.executable, __file__, "grown"])
    if then == "region":
        ask_for_figures()
    held.append(grow(50))
    held.append(bytes(LARGE))
    print(len(held), flush=True)
    os._exit(3)


main()
