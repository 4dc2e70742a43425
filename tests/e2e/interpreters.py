"""The interpreters that the tests run on: what scripts/fetch-interpreters lists.

HOLDFAST_TEST_PYTHONS narrows them: versions or paths, separated by commas ("3.8,3.14,3.13t").
"""
import functools
import json
import os
import subprocess
from dataclasses import dataclass

from harness import ROOT


@dataclass(frozen=True)
class Interpreter:
    path: str
    number: str  # "3.12.1"
    shared: bool  # links libpython
    gil: bool

    @property
    def version(self):
        return tuple(int(part) for part in self.number.split(".")[:2])

    @property
    def label(self):
        return f"{self.number}{'' if self.gil else 't'}-{'shared' if self.shared else 'static'}"

    @property
    def known(self):
        """Of a version whose stacks Holdfast reads."""
        return self.version <= (3, 14)

    def environment(self, **extra):
        """A clean environment with the packages that were fetched for it."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("PYTHON", "HOLDFAST", "PYTEST", "LD_", "VIRTUAL_ENV"))}
        site = ROOT / ".cache" / "site" / (".".join(self.number.split(".")[:2]) + "t" * (not self.gil))
        if site.is_dir():
            kept["PYTHONPATH"] = str(site)
        return {**kept, **extra}

    @functools.lru_cache(None)
    def sizes(self):
        """What its own objects take, by the names that expectations use."""
        return json.loads(subprocess.run([self.path, "-I", "-c", SIZES], check=True,
                                         stdout=subprocess.PIPE).stdout)


SIZES = """
import json, sys, sysconfig
size, grown = sys.getsizeof, []
for _ in range(200000):
    grown.append(None)
print(json.dumps({"bytes_header": size(b""), "bytearray_header": size(bytearray()),
                  "ascii_header": size("x") - 2, "list_header": size([]),
                  "array_header": 8 if sysconfig.get_config_var("Py_GIL_DISABLED") else 0,
                  "grown_bytes": size(grown) - size([])}))
"""


@functools.lru_cache(None)
def everything():
    listed = subprocess.run([ROOT / "scripts" / "fetch-interpreters", "--list"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    found = [Interpreter(path, number, linkage == "shared", gil == "gil")
             for path, number, linkage, gil in map(str.split, listed.splitlines())]
    wanted = [word for word in os.environ.get("HOLDFAST_TEST_PYTHONS", "").split(",") if word]
    return [one for one in found if not wanted or any(matches(one, word) for word in wanted)]


def matches(one, word):
    if "/" in word:
        return os.path.realpath(word) == os.path.realpath(one.path)
    return word.endswith("t") != one.gil and (one.number + ".").startswith(word.rstrip("t") + ".")


def main_one():
    """For tests that do not depend on the interpreter: Debian's own."""
    return next((one for one in everything() if one.path.startswith("/usr/bin/")), everything()[0])


def some():
    """For tests that depend on it a little: the oldest, Debian's own, one from the middle, the newest; with
    HOLDFAST_FULL all."""
    known = [one for one in everything() if one.known]
    if os.environ.get("HOLDFAST_FULL"):
        return known
    middle = [one for one in known if one.version == (3, 12)]
    return list(dict.fromkeys([known[0], main_one(), *middle[:1], known[-1]]))


def known():
    return [one for one in everything() if one.known]
