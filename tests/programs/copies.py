"""Holds buffers of which some are copies of others. Tells on its output which are the same, as it knows them."""
import os
import sys

MIB = 1 << 20


def twins():
    """A copy that changes nothing, and one in which the last byte but one differs."""
    first = bytearray(os.urandom(8 * MIB))
    second = bytes(first)
    third = bytearray(first)
    third[-2] ^= 1
    return [first, second, third]


def parts():
    """A message without its head, and a middle of it cut where slices are; a piece from anywhere is not found."""
    message = os.urandom(12 * MIB)
    return [message, message[1000:], message[3 * MIB:6 * MIB], message[777:2 * MIB]]


def quiet():
    """The same bytes all over: zeros, and a pattern."""
    return [bytearray(4 * MIB), bytearray(4 * MIB), b"abcdefgh" * (MIB // 2), b"abcdefgh" * (MIB // 2)]


def small():
    one = os.urandom(MIB // 2)
    return [one, bytes(bytearray(one))]


def thrown_away():
    """The second is never read again: letting go of it leaves no copy."""
    kept = os.urandom(5 * MIB)
    copy = bytes(bytearray(kept))
    top()
    return len(kept)


def top():
    """The peak."""
    bytearray(100 * MIB)


def arrays():
    import numpy
    readings = numpy.random.default_rng(1).random(MIB)
    return [readings, readings.copy(), readings.tobytes(), readings[::2]]


def alike():
    """Arrays whose buffers are the same all over, or in the first half, and whose values are not: these strings are
    elsewhere, and a long double is longer than what most numbers are."""
    import numpy
    count = MIB // 8
    first = numpy.arange(count, dtype=numpy.longdouble)
    second = first.copy()
    second[-count // 4] = 0.5
    if not hasattr(numpy.dtypes, "StringDType"):
        return [first, second]
    return [first, second] + [numpy.array([f"{letter}{i:019d}" for i in range(count)], numpy.dtypes.StringDType())
                              for letter in "ab"]


def guard(buffer, protection):
    """Lets nobody read a page of it, in which none of the words is that a walk would look at first; 3 lets all."""
    import ctypes
    page = ctypes.addressof(ctypes.c_char.from_buffer(buffer)) + 65536 + 4095 & ~4095
    if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(page), ctypes.c_size_t(4096), protection):
        raise OSError(ctypes.get_errno(), "mprotect")


def late():
    """What only a walk tells that was taken while a page is guarded."""
    one = os.urandom(4 * MIB)
    return [one, bytes(bytearray(one))]


def main():
    kept = {"twins": twins(), "parts": parts(), "quiet": quiet(), "small": small()}
    if "arrays" in sys.argv:
        kept["arrays"] = arrays()
        kept["alike"] = alike()
    if "guarded" in sys.argv:
        first = bytearray(os.urandom(6 * MIB))
        kept["guarded"] = [first, bytes(first)]
        guard(first, 0)
        kept["late"] = late()
    size = thrown_away()
    if "guarded" in sys.argv:
        guard(first, 3)
    print(size, sum(len(one) for name in kept for one in kept[name]))


main()
