"""Turns the page's files into a C header: one array for each kind of file, in the order given.

Usage: embed.py OUT FILE...   (.html, .css and .js files; several of a kind are put together)
"""
import sys


def array(name, data):
    rows = [",".join(str(byte) for byte in data[at:at + 32]) for at in range(0, len(data), 32)]
    body = ",\n".join(rows + ["0"])
    return f"static const char {name}[] = {{\n{body}}};\n"


def main(out, paths):
    parts = {"html": b"", "css": b"", "js": b""}
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        data.decode("ascii")  # bytes above 127 would not fit a char
        parts[path.rsplit(".", 1)[1]] += data
    with open(out, "w", encoding="ascii") as file:
        for kind, data in parts.items():
            file.write(array(f"page_{kind}", data))


main(sys.argv[1], sys.argv[2:])
