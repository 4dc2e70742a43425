"""What `holdfast check` judges is the same in each run of the same program.

Ten programs of different kinds run again and again, with hash randomisation on and addresses as the kernel likes: their
peaks of heap and Python bytes agree to within 0.1 %. A few runs of each; 20 with HOLDFAST_FULL=1.
"""
import json
import os
import textwrap

import pytest

import harness
import interpreters
from harness import execute, holdfast_binary

RUNS = 20 if harness.FULL else 3
WITHIN = 0.001

PROGRAMS = {
    "json": """
        import json
        rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b", str(i % 7)]} for i in range(20000)]
        text = json.dumps(rows)
        again = json.loads(text)
        assert again == rows
    """,
    "arrays": """
        import numpy
        def process(size):
            data = numpy.ones(size)
            return numpy.sqrt(data * 2)
        process(1_000_000)
    """,
    "sets": """
        words = {f"word {i}" for i in range(50000)}
        index = {word: set(word) for word in words}
        order = sorted(index)
        groups = {}
        for word in words:
            groups.setdefault(len(word), set()).add(word)
    """,
    "text": """
        import re, collections
        text = "the quick brown fox jumps over the lazy dog 12345 " * 20000
        words = re.findall("[a-z0-9]+", text)
        counts = collections.Counter(words)
        lines = [line.upper() for line in text.split("dog")]
    """,
    "asyncio": """
        import asyncio
        async def work(number):
            held = bytearray(1000)
            await asyncio.sleep(0)
            return len(held) + number
        async def main():
            return sum(await asyncio.gather(*(work(i) for i in range(3000))))
        asyncio.run(main())
    """,
    "cycles": """
        def fill(count):
            memo = {}
            def get(number):
                if number not in memo:
                    memo[number] = str(number) * 3
                    if number:
                        get(number - 1)
                return memo[number]
            return get(count)
        for _ in range(100):
            fill(700)
    """,
    "objects": """
        import dataclasses
        @dataclasses.dataclass
        class Point:
            x: int
            y: float
            name: str
        points = [Point(i, i / 2, f"p{i}") for i in range(40000)]
        by_name = {point.name: point for point in points}
        points.sort(key=lambda point: point.y, reverse=True)
    """,
    "imports": """
        import argparse, csv, decimal, difflib, email.message, fractions, html.parser, http.client, inspect, logging
        import pickle, sqlite3, statistics, tarfile, unittest, urllib.request, xml.dom.minidom, zipfile
    """,
    "threads": """
        import threading
        held, lock = [], threading.Lock()
        def work(number):
            for i in range(200):
                part = [str(number * 1000 + i)] * 100
                with lock:
                    held.append(part)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        everything = bytearray(10_000_000)
    """,
    "children": """
        import subprocess, sys
        held = list(range(100000))
        for size in (2_000_000, 3_000_000):
            subprocess.run([sys.executable, "-c", f"data = bytes({size}); more = data + b'x'"], check=True)
    """,
}


def judged(folder, python, name):
    """The peak that one run is judged by."""
    done = execute([holdfast_binary(), "check", "-q", "--max-peak", "1GB", "-o", "run.holdfast", "--write",
                    "json=verdict.json", "--", str(python), name], cwd=folder,
                   env=interpreters.main_one().environment(PYTHONHASHSEED="random"))
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "verdict.json").read_text())["peak_bytes"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_judged_bytes_agree(name, tmp_path):
    python = harness.ROOT / ".venv" / "bin" / "python" if name == "arrays" else interpreters.main_one().path
    if not os.path.exists(python):
        pytest.skip("no .venv")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "job.py").write_text(textwrap.dedent(PROGRAMS[name]))
    judged(tmp_path, python, "job.py")  # writes what is compiled and cached once
    peaks = [judged(tmp_path, python, "job.py") for _ in range(RUNS)]
    assert max(peaks) - min(peaks) <= WITHIN * min(peaks), sorted(peaks)
