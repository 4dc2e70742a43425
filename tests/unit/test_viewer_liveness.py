"""Liveness of locals (viewer/liveness.c) against the truth, on every interpreter found.

usage: test_viewer_liveness.py LIVENESS_TOOL [--points COUNT] [--seed SEED] [INTERPRETER...]

In each interpreter (default: those that scripts/fetch-interpreters lists):

- Random functions (liveness_programs.py) run under a tracer of instructions. A local that is read later in
  the same activation, before it is written, must be live at every point before; and where the interpreter
  keeps the depth of the value stack, ours must be the same. COUNT points at calls, yields and the like
  are compared (default 52,000; 1,000,000 with HOLDFAST_FULL=1).
- Liveness and depth of much of the library are computed again, from the interpreter's own dis.
- The bytes that are in memory after some runs, specialised, must give the same answers.
- Damaged bytes must not do harm, and cases that are known by heart must be as they are.

Ends with what was counted. The tables are compared with what the interpreters say of themselves.
"""

import argparse
import collections
import concurrent.futures
import ctypes
import dis
import functools
import os
import random
import re
import subprocess
import sys
import sysconfig
import types
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VERSION = sys.version_info[:2]
RUNS = 10  # of each random function
LOCAL, CELL, FREE = 0x20, 0x40, 0x80
KNOWN, IN_CODE, BY_NAMES, DAMAGED, AT_POSITION = 0, 2, 3, 4, 5  # enum liveness_why

# -- What a code object is ---------------------------------------------------------------------------


def locals_of(code):
    """[(name, kind)] of its fast locals."""
    if VERSION < (3, 11):
        return [(name, LOCAL) for name in code.co_varnames] + [(name, CELL) for name in code.co_cellvars] + \
            [(name, FREE) for name in code.co_freevars]
    shared = LOCAL | CELL
    found = [(name, shared if name in code.co_cellvars else LOCAL) for name in code.co_varnames]
    found += [(name, CELL) for name in code.co_cellvars if name not in code.co_varnames]
    found += [(name, FREE) for name in code.co_freevars]
    assert [name for name, _ in found] == [code._varname_from_oparg(index) for index in range(len(found))]
    return found


SUSPENDING = ("CALL", "YIELD", "SEND", "FOR_ITER", "BINARY", "COMPARE", "LOAD_ATTR", "LOAD_METHOD", "WITH", "BUILD",
              "INPLACE", "UNPACK", "FORMAT", "CONTAINS", "GET_A", "GET_ITER", "DELETE_FAST", "STORE_FAST",
              "MAKE_FUNCTION", "RAISE")
ENDING = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD",
          "JUMP_ABSOLUTE", "JUMP_BACKWARD_NO_INTERRUPT")


@functools.lru_cache(None)
def by_name(name):
    """What an instruction's name says: (writes of its fast locals in order, it ends a path, it can suspend)."""
    words = name.replace("_CHECK", "").replace("_AND_CLEAR", "").replace("_BORROW", "").split("_FAST")
    writes = [word.strip("_") != "LOAD" for word in words] if "_FAST" in name else []
    return writes, name in ENDING, any(word in name for word in SUSPENDING)


class Instruction:
    """With all that the oracles need: where it may go, and which locals it touches."""

    def __init__(self, instruction, index_of):
        self.name, self.argument, self.offset = instruction.opname, instruction.arg, instruction.offset
        self.opcode = instruction.opcode
        self.target = instruction.argval if self.opcode in dis.hasjrel + dis.hasjabs and \
            self.name != "END_ASYNC_FOR" else None
        names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        writes, self.ends, self.is_suspension = by_name(self.name)
        self.accesses = []  # (is a write, local), in order
        for write, name in zip(writes, names):
            self.accesses.append((write, index_of[name]))
        self.bits = 0
        for _, local in self.accesses:
            self.bits |= 1 << local

    def before(self, live):
        for writes, local in reversed(self.accesses):
            live = live & ~(1 << local) if writes else live | 1 << local
        return live


class Function:
    """A code object, decoded by this interpreter's own dis."""

    def __init__(self, code):
        self.code = code
        self.locals = locals_of(code)
        index_of = {name: index for index, (name, _) in reversed(list(enumerate(self.locals)))}
        decoded = [one for one in dis.get_instructions(code) if one.opname != "CACHE"]
        self.instructions = [Instruction(one, index_of) for one in decoded if one.opcode != dis.EXTENDED_ARG]
        self.at = {}  # offset, of prefixes too -> index
        index = 0
        for one in decoded:
            self.at[one.offset] = index
            index += one.opcode != dis.EXTENDED_ARG
        self.plain = sum(1 << index for index, (name, kind) in enumerate(self.locals)
                         if kind == LOCAL and name not in code.co_cellvars)
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        self.arguments = (1 << count) - 1

    def words(self, instructions=None):
        code, minor = self.code, VERSION[1]
        kinds = bytes(kind for _, kind in self.locals)
        table = getattr(code, "co_exceptiontable", b"")
        names = ",".join(name for name, _ in self.locals), ",".join(code.co_names)
        fields = [minor, code.co_flags, (instructions or code.co_code).hex(), table.hex(), kinds.hex(), *names]
        return "code " + " ".join(str(field) or "-" for field in fields)

    def around(self, offset):
        """The instruction that a position, which may be in its caches, belongs to."""
        while offset not in self.at:
            offset -= 2
        return self.at[offset]

    def offsets(self, indices=None):
        return [self.instructions[index].offset for index in indices or range(len(self.instructions))]


def codes_in(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


# -- What our side says ------------------------------------------------------------------------------

Answer = collections.namedtuple("Answer", "why depth live")


@functools.lru_cache(None)
def parse(line):
    why, depth, bits = (line + " ").split(" ")[:3]
    return Answer(int(why), int(depth), int(bits[::-1] or "0", 2))


def ask(tool, questions):
    """[(line about a code, positions)] -> [[Answer of each position]]"""
    lines = []
    for words, positions in questions:
        lines.append(words)
        lines.extend("at %d" % position for position in positions)
    process = subprocess.run([tool], input=("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"),
                             stdout=subprocess.PIPE, check=True)
    answers = iter(process.stdout.decode().splitlines())
    return [[parse(next(answers)) for _ in positions] for _, positions in questions]


class Failures:
    def __init__(self):
        self.count = 0

    def add(self, text):
        self.count += 1
        if self.count <= 5:
            print("FAILED: " + text)


# -- Truth: what is read later, by running -----------------------------------------------------------


def word(address, kind=ctypes.c_void_p):
    return kind.from_address(address).value or 0


def frame_depth(frame, code_locals):
    """What the interpreter itself keeps, where it does so while tracing; None elsewhere."""
    if VERSION <= (3, 9):
        return (word(id(frame) + 72) - word(id(frame) + 64)) // 8
    if VERSION == (3, 10):
        return word(id(frame) + 80, ctypes.c_int)
    inner = word(id(frame) + object.__basicsize__ + 8)
    if VERSION == (3, 11):
        return word(inner + 64, ctypes.c_int) - code_locals
    if VERSION == (3, 14) and object.__basicsize__ == 16:
        return (word(inner + 64) - inner - 80) // 8 - code_locals
    return None


def caller_depth(frame, code_locals):
    """Of a caller of Python code, without the operands of its call; None where it is not kept."""
    if VERSION not in ((3, 12), (3, 13)):
        return None
    saved = word(word(id(frame) + object.__basicsize__ + 8) + 64, ctypes.c_int)
    return saved - code_locals if saved >= code_locals else None


class Tracer:
    """Notes each instruction that runs in code from one file, activation by activation."""

    def __init__(self):
        self.activations = {}  # frame -> [(offset, depth or None)]
        self.callers = []  # (code, offset, depth without operands)
        self.locals = {}

    def count_locals(self, code):
        if code not in self.locals:
            self.locals[code] = len(locals_of(code))
        return self.locals[code]

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith("<generated"):
            return None
        caller = frame.f_back
        if caller is not None and caller in self.activations:
            depth = caller_depth(caller, self.count_locals(caller.f_code))
            if depth is not None:
                self.callers.append((caller.f_code, caller.f_lasti, depth))
        frame.f_trace_opcodes = True
        steps = self.activations.setdefault(frame, [])
        if steps:  # a generator that goes on: where it was suspended
            steps.append((frame.f_lasti, None))
        count = self.count_locals(frame.f_code)

        def step(frame, event, argument):
            if event == "opcode":
                steps.append((frame.f_lasti, frame_depth(frame, count)))
            return step

        return step


def run_traced(kind, function, helpers, programs):
    tracer = Tracer()
    sys.settrace(tracer)
    try:
        programs.drive(kind, function, helpers)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        error.__traceback__ = None
    finally:
        sys.settrace(None)
    return tracer


class Truth:
    """Compares activations with our answers, and counts."""

    def __init__(self, tool, failures):
        self.tool, self.failures = tool, failures
        self.count = collections.Counter()

    def compare(self, seed, text, tracers):
        wanted = {frame.f_code for tracer in tracers for frame in tracer.activations}
        functions = {code: Function(code) for code in wanted}
        places = {code: set() for code in functions}
        for tracer in tracers:
            for frame, steps in tracer.activations.items():
                places[frame.f_code].update(functions[frame.f_code].at[offset] for offset, _ in steps)
            for code, offset, _ in tracer.callers:
                places[code].add(functions[code].around(offset))
        places = {code: sorted(found) for code, found in places.items()}
        answers = ask(self.tool, [(one.words(), one.offsets(places[code])) for code, one in functions.items()])
        by_code = {code: dict(zip(places[code], given)) for code, given in zip(functions, answers)}
        for code, given in by_code.items():
            if code.co_flags & 1 and any(answer.why != KNOWN for answer in given.values()):
                self.failures.add(f"seed {seed}: not decided\n{text}")
        for tracer in tracers:
            for frame, steps in tracer.activations.items():
                self.activation(seed, text, functions[frame.f_code], by_code[frame.f_code], steps)
            for code, offset, depth in tracer.callers:
                self.caller(seed, functions[code], by_code[code], offset, depth)

    def activation(self, seed, text, function, answers, steps):
        indices = [(function.at[offset], depth) for offset, depth in steps]
        indices = [step for number, step in enumerate(indices)
                   if number == 0 or step[0] != indices[number - 1][0] or step[0] == 0]
        instructions = function.instructions
        later = [0] * len(indices)
        live = 0
        for number in range(len(indices) - 1, -1, -1):
            later[number] = live
            live = instructions[indices[number][0]].before(live)
        bound, count = function.arguments, self.count
        for number, (index, depth) in enumerate(indices):
            one, answer = instructions[index], answers[index]
            if later[number] & ~answer.live & function.plain:
                names = [name for bit, (name, _) in enumerate(function.locals)
                         if later[number] & ~answer.live & function.plain & 1 << bit]
                self.failures.add(f"seed {seed}: {function.code.co_name} at {one.offset} {one.name}: {names} "
                                  f"said to be dead\n{text}")
            if depth is not None:
                self.depth(seed, text, function, one, answer, depth)
            count["steps"] += 1
            if one.is_suspension and len(function.locals) <= 64:  # others would outweigh all
                mine = bound & function.plain
                count["points"] += 1
                count["bound"] += bin(mine).count("1")
                count["dead"] += bin(mine & ~answer.live).count("1")
                count["never read"] += bin(mine & ~later[number] & ~one.bits).count("1")
            for writes, local in one.accesses:
                cleared = not writes or one.name == "DELETE_FAST"
                if "AND_CLEAR" in one.name or (writes and cleared):
                    bound &= ~(1 << local)
                elif writes:
                    bound |= 1 << local

    def depth(self, seed, text, function, one, answer, depth):
        if answer.depth < 0:
            self.count["depths unknown"] += 1
            return
        self.count["depths"] += 1
        if answer.depth != depth:
            self.failures.add(f"seed {seed}: depth of {function.code.co_name} at {one.offset} {one.name}: "
                              f"{answer.depth}, is {depth}\n{text}")

    def caller(self, seed, function, answers, offset, depth):
        index = function.around(offset)
        if function.instructions[index].name != "CALL":
            return
        operands = function.instructions[index].argument + 2
        self.count["depths"] += 1
        if answers[index].depth - operands != depth:
            self.failures.add(f"seed {seed}: depth of {function.code.co_name}, calling at {offset}: "
                              f"{answers[index].depth} - {operands}, is {depth}")


def check_truth(tool, failures, points, seed):
    import liveness_programs as programs

    truth = Truth(tool, failures)
    while truth.count["points"] < points and failures.count < 20:
        batch = []
        for _ in range(20):
            kind, text = programs.write(seed)
            code = compile(text, f"<generated {seed}>", "exec")
            tracers = []
            for turn in range(RUNS):
                helpers = programs.Helpers(seed * RUNS + turn)
                names = helpers.names()
                exec(code, names)
                tracers.append(run_traced(kind, names["f"], helpers, programs))
            batch.append((seed, text, tracers))
            seed += 1
        for one in batch:
            truth.compare(*one)
    count = truth.count
    proved, possible = count["dead"] / count["bound"], count["never read"] / count["bound"]
    print(f"  {count['points']} points ({count['steps']} steps) to seed {seed}: {failures.count} violations, "
          f"{proved:.1%} of bound locals proved dead of {possible:.1%} never read again; "
          f"{count['depths']} depths agree, {count['depths unknown']} are unknown")
    if proved < 0.2 or proved < possible / 2:
        failures.add("too little is proved dead")
    if count["depths unknown"] > 0 and VERSION != (3, 8) or count["depths unknown"] > count["depths"]:
        failures.add("too many depths are unknown")


# -- The same computed in Python ---------------------------------------------------------------------


def entries_of(code):
    """[(start, end, target, depth of the stack in the handler)] of an exception table, by offset."""
    numbers, table = [], iter(code.co_exceptiontable)
    for byte in table:
        number = byte & 63
        while byte & 64:
            byte = next(table)
            number = number << 6 | byte & 63
        numbers.append(number)
    groups = zip(*[iter(numbers)] * 4)
    return [(2 * start, 2 * (start + length), 2 * target, (more >> 1) + (more & 1) + 1)
            for start, length, target, more in groups]


class Recomputed:
    """Depth, handler and liveness at each reachable instruction of a function: from dis alone."""

    def __init__(self, function):
        self.function = function
        self.instructions = function.instructions
        self.table = entries_of(function.code) if VERSION >= (3, 11) else None
        self.reached = {}  # index -> (depth, offsets of handlers, innermost first)
        self.returns = [index + 1 for index, one in enumerate(self.instructions) if one.name == "CALL_FINALLY"]
        self.walk()
        self.live = self.solve()

    def index(self, offset):
        return self.function.at[offset]

    def effect(self, one, jump):
        if one.name == "CALL_FINALLY":
            return 6 * jump
        if one.name in ("PRECALL", "RETURN_GENERATOR"):
            return int(one.name == "RETURN_GENERATOR")
        if VERSION == (3, 11) and one.name == "CALL":
            return -1 - one.argument
        takes = one.opcode in dis.hasarg if VERSION >= (3, 12) else one.opcode >= dis.HAVE_ARGUMENT
        return dis.stack_effect(one.opcode, one.argument if takes else None, jump=jump)

    def handler(self, index):
        """(index, depth) or None"""
        if self.table is None:
            blocks = self.reached[index][1]
            return (self.index(blocks[0]), None) if blocks else None
        offset = self.instructions[index].offset
        for start, end, target, depth in self.table:
            if start <= offset < end:
                return self.index(target), depth
        return None

    def walk(self):
        # In 3.10 generators begin with what is sent first on the stack.
        starts = VERSION == (3, 10) and self.function.code.co_flags & 0x2a0 != 0
        waiting = [(0, int(starts), ())]
        while waiting:
            index, depth, blocks = waiting.pop()
            if index in self.reached:
                continue
            self.reached[index] = depth, blocks
            one = self.instructions[index]
            if self.table is not None and self.handler(index):
                waiting.append(self.handler(index) + ((),))
            if one.target is not None:
                waiting.append((self.index(one.target), depth + self.effect(one, True), blocks))
            if not one.ends:
                if one.name.startswith("SETUP_") and one.target is not None:
                    blocks = (one.target,) + blocks
                elif one.name == "POP_BLOCK":
                    blocks = blocks[1:]
                waiting.append((index + 1, depth + self.effect(one, False), blocks))

    def after(self, index, live):
        one = self.instructions[index]
        found = live[self.index(one.target)] if one.target is not None else 0
        if not one.ends and one.name != "CALL_FINALLY":
            found |= live[index + 1]
        if one.name == "END_FINALLY":
            for place in self.returns:
                found |= live[place]
        handler = self.handler(index)
        return found, live[handler[0]] if handler else 0

    def solve(self):
        live = [0] * (len(self.instructions) + 1)
        changed = True
        while changed:
            changed = False
            for index in sorted(self.reached, reverse=True):
                going_on, raising = self.after(index, live)
                now = self.instructions[index].before(going_on) | raising
                changed |= now != live[index]
                live[index] = now
        return live

    def within(self, index):
        going_on, raising = self.after(index, self.live)
        return going_on | raising | self.instructions[index].bits


FULL = os.environ.get("HOLDFAST_FULL") == "1"
LIBRARY = ["argparse", "dataclasses", "typing", "asyncio/base_events", "asyncio/tasks", "asyncio/streams", "contextlib",
           "ast", "tarfile", "zipfile", "inspect", "subprocess", "difflib", "decimal", "pickle", "json/decoder",
           "email/message", "http/client", "unittest/mock", "concurrent/futures/process", "heapq", "copy",
           "logging/__init__", "socket", "ssl", "statistics", "textwrap", "traceback", "shutil", "_pydecimal"]


def library_codes(share):
    """Of every so-manieth module."""
    library = os.path.dirname(os.__file__)
    for name in LIBRARY[::share]:
        path = os.path.join(library, name + ".py")
        if os.path.exists(path):
            with open(path, "rb") as file:
                yield from codes_in(compile(file.read(), path, "exec", dont_inherit=True))


def check_library(tool, failures, share):
    count = collections.Counter()
    functions = [Function(code) for code in library_codes(share)]
    answers = ask(tool, [(one.words(), one.offsets()) for one in functions])
    for function, given in zip(functions, answers):
        again = Recomputed(function)
        for index, answer in enumerate(given):
            compare_recomputed(function, again, index, answer, count, failures)
    print(f"  library: {len(functions)} codes, {count['points']} instructions, {count['equal']} with the same live "
          f"locals, {count['more']} with more; {count['depths']} depths agree, {count['depths unknown']} "
          f"are unknown; {count['undecided']} not decided by rule")
    if count["equal"] < 0.99 * count["points"] or count["points"] < 60000 // max(2, share):
        failures.add("the library's liveness differs")


def compare_recomputed(function, again, index, answer, count, failures):
    one = function.instructions[index]
    where = f"{function.code.co_filename} {function.code.co_name} at {one.offset} {one.name}"
    if answer.why == DAMAGED or (answer.why == AT_POSITION) != (index not in again.reached):
        failures.add(f"{where}: why is {answer.why}")
        return
    if answer.why == AT_POSITION:
        return
    count["depths unknown" if answer.depth < 0 else "depths"] += 1
    if answer.depth >= 0 and answer.depth != again.reached[index][0]:
        failures.add(f"{where}: depth {answer.depth}, dis says {again.reached[index][0]}")
    if answer.why != KNOWN:
        count["undecided"] += 1
        return
    wanted = again.within(index) & function.plain
    if "__class__" in function.code.co_freevars:
        wanted |= 1 & function.plain
    count["points"] += 1
    count["equal" if answer.live & function.plain == wanted else "more"] += 1
    if wanted & ~answer.live:
        failures.add(f"{where}: live are {wanted:b}, said {answer.live:b}")


# -- As it is in memory ------------------------------------------------------------------------------


def warm_codes(programs):
    """Codes that have run until they were specialised."""
    import json
    import textwrap

    for number in range(60):
        json.loads(json.dumps({"a": [1, 2.5, None, "x"] * 3}, indent=1))
        textwrap.fill("some words " * 20, 30)
    for seed in range(1000, 1150):
        kind, text = programs.write(seed)
        names = {}
        code = compile(text, "<warm>", "exec")
        exec(code, names)
        for turn in range(25):
            helpers = programs.Helpers(seed + turn)
            names.update(helpers.names())
            try:
                programs.drive(kind, names["f"], helpers)
            except Exception:
                pass
        yield from codes_in(names["f"].__code__)
    for module in list(sys.modules.values()):
        for thing in list(vars(module).values()) if isinstance(module, types.ModuleType) else ():
            if isinstance(thing, types.FunctionType):
                yield from codes_in(thing.__code__)


# What also does the instruction that follows has that one's live locals as well.
WITH_NEXT = re.compile("__|_JUMP$|^BINARY_OP_INPLACE_ADD_UNICODE$")


def check_memory(tool, failures, most):
    """Compares at so many instructions of each code, at the most."""
    import liveness_programs as programs

    functions = [Function(code) for code in warm_codes(programs)]
    chance = random.Random(1)
    places = []
    for function in functions:
        count = len(function.instructions)
        some = chance.sample(range(count), min(most, count))
        places.append([some, [min(index + 1, count - 1) for index in some]])
    originals, following, memory = [ask(tool, questions) for questions in (
        [(one.words(), one.offsets(some)) for one, (some, _) in zip(functions, places)],
        [(one.words(), one.offsets(after)) for one, (_, after) in zip(functions, places)],
        [(one.words(one.code._co_code_adaptive), one.offsets(some)) for one, (some, _) in zip(functions, places)])]
    special = both = total = 0
    for function, (some, _), wanted, then, got in zip(functions, places, originals, following, memory):
        adaptive, original = function.code._co_code_adaptive, function.code.co_code
        for index, before, after, now in zip(some, wanted, then, got):
            offset = function.instructions[index].offset
            name = dis._all_opname[adaptive[offset]]
            if adaptive[offset] != original[offset] and WITH_NEXT.search(name):
                both += 1
                before = before._replace(live=before.live | after.live)
            total += 1
            special += adaptive[offset] != original[offset]
            if before != now:
                failures.add(f"{function.code.co_name} at {offset} {name}: {before}, in memory {now}")
    check_insides(tool, failures, functions)
    print(f"  in memory: {len(functions)} codes, {total} instructions, {special} specialised, {both} of them "
          "with the next one; the answers are the same")
    if (special < 13 * most or both < max(1, most // 16)) and specialises():
        failures.add("little is specialised")


def specialises():
    return VERSION != (3, 13) or not sysconfig.get_config_var("Py_GIL_DISABLED")


def check_insides(tool, failures, functions):
    """A position in prefixes or caches is its instruction's; one that is odd or behind is none."""
    some = [one for one in functions if len(one.instructions) < 300][:100]
    answers = ask(tool, [(one.words(), range(-2, len(one.code.co_code) + 2)) for one in some])
    for function, given in zip(some, answers):
        starts = {offset: index for offset, index in function.at.items()}
        inside = None
        for position, answer in zip(range(-2, len(function.code.co_code) + 2), given):
            if position % 2 or not 0 <= position < len(function.code.co_code):
                if answer.why not in (AT_POSITION, IN_CODE) or ~answer.live & (1 << len(function.locals)) - 1:
                    failures.add(f"position {position} is decided")
                continue
            inside = starts.get(position, inside)
            wanted = given[function.instructions[inside].offset + 2]
            if answer != wanted:
                failures.add(f"{function.code.co_name}: position {position}: {answer}, not {wanted}")


# -- Known by heart, and damaged ---------------------------------------------------------------------

CASES = """
def process(path):
    data = make(path)
    first = modify(data)
    return HERE(first)
{data: dead, path: dead, first: dead}

def reused(path):
    data = make(path)
    data = HERE(data)
    return data
{data: dead, path: dead}

def in_loop(rows):
    last = None
    for row in rows:
        HERE(row)
        if last:
            use(last)
        last = row
{last: live, row: live}

def in_handler(data):
    try:
        HERE(1)
    except ValueError:
        return data
{data: live}

def in_finally(data, more):
    try:
        HERE(1)
    finally:
        use(data)
{data: live, more: dead}

def in_called_finally(data):
    while True:
        try:
            if flag():
                break
            return
        finally:
            HERE(1)
    use(data)
{data: live}

def in_flag(data):
    HERE(1)
    if flag():
        use(data)
{data: live}

def by_name(data):
    HERE(1)
    return locals()
{data: live}

def by_frame(data):
    import sys
    HERE(1)
    return sys._getframe().f_locals
{data: live}

def queried(data):
    return HERE(1).query('x > @data')
{data: live}

def captured(data, other):
    def inner():
        return data
    HERE(1)
{data: live, other: dead, inner: dead}

def later(data, other):
    HERE(1)
    yield
    use(data)
{data: live, other: dead}

class Case:
    def method(self, data):
        HERE(1)
        return super().method()
{self: live, data: dead}

class Case:
    def method(self, data):
        HERE(1)
        sup = super
        return sup()
{self: live, data: dead}

def swapped(data):
    HERE(1)
    data = None
    return data
{data: dead}

def deleted(data):
    HERE(1)
    del data
{data: dead}

def comprehended(data, row):
    return [HERE(row) for row in data], row
{}

async def awaited(data, other):
    async with HERE(1) as held:
        await use(data)
{data: live, other: dead}

class Body:
    data = 1
    HERE(1)
{}
"""


def the_call(function):
    """Where HERE is called: the first call behind its load."""
    names = [one.name for one in function.instructions]
    for index, one in enumerate(function.instructions):
        if "LOAD" in one.name and "HERE" in function.code.co_names and \
                one.name in ("LOAD_GLOBAL", "LOAD_NAME") and \
                function.code.co_names[one.argument >> (VERSION >= (3, 11) and one.name == "LOAD_GLOBAL")] == "HERE":
            return next(place for place in range(index, len(names)) if names[place].startswith("CALL"))
    return None


def check_cases(tool, failures):
    checked = 0
    for case in CASES.strip().split("\n\n"):
        text, _, wanted = case.rpartition("\n")
        code = compile(text, "<case>", "exec").co_consts[0]
        function = next(one for one in map(Function, codes_in(code)) if the_call(one) is not None)
        index = the_call(function)
        [[answer, not_begun]] = ask(tool, [(function.words(), [function.instructions[index].offset, -2])])
        for pair in filter(None, wanted.strip("{}").split(", ")):
            name, verdict = pair.split(": ")
            bit = max(bit for bit, (local, _) in enumerate(function.locals) if local == name)
            checked += 1
            if (answer.live >> bit & 1) != (verdict == "live"):
                failures.add(f"{name} is not {verdict}: {answer}\n{text}")
        if not_begun.live != (1 << len(function.locals)) - 1:
            failures.add(f"before the beginning: {not_begun}\n{text}")
        if function.code.co_name == "Body" and answer.why != IN_CODE:
            failures.add(f"a class's body: {answer}")
        if function.code.co_name in ("by_name", "by_frame", "queried") and answer.why != BY_NAMES:
            failures.add(f"{function.code.co_name}: {answer}")
    print(f"  {checked} cases known by heart")


def check_names(tool, failures):
    """Each name in the lists, which have to be in order, decides; others do not."""
    with open(os.path.join(ROOT, "viewer", "liveness.c")) as file:
        listed = re.findall(r"readers\[\] = \{(.*?)\}", file.read(), re.DOTALL)
    names = re.findall(r'"(\w+)"', "".join(listed))
    others = ["locals_", "Eval", "use", "append", "_"]
    codes = [Function(compile(f"def f(a): {name}(a)", "<case>", "exec").co_consts[0]) for name in names + others]
    answers = ask(tool, [(one.words(), [one.instructions[-1].offset]) for one in codes])
    for name, [answer] in zip(names + others, answers):
        if (answer.why == BY_NAMES) != (name in names):
            failures.add(f"{name}: {answer}")
    if len(names) < 20:
        failures.add("the list of names was not found")


def check_damage(tool, failures):
    """The tool must live; what it says of such bytes is no matter. Instrumented code is not decided."""
    chance = random.Random(1)
    questions = []
    for code in list(library_codes(2))[:400]:
        words = Function(code).words().split(" ")
        for field in (3, 3, 4):
            damaged = bytearray.fromhex(words[field].strip("-"))
            for _ in range(chance.randrange(1, 4)):
                if damaged:
                    damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            if chance.random() < 0.2:
                del damaged[chance.randrange(len(damaged) + 1):]
            mutated = words[:field] + [damaged.hex() or "-"] + words[field + 1:]
            questions.append((" ".join(mutated), [0, 2, 20, 100, 1000]))
    answers = [answer for group in ask(tool, questions) for answer in group]
    print(f"  {len(questions)} damaged codes: {sum(answer.why == DAMAGED for answer in answers)} of "
          f"{len(answers)} answers say so")
    if VERSION >= (3, 12):
        code = Function(check_damage.__code__)
        instrumented = bytearray(code.code.co_code)
        instrumented[0] = dis.opmap["INSTRUMENTED_RESUME"]
        [[answer]] = ask(tool, [(code.words(bytes(instrumented)), [20])])
        if answer.why != DAMAGED:
            failures.add("an instrumented code is decided")


FEW_POINTS = 10000  # for fewer, it is not liveness that is looked at, but the sanitizers' complaints


def inside(tool, points, seed):
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None
    sys.setrecursionlimit(10000)
    failures = Failures()
    check_cases(tool, failures)
    check_names(tool, failures)
    check_library(tool, failures, 1 if FULL else 2 if points >= FEW_POINTS else 10)
    check_damage(tool, failures)
    if VERSION >= (3, 11):
        # Before anything is traced: that instruments. Each answer goes through the whole code, so that the
        # sanitizers see all of it however few are asked for.
        check_memory(tool, failures, 80 if points >= FEW_POINTS else 8)
    check_truth(tool, failures, points, seed)
    return failures.count == 0


# -- All interpreters --------------------------------------------------------------------------------


def interpreters():
    command = [os.path.join(ROOT, "scripts", "fetch-interpreters"), "--list"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    rows = [line.split() for line in listed.stdout.decode().splitlines()]
    wanted = [one for one in os.environ.get("HOLDFAST_TEST_PYTHONS", "").split(",") if one]
    return [path for path, number, _, gil in rows if is_known(number) and
            (not wanted or path in wanted or any(matches(number, gil, one) for one in wanted))]


def is_known(number):
    return (3, 8) <= tuple(int(part) for part in number.split(".")[:2]) <= (3, 14)


def matches(number, gil, wanted):
    return wanted.endswith("t") == (gil == "nogil") and (number + ".").startswith(wanted.rstrip("t") + ".")


def run_one(interpreter, arguments):
    process = subprocess.run([interpreter, "-E", "-s", "-B", os.path.abspath(__file__), "--inside"] + arguments,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(interpreter + "\n" + process.stdout.decode(errors="replace"), end="", flush=True)
    return process.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1000000 if FULL else 52000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("tool")
    parser.add_argument("interpreters", nargs="*")
    options = parser.parse_intermixed_args()
    if options.inside:
        return inside(options.tool, options.points, options.seed)
    arguments = [os.path.abspath(options.tool), "--points", str(options.points), "--seed", str(options.seed)]
    found = options.interpreters or interpreters()
    generated = subprocess.run([os.path.join(ROOT, "scripts", "gen-opcodes"), "--check"] + found)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda one: run_one(one, arguments), found))
    print(f"{sum(results)} of {len(found)} interpreters agree")
    return bool(found) and all(results) and generated.returncode == 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
