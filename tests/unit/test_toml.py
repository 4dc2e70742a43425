"""The reader of pyproject.toml against Python's own: documents put together from all kinds of parts, and damaged ones.

Usage: test_toml.py TOOL
"""
import json
import random
import re
import subprocess
import sys

try:
    import tomllib
except ImportError:
    sys.exit(77)  # skipped: a Python before 3.11

KEYS = ["a", "max-peak", "x_1", '"load()"', "'app.cache'", '"q\\"\\u00e9\\\\"', "1234", "a.b", 'tool . "two words".c', '""']
VALUES = {
    '"512MiB"': None, '"a\\tb\\n\\U0001F600 #"': None, "'C:\\dir # no'": None, '""': None, "''": None,
    '"""one\ntwo "quoted" ""x\\\n   three"""': None, '"""\nfirst"""': None, "'''\nraw \\n 'x' # no\n'''": None,
    '"""ends in quotes"""""': None, "12": 1, "-1_000": 1, "0x1F": 1, "1.5e3": 1, "inf": 1, "true": 1, "false": 1,
    "1979-05-27T07:32:00Z": 1, "1979-05-27": 1, "1979-05-27 07:32:00": 1, "07:32:00": 1, "[]": 2, '[1, "]", [2, "#"],]': 2,
    '[\n  "a", # ]\n  "b"\n]': 2, '[{x = 1}, {y = "}"}]': 2, "{}": 3, '{ a = "1", b.c = 2 }': 3, '{x={y="z"}}': 3,
}
COMMENTS = ["", " # a comment", "\t", " #[tool]"]


def document(choose):
    """Keys are made distinct by tables of their own, so that Python's reader takes them, too."""
    lines = []
    for table in range(choose.randrange(4)):
        if table or choose.random() < 0.7:
            header = choose.choice(["[{}]", "[ {} ]", "[[{}]]"]).format(f"t{table}." + choose.choice(KEYS))
            lines.append(header + choose.choice(COMMENTS))
        for number in range(choose.randrange(5)):
            key = choose.choice(KEYS)
            lines.append(f"k{table}{number}.{key}" + choose.choice(["=", " = ", "\t="]) + choose.choice(list(VALUES)) +
                         choose.choice(COMMENTS))
            lines.append(choose.choice(["", "# [not.a.table]", "   "]))
    return choose.choice(["\n", "\r\n"]).join(lines) + choose.choice(["", "\n"])


def flatten(value, path, found):
    """What Python's reader makes of a document, as entries; order does not matter."""
    if isinstance(value, dict):
        for key, one in value.items():
            flatten(one, path + [key], found)
    elif isinstance(value, list) and not any(re.match(r"k\d\d", key) for key in path):
        for one in value:  # a list of tables; all others are values
            flatten(one, path, found)
    elif isinstance(value, list):
        found.append((path, 2, ""))
    elif isinstance(value, str):
        found.append((path, 0, value.replace("\r\n", "\n")))
    else:
        found.append((path, 1, None))
    return found


def read(tool, documents):
    done = subprocess.run([tool], input=b"".join(text.encode() + b"\0" for text in documents), stdout=subprocess.PIPE,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def normal(entries):
    return sorted((path, kind, None if kind == 1 else text.replace("\r\n", "\n")) for path, kind, text in entries)


def key_of(entry):
    return json.dumps(entry)


def test_good(tool, choose):
    documents = [document(choose) for _ in range(2000)]
    for text, entries in zip(documents, read(tool, documents)):
        wanted = sorted(map(key_of, flatten(tomllib.loads(text), [], [])))
        assert isinstance(entries, list), (text, entries)
        assert sorted(map(key_of, normal(entries))) == wanted, (text, entries, wanted)


def test_damaged(tool, choose):
    """It comes to an end, and takes no more than Python's reader takes where that is about what it looks at."""
    documents = []
    for _ in range(3000):
        text = document(choose)
        at = choose.randrange(len(text) + 1)
        documents.append(text[:at] + choose.choice(["", '"', "'", "[", "]", "{", "=", "\\", "\n", ".", "#"]) +
                         text[at + choose.randrange(3):])
    answers = read(tool, documents)
    assert len(answers) == len(documents)
    for text, answer in zip(documents, answers):
        try:
            tomllib.loads(text)
            good = True
        except tomllib.TOMLDecodeError:
            good = False
        assert not good or isinstance(answer, list), (text, answer)


def test_errors_have_their_line(tool):
    answers = read(tool, ['a = 1\n"b = 2\n', "a = 1\n\nb\n", '[a\n', 'x = """\n\n', "x = [1,\n2\n", "a = 1 b = 2"])
    assert answers == [2, 3, 1, 3, 3, 1], answers


if __name__ == "__main__":
    seeded = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 7)
    test_good(sys.argv[1], seeded)
    test_damaged(sys.argv[1], seeded)
    test_errors_have_their_line(sys.argv[1])
