"""What a program's locals are needed for after its peak, and how high that is: by tracing, without Holdfast.

    read_later.py reads PROGRAM VARIANT... -- [ARGUMENT...]
    read_later.py peaks PROGRAM VARIANT... -- [ARGUMENT...]

"reads" prints, for each variant, which locals of frames that are alive at a line marked `# @peak` are read
later, before they are bound anew, and which are not: {"variant": [["data in load", ...], ["raw in parse", ...]]}.
"peaks" prints the highest number of bytes that tracemalloc saw. Each variant runs in a child of its own.
"""
import dis
import json
import os
import re
import sys
import threading
import tracemalloc
import types

GENERATORS = 0x20 | 0x80 | 0x200  # co_flags of generators, coroutines and asynchronous generators
# What costs time and is no different with fewer.
FEWER = [(r"^COUNT = [^#\n]+", "COUNT = 30 "), (r"^DEPTH = \d+", "DEPTH = 30")]

kept = []  # a module that nobody holds is emptied


class Reads:
    """Follows the locals of one program's frames."""

    def __init__(self, program, source):
        self.program = program
        self.peak_lines = {number for number, line in enumerate(source.splitlines(), 1) if line.endswith("# @peak")}
        self.codes = {}  # code -> {offset: (names read, names bound or deleted)}
        self.frames = {}  # begun and not finished: id -> frame
        self.watched = {}  # id of a frame -> names not read since the peak
        self.seen, self.read = set(), set()

    def instructions(self, code):
        if code not in self.codes:
            table = self.codes[code] = {}
            for step in dis.get_instructions(code):
                names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
                if step.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF")):
                    table[step.offset] = (names, ())
                elif step.opname.startswith("STORE_FAST_LOAD"):
                    table[step.offset] = (names[1:], names[:1])
                elif step.opname.startswith(("STORE_FAST", "DELETE_FAST", "STORE_DEREF", "DELETE_DEREF")):
                    table[step.offset] = ((), names)
        return self.codes[code]

    def call(self, frame, event, argument):
        if frame.f_code.co_filename != self.program:
            return None
        frame.f_trace = self.step  # from 3.13 on, opcodes are traced only where this was set before
        frame.f_trace_opcodes = True
        self.frames[id(frame)] = frame
        return self.step

    def step(self, frame, event, argument):
        if event == "line" and frame.f_lineno in self.peak_lines:
            self.peak()
        elif event == "opcode":
            self.execute(frame)
        elif event == "return" and not frame.f_code.co_flags & GENERATORS:
            self.frames.pop(id(frame), None)
            self.watched.pop(id(frame), None)
        return self.step

    def peak(self):
        for number, frame in list(self.frames.items()):
            code = frame.f_code
            names = set(code.co_varnames + code.co_cellvars)
            self.watched[number] = names
            self.seen |= {"%s in %s" % (name, code.co_name) for name in names}

    def execute(self, frame):
        names = self.watched.get(id(frame))
        step = self.instructions(frame.f_code).get(frame.f_lasti)
        if not names or not step:
            return
        for name in step[0]:
            if name in names:
                self.read.add("%s in %s" % (name, frame.f_code.co_name))
        names.difference_update(step[1])

    def result(self):
        assert self.codes, "no opcode was traced"
        return [sorted(self.read), sorted(self.seen - self.read)]


def program_code(program, fewer):
    with open(program) as file:
        source = file.read()
    for pattern, replacement in FEWER if fewer else []:
        source = re.sub(pattern, replacement, source, flags=re.M)
    return source, compile(source, program, "exec")


def run(code, program, variant, arguments):
    """Runs it as a script. However it ends, this returns."""
    sys.argv = [program, variant] + arguments
    os.kill = lambda pid, number: sys.exit(number)
    module = types.ModuleType("__main__")
    module.__file__ = program
    kept.append(sys.modules["__main__"])
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)
    except SystemExit:
        pass


def reads(program, variant, arguments):
    source, code = program_code(program, fewer=True)
    tracer = Reads(program, source)
    sys._getframe().f_trace_opcodes = True  # 3.12 must have been asked before the first settrace()
    threading.settrace(tracer.call)
    sys.settrace(tracer.call)
    end_process = os._exit
    parent = os.getpid()

    def end(status):
        sys.settrace(None)
        if os.getpid() != parent:
            tell(tracer.result())
        end_process(status)

    os._exit = end  # what a child saw is told, too
    run(code, program, variant, arguments)
    sys.settrace(None)
    return tracer.result()


def peaks(program, variant, arguments):
    code = program_code(program, fewer=False)[1]
    tracemalloc.start()
    run(code, program, variant, arguments)
    return tracemalloc.get_traced_memory()[1]


def tell(result):
    os.write(output, (json.dumps(result) + "\n").encode())


mode, program = sys.argv[1:3]
split = sys.argv.index("--")
variants, arguments = sys.argv[3:split], sys.argv[split + 1:]
results = {}
for variant in variants:
    source, output = os.pipe()
    child = os.fork()
    if child == 0:
        leave = os._exit
        tell({"reads": reads, "peaks": peaks}[mode](program, variant, arguments))
        leave(0)
    os.close(output)
    with os.fdopen(source) as file:
        lines = [json.loads(line) for line in file]
    if os.waitpid(child, 0)[1] != 0 or not lines:
        sys.exit("%s %s does not end well" % (program, variant))
    if mode == "reads":
        seen = {name for line in lines for part in line for name in part}
        read = {name for line in lines for name in line[0]}
        results[variant] = [sorted(read), sorted(seen - read)]
    else:
        results[variant] = lines[-1]
print(json.dumps(results))
