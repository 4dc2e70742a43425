"""Holds memory under names that mean something to other tools, in a thread of a name, and in a child.

    exported.py [child]
"""
import subprocess
import sys
import threading

SIZE = 200_000
NAMES = [
    "plain",
    "\"quotes\" and 'quotes'",
    "comma, and\nline\r\n",
    "semi;colons; 5",
    "back\\slash \\n",
    "# no comment",
    "\u202eright to left\u200f",
    "caf\udce9 not UTF-8",
    "</script><b>&amp;",
    "n1: 5 fake.c:3",
    "\x1b]0;title\x07",
]


def hold(size):
    return bytearray(size)


def named(name):
    """hold(), but with another name in another file."""
    code = hold.__code__.replace(co_name=name, co_filename=f"/src/{name}.py")
    return type(hold)(code, globals(), name)


def work(held):
    held.extend(named(name)(SIZE + 1000 * number) for number, name in enumerate(NAMES))


def main(held):
    thread = threading.Thread(target=work, args=(held,))
    thread.start()
    thread.join()
    work(held)
    if len(sys.argv) == 1:
        subprocess.run([sys.executable, __file__, "child"], check=True)


main([])
