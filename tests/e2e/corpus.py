"""The programs of tests/programs/holders: what their EXPECT says, and whether a report says it too."""
import ast
import json
import re

import pytest

import harness

VENV = harness.ROOT / ".venv" / "bin" / "python"
FOLDER = harness.PROGRAMS / "holders"
ROOTS = {"local", "argument", "global", "closure", "class", "default", "cache", "generator", "traceback",
         "thread", "context", "interpreter", "static", "native", "garbage", "none"}
VERDICTS = {"dead", "garbage", "in use", "unknown"}
IS = re.compile(r"(?P<kinds>[a-z|]+)(?: (?P<names>[\w.*|]+))?(?: in (?P<functions>[\w|]+))?$")
VARIANT_KEYS = {"some", "first", "none", "dead", "read", "released", "between", "saves_nothing", "garbage", "no_garbage",
                "process", "status", "text", "far", "at_most", "untraced"}
FACT_KEYS = {"is", "line", "verdict", "bytes", "at_least", "saves", "type", "path", "says", "since", "until"}


class Program:
    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.needs, self.constants = [], {}
        source = path.read_text()
        self.lines = {match[1]: number for number, line in enumerate(source.splitlines(), 1)
                      for match in [re.search(r"# @(\w+)$", line)] if match}
        for statement in ast.parse(source).body:
            if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
                continue
            name, value = statement.targets[0].id, statement.value
            if name == "EXPECT":
                self.expect = ast.literal_eval(value)
            elif name == "NEEDS":
                self.needs = ast.literal_eval(value)
            elif name.isupper() and all(isinstance(node, (ast.BinOp, ast.Constant, ast.operator, ast.Name, ast.Load))
                                        for node in ast.walk(value)):
                self.constants[name] = eval(ast.unparse(value), {}, self.constants)
        self.check()

    def check(self):
        """A key that is misspelt would promise nothing."""
        for variant, said in self.expect.items():
            assert "dead" in said and set(said) <= VARIANT_KEYS, f"{self.name} {variant}"
            for fact in [*said.get("some", []), *said.get("none", []), *filter(None, [said.get("first")])]:
                assert set(fact) <= FACT_KEYS and IS.match(fact.get("is", "none")), f"{self.name} {fact}"
                assert fact.get("line", "peak") in self.lines, f"{self.name} {fact}"

    @property
    def packages(self):
        return [name for name in self.needs if name != "helpers"]

    def skip_without_packages(self):
        wanted = ", ".join(self.packages)
        if harness.plain(VENV, "-c", f"import {wanted}").status != 0:
            pytest.skip(f"no {wanted}")

    def value(self, expression):
        return eval(expression, {}, self.constants)


PROGRAMS = [Program(path) for path in sorted(FOLDER.glob("*.py"))]
# Parameters of tests: those that any Python runs, and those that need packages of .venv.
PLAIN, OF_PACKAGES = ([pytest.param(program, id=program.name) for program in PROGRAMS
                       if bool(program.packages) == wanted] for wanted in (False, True))

# What depends on an interpreter most: its frames, bytecode, cycles and objects' layouts. Their reports are compared
# with the truth on every interpreter, the others' on some, and so is the truth looked at.
EVERYWHERE = {"clinging_local", "dead_locals", "generators", "memo_cycle", "nested_path", "never_dead", "pending_argument",
              "attributes"}
ON_ANY, ON_SOME = ([param for param in PLAIN if (param.id in EVERYWHERE) == wanted] for wanted in (True, False))


# What two programs differ by besides: the code of the cured one, and names.
SLACK = 64 << 10


def near(found, wanted):
    return found is not None and abs(found - wanted) <= abs(wanted) / 100


class Holder:
    def __init__(self, fields):
        self.fields = fields
        self.bytes = fields["bytes"]
        self.saves = fields["saves_bytes"]
        self.verdict = fields["verdict"]
        self.path = fields["path"]
        self.type = fields["object"]["type"]
        self.root = fields["root"]
        self.text = json.dumps(fields)

    def __str__(self):
        return (f"{self.root['kind']} `{self.path}` {self.type} {self.bytes} {self.verdict} "
                f"saves {self.saves} ({self.fields.get('reason')})")

    def local(self):
        return f"{self.root['name']} in {self.root['function']}"


class Fact:
    """What one holder is to be like."""

    def __init__(self, program, fields):
        self.program = program
        self.fields = fields

    def about(self, version):
        since, until = (tuple(map(int, self.fields.get(key, default).split(".")))
                        for key, default in [("since", "3.0"), ("until", "3.99")])
        return since <= version <= until

    def misses(self, holder):
        """Names of the keys that do not fit."""
        return [key for key, wanted in self.fields.items()
                if key not in ("since", "until") and not getattr(self, f"fits_{key}")(holder, wanted)]

    def fits_is(self, holder, wanted):
        kinds, names, functions = IS.match(wanted).group("kinds", "names", "functions")
        return (holder.root["kind"] in kinds.split("|")
                and (names is None or holder.root["name"] in names.split("|"))
                and (functions is None or bare(holder.root["function"]) in functions.split("|")))

    def fits_line(self, holder, wanted):
        return (holder.root["line"] == self.program.lines[wanted]
                and (holder.root["file"] or "").endswith(self.program.path.name))

    def fits_verdict(self, holder, wanted):
        return holder.verdict != "dead" if wanted == "not dead" else holder.verdict in wanted.split("|")

    def fits_bytes(self, holder, wanted):
        return near(holder.bytes, self.program.value(wanted))

    def fits_at_least(self, holder, wanted):
        return holder.bytes >= self.program.value(wanted)

    def fits_saves(self, holder, wanted):
        return near(holder.saves, self.program.value(wanted))

    def fits_type(self, holder, wanted):
        return re.search(wanted, holder.type)

    def fits_path(self, holder, wanted):
        return re.search(wanted, holder.path)

    def fits_says(self, holder, wanted):
        return all(re.search(pattern, holder.text) for pattern in wanted)

    def __str__(self):
        return ", ".join(f"{key}: {value}" for key, value in self.fields.items())

    def complaint(self, holders):
        """None when one of them fits."""
        if not holders:
            return f"expected {self}; got no holders"
        missed, holder = min(((self.misses(holder), holder) for holder in holders), key=lambda pair: len(pair[0]))
        return missed and f"expected {self}; nearest misses {', '.join(missed)}: {holder}"


def bare(function):
    """A function's own name, with or without those that it is nested in."""
    return (function or "").split(".")[-1]


def is_far(process):
    return process.fields["peak"]["snapshot"]["bytes"] < 0.9 * process.peak


def released(process):
    """What the peak would have been: at least, likely, and at most."""
    return [process.fields[f"peak_if_released{which}_bytes"] for which in ("_least", "", "_most")]


def general_complaints(process):
    """What holds for every process of every program."""
    peak = process.fields["peak"]
    holders = [Holder(fields) for fields in peak["holders"]]
    least, likely, most = released(process)
    for holder in holders:
        if holder.root["kind"] not in ROOTS or holder.verdict not in VERDICTS:
            yield f"unknown root or verdict: {holder}"
        if not 0 <= holder.saves <= process.peak or holder.bytes <= 0 \
                or not (holder.path or holder.root["kind"] == "none"):
            yield f"not possible: {holder}"
    if [holder.bytes for holder in holders] != sorted((holder.bytes for holder in holders), reverse=True):
        yield "the biggest holder is not the first"
    if not 0 < least <= likely <= most <= process.peak:
        yield f"peak {process.peak}, if released {least}, {likely}, {most}"
    if peak["snapshot"] and not (0 < peak["snapshot"]["bytes"] <= process.peak
                                 and peak["snapshot"]["far_from_peak"] == is_far(process)):
        yield f"peak {process.peak}, snapshot {peak['snapshot']}"


def wrongly_dead(process, allowed):
    """Holders that are called dead and are not: the worst that can happen."""
    for fields in process.fields["peak"]["holders"]:
        holder = Holder(fields)
        if holder.verdict == "dead" and f"{holder.root['name']} in {bare(holder.root['function'])}" not in allowed \
                and f"* in {bare(holder.root['function'])}" not in allowed:
            yield f"WRONGLY DEAD: {holder}"


def complaints(program, said, process, version):
    """One line for each thing that a variant's EXPECT says and a process does not show."""
    peak = process.fields["peak"]
    holders = [Holder(fields) for fields in peak["holders"]]

    def about(key):
        given = said.get(key, [])
        facts = [Fact(program, fields) for fields in (given if isinstance(given, list) else [given])]
        return [fact for fact in facts if fact.about(version)]

    if not peak["snapshot"] or not peak["snapshot"]["complete"] or peak["snapshot"]["problem"]:
        yield f"there is no whole snapshot: {peak['snapshot']}"
        return
    for fact in about("some"):
        yield fact.complaint(holders)
    for fact in about("first"):
        yield fact.complaint(holders[:1])
    for fact in about("none"):
        for holder in holders:
            if not fact.misses(holder):
                yield f"expected none with {fact}; got {holder}"
    for key, wrong in [("garbage", lambda least: peak["garbage_bytes"] < least),
                       ("no_garbage", lambda least: peak["garbage_bytes"] >= least),
                       ("saves_nothing", lambda _: not near(process.fields["peak_if_released_bytes"], process.peak))]:
        if key in said and wrong(program.value(str(said[key]))):
            yield (f"expected {key} {said[key]}; got {peak['garbage_bytes']} of garbage, peak {process.peak}, "
                   f"if released {process.fields['peak_if_released_bytes']}")
    if len(holders) > said.get("at_most", len(holders)):
        yield f"expected at most {said['at_most']} holders; got {len(holders)}"
    if said.get("far", False) not in (None, is_far(process)):
        yield f"expected far: {said.get('far', False)}; got {peak['snapshot']} of {process.peak}"
