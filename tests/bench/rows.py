"""The rows of the benchmark: what is run, how many times, and which targets are about it.

The loops make a row last about 0.7 s untraced: long enough for ratios, and short enough for tools that take ten
times as long. Only docutils lasts 2 s: its script has no smaller unit. import_big is over in 0.3 s, as there is nothing to
do a second time, and gc_collect, which times collections alone, has half as much beside them.
"""
from dataclasses import dataclass

PYPERFORMANCE = "pyperformance"


@dataclass(frozen=True)
class Row:
    name: str
    group: str
    job: str          # as drive.py takes it
    loops: int
    arguments: tuple = ()
    forks: bool = False       # tools that follow forks only when told so are told so
    divisible: bool = True    # fewer loops make less work
    packages: bool = True     # needs more than the interpreter

    def loops_for(self, quick):
        return max(1, self.loops // 10) if quick and self.divisible else self.loops


def pyperformance(name, loops, script=None, benchmark="", arguments=()):
    return Row(name, PYPERFORMANCE, f"pyperformance:{script or name}:{benchmark}", loops, arguments,
               divisible=loops > 1)


def own(name, group, loops, job=None, **options):
    return Row(name, group, job or name, loops, **options)


def pairs(threads):
    return own(f"native_{threads}", "native", 40_000_000, "native_pairs", arguments=(str(threads),),
               packages=False)


ROWS = [
    pyperformance("json_loads", 2000),
    pyperformance("json_dumps", 70),
    pyperformance("pickle", 4000, arguments=("pickle",)),
    pyperformance("unpickle", 3000, "pickle", arguments=("unpickle",)),
    pyperformance("deepcopy", 2000, benchmark="deepcopy"),
    pyperformance("gc_collect", 400),
    pyperformance("gc_traversal", 200),
    pyperformance("richards", 20),
    pyperformance("deltablue", 250),
    pyperformance("chaos", 15),
    pyperformance("html5lib", 13),
    pyperformance("docutils", 1),
    pyperformance("sqlglot_parse", 450, "sqlglot_v2", arguments=("parse",)),
    pyperformance("sqlglot_optimize", 17, "sqlglot_v2", arguments=("optimize",)),
    pyperformance("async_tree", 1, arguments=("none",)),
    pyperformance("tornado_http", 6),
    pyperformance("regex_compile", 7),
    pyperformance("regex_v8", 35),
    pyperformance("xml_etree", 10, benchmark="xml_etree_process"),
    pyperformance("pprint", 1, benchmark="pprint_pformat"),
    pyperformance("float", 11),
    pyperformance("unpack_sequence", 45000),
    own("fib", "calls", 5, packages=False),
    own("small_objects", "objects", 6, packages=False),
    own("json_20mb", "objects", 2, packages=False),
    own("recursion", "objects", 2500, packages=False),
    own("numpy_arrays", "numpy", 12),
    own("numpy_linear", "numpy", 14),
    own("pandas_frames", "columns", 4),
    own("polars_frames", "columns", 10),
    own("pyarrow_tables", "columns", 4),
    own("import_big", "import", 1, divisible=False),
    pairs(1),
    pairs(2),
    pairs(4),
    own("fork_pool", "processes", 600, forks=True, packages=False),
]
# Not in the table; tests/e2e/test_bench.py runs it.
HIDDEN = [own("tiny", "objects", 1, packages=False)]
BY_NAME = {row.name: row for row in ROWS + HIDDEN}
