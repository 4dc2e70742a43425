"""Random Python functions, and what they call: for test_viewer_liveness.py.

A function's text comes from a seed. It uses many kinds of statement, ends soon whatever its helpers
answer, and rarely fails otherwise than on purpose.
"""

import random
import sys

KINDS = ["plain", "plain", "plain", "generator", "generator", "coroutine", "asyncgen"]
NAMES = ["v%d" % number for number in range(7)]
CAPTURED = ["c0", "c1"]  # cells, in functions that have inner ones


class E1(Exception):
    pass


class E2(Exception):
    pass


class Helpers:
    """What generated functions call. All chance comes from one seed; when the budget is used up, nothing
    is repeated or raised any more."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.budget = 120

    def chance(self, probability):
        self.budget -= 1
        return self.budget > 0 and self.random.random() < probability

    def names(self):
        return dict({name: getattr(self, name) for name in dir(self) if name[0] != "_"}, E1=E1, E2=E2)

    def use(self, *values, **more):
        return len(values) + self.random.randrange(3)

    def flag(self):
        return self.chance(0.5)

    def more(self):
        return self.chance(0.6)

    def steps(self):
        return range(self.random.randrange(4) if self.chance(0.9) else 0)

    def boom(self, *values):
        if self.chance(0.2):
            raise self.random.choice([E1, E2])(1)
        return 1

    def pair(self):
        return self.random.randrange(9), [self.random.randrange(9), 2, 3]

    def subject(self):
        return self.random.choice([0, 1, 2, (1, 2), (1, 2, 3), {"key": 4}, "text", E1()])

    class box:
        field = 1

        def __init__(self, value):
            self.field = 2

        def __getitem__(self, key):
            return 3

        def __setitem__(self, key, value):
            pass

        __delitem__ = __getitem__

    class context:
        def __init__(self, helpers, *values):
            self.helpers = helpers

        def __enter__(self):
            return 5

        def __exit__(self, *error):
            return self.helpers.chance(0.5)

        async def __aenter__(self):
            await Pause()
            return 5

        async def __aexit__(self, *error):
            await Pause()
            return self.helpers.chance(0.5)

    def manager(self, *values):
        return self.context(self, *values)

    def pause(self, *values):
        return Pause()

    def inner_generator(self):
        for _ in self.steps():
            try:
                yield 1
            except E1:
                pass
        return 2

    async def asynchronous(self):
        for number in self.steps():
            await Pause()
            yield number


class Pause:
    def __await__(self):
        yield self
        return 3


class Writer:
    """Writes one function, with what is inside it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.kind = self.random.choice(KINDS)
        self.cells = self.random.random() < 0.4
        self.known = {"a", "b"}
        self.loops = 0
        self.jumps = True  # return, break and continue are allowed
        self.inner = 0
        self.left = self.random.choice([6, 12, 20, 40])

    def text(self):
        head = "async def" if self.kind in ("coroutine", "asyncgen") else "def"
        self.put(0, f"{head} f(a, b=2, *rest, keyword=3, **others):")
        if self.cells:
            self.put(1, "c0 = c1 = 1")
        if self.random.random() < 0.02:  # so many locals that arguments have prefixes
            for number in range(260):
                self.put(1, f"w{number} = {number}")
            self.known.update(["w7", "w255", "w256", "w259"])
        self.known.update(["rest", "others", "keyword"])
        while self.left > 0:
            self.statement(1, 0)
        if self.kind in ("generator", "asyncgen"):
            self.put(1, "yield b")
        if self.kind != "asyncgen":
            self.put(1, f"return {self.value()}")
        return "\n".join(self.lines) + "\n"

    def put(self, indent, line):
        self.lines.append("    " * indent + line)

    # Expressions

    def name(self):
        if self.random.random() < 0.02:
            return self.random.choice(NAMES)
        return self.random.choice(sorted(self.known))

    def number(self):
        numbers = sorted(self.known - {"rest", "others"} - {name for name in self.known if name[0] in "el"})
        return self.random.choice(numbers) if numbers else "1"

    def target(self):
        name = self.random.choice(CAPTURED if self.cells and self.random.random() < 0.2 else NAMES)
        self.known.add(name)
        return name

    def value(self, depth=0):
        if depth > 2 or self.random.random() < 0.35:
            return self.number() if self.random.random() < 0.8 else str(self.random.randrange(9))
        return self.random.choice([
            self.call, self.call, self.operation, self.comparison, self.logic, self.choice, self.walrus,
            self.comprehension, self.function, self.text_value, self.starred, self.display,
            self.other, self.other,
        ])(depth + 1)

    def call(self, depth):
        return f"use({self.name()}, {self.value(depth)})"

    def operation(self, depth):
        return f"({self.value(depth)} {self.random.choice('+-^|&')} {self.value(depth)})"

    def comparison(self, depth):
        return f"({self.value(depth)} < {self.value(depth)} <= {self.value(depth)})"

    def logic(self, depth):
        word = self.random.choice(["and", "or"])
        return f"({self.value(depth)} {word} {self.value(depth)} {word} flag())"

    def choice(self, depth):
        return f"({self.value(depth)} if flag() else {self.value(depth)})"

    def walrus(self, depth):
        value = self.value(depth)
        return f"({self.random.choice(NAMES)} := {value})"

    def comprehension(self, depth):
        inside = self.random.choice(["i", "j"] + NAMES[:2])
        known = set(self.known)
        self.known.add(inside)
        value = self.name() if self.random.random() < 0.3 else self.simple(inside)
        condition = self.random.choice(["", f" if {self.simple(inside)}", " if flag()"])
        if self.random.random() < 0.2:
            value = f"[{value} for k in steps() if k != {inside}]"
        self.known = known
        loop = f"for {inside} in steps(){condition}"
        return self.random.choice([
            f"len([{value} {loop}])", f"use(*[{value} {loop}])", f"len({{{inside}: {value} {loop}}})",
            f"len({{use({value}) {loop}}})", f"use(*({value} {loop}))"])

    def simple(self, name):
        return self.random.choice([name, f"use({name}, {self.name()})", f"boom({name})", f"({name} + 1)"])

    def function(self, depth):
        return f"(lambda p, q={self.value(depth)}: use(p, q, {self.number() if self.cells else 'p'}))(1)" \
            if self.random.random() < 0.7 or not self.cells else f"(lambda: {self.random.choice(CAPTURED)})()"

    def text_value(self, depth):
        return f"len(f'{{{self.name()}}} {{{self.number()}!r:>{{{self.number()}}}}}')"

    def starred(self, depth):
        return f"use({self.value(depth)}, *rest, *[{self.value(depth)}], word={self.value(depth)}, **others)"

    def display(self, depth):
        return self.random.choice([
            f"len([{self.name()}, *rest])", f"len(({self.name()}, {self.value(depth)})[0:{self.number()}])",
            f"len({{'x': {self.name()}, **others}})", f"[{self.value(depth)}, {self.value(depth)}][-1]"])

    def other(self, depth):
        first, second = self.value(depth), self.value(depth)
        return self.random.choice([
            f"(not {first})", f"use(-{first}, ~{second})", f"({first} in rest)", f"({first} is not None)",
            f"use({first}, word={second})", f"use({first}).bit_length()", f"(1 if {first} is None else {second})",
            f"box({first})[{second}]", f"box({first}).field", f"({first} * {second} // 3)",
            f"len({{'x': {first}, 'y': {second}}})", f"len([*rest, {first}][{second}:])"])

    # Statements

    def block(self, indent, depth):
        """Some statements, none of whose names are known for sure behind them."""
        known = set(self.known)
        for _ in range(self.random.choice([1, 1, 2, 3])):
            self.statement(indent, depth)
        self.known = known

    def statement(self, indent, depth):
        self.left -= 1
        simple = [self.assign, self.assign, self.assign, self.augment, self.unpack, self.delete, self.raise_now,
                  self.expression, self.expression, self.several, self.annotate, self.append_text,
                  self.change_box, self.change_box, self.class_or_import]
        if self.kind in ("generator", "asyncgen"):
            simple += [self.yield_value] * 3
        if self.kind in ("coroutine", "asyncgen"):
            simple += [self.wait] * 3
        if self.kind == "generator":
            simple.append(self.delegate)
        if self.jumps and depth > 0:
            simple.append(self.leave)
        nested = [self.condition, self.condition, self.repeat, self.repeat_while, self.attempt, self.attempt,
                  self.attempt, self.managed]
        if self.inner < 2:
            nested.append(self.inner_function)
        if sys.version_info >= (3, 10):
            nested.append(self.match)
        if sys.version_info >= (3, 11):
            nested.append(self.attempt_group)
        chosen = nested if depth < 4 and self.left > 0 and self.random.random() < 0.4 else simple
        self.random.choice(chosen)(indent, depth)

    def assign(self, indent, depth):
        value = self.value()
        self.put(indent, f"{self.target()} = {value}")

    def augment(self, indent, depth):
        value, name = self.value(), self.number()
        if name in CAPTURED or name[0] in "vab":
            self.put(indent, f"{name} {self.random.choice('+-^|&')}= {value}")
        else:
            self.put(indent, f"use({value})")

    def annotate(self, indent, depth):
        value = self.value()
        self.put(indent, f"{self.random.choice(NAMES)}: int = {value}")

    def append_text(self, indent, depth):
        """What an interpreter does in place, together with the store that follows."""
        self.put(indent, "l9 = 'text'")
        self.put(indent, f"l9 += str({self.value()})")
        self.put(indent, "use(l9)")

    def change_box(self, indent, depth):
        self.put(indent, f"l8 = box({self.value()})")
        first, second = self.value(), self.value()
        self.put(indent, self.random.choice([
            f"l8.field = {first}", f"l8[{first}] = {second}", f"l8[{first}:{second}] = {self.value()}",
            f"l8.field += {first}", f"l8[{first}] -= {second}", f"del l8[{first}]",
            f"del l8.field, l8[{first}:{second}]", f"l8.other, l8[{first}] = {second}, {self.name()}"]))

    def class_or_import(self, indent, depth):
        if self.random.random() < 0.5:
            self.put(indent, "from os import path as l7")
        else:
            self.put(indent, f"class l6({self.random.choice(['object', 'E1'])}):")
            self.put(indent + 1, f"field = {'c0' if self.cells else '1'}")
            self.put(indent + 1, "def method(self): return __class__")

    def several(self, indent, depth):
        values = [self.value() for _ in range(3)]
        self.put(indent, f"{self.target()}, {self.target()}, {self.target()} = {', '.join(values)}")

    def unpack(self, indent, depth):
        form = self.random.choice(["{}, (*l0, {}) = pair()", "{}, [{}, *l1] = pair()", "{}, {} = boom(), 4"])
        self.put(indent, form.format(self.target(), self.target()))
        if "l0" in form:
            self.known.add("l0")

    def delete(self, indent, depth):
        gone = sorted(name for name in self.known if name[0] == "v")
        if gone and self.random.random() < 0.6:
            name = self.random.choice(gone)
            self.known.discard(name)
            self.put(indent, f"del {name}")
        else:
            self.expression(indent, depth)

    def raise_now(self, indent, depth):
        self.put(indent, self.random.choice([f"boom({self.name()})", f"assert use({self.value()}), {self.value()}",
                                             f"if flag(): raise E1({self.value()})"]))

    def expression(self, indent, depth):
        self.put(indent, f"use({self.value()}, {self.name()})")

    def yield_value(self, indent, depth):
        value = self.value()
        self.put(indent, self.random.choice([f"yield {value}", f"{self.target()} = (yield {value}) or 1"]))

    def wait(self, indent, depth):
        value = self.value()
        self.put(indent, self.random.choice([
            f"await pause({value})", f"{self.target()} = await pause({value})",
            f"use([{self.name()} async for i in asynchronous() if i])"]))

    def delegate(self, indent, depth):
        self.put(indent, f"{self.target()} = yield from inner_generator()")

    def leave(self, indent, depth):
        words = ["return" if self.kind == "asyncgen" else f"return {self.value()}"]
        if self.loops:
            words += ["break", "continue"] * 2
        word = self.random.choice(words)
        self.put(indent, f"if flag(): {word}" if self.random.random() < 0.85 else word)

    def condition(self, indent, depth):
        self.put(indent, f"if {self.random.choice(['flag()', self.value()])}:")
        self.block(indent + 1, depth + 1)
        if self.random.random() < 0.3:
            self.put(indent, f"elif {self.value()}:")
            self.block(indent + 1, depth + 1)
        if self.random.random() < 0.5:
            self.put(indent, "else:")
            self.block(indent + 1, depth + 1)

    def loop(self, indent, depth, head):
        self.put(indent, head)
        self.loops += 1
        self.block(indent + 1, depth + 1)
        self.loops -= 1
        if self.random.random() < 0.25:
            self.put(indent, "else:")
            self.block(indent + 1, depth + 1)

    def repeat(self, indent, depth):
        waits = "async " if self.kind in ("coroutine", "asyncgen") and self.random.random() < 0.5 else ""
        source = "asynchronous()" if waits else self.random.choice(["steps()", "[1, 2]", "(use(i) for i in steps())"])
        self.loop(indent, depth, f"{waits}for {self.target()} in {source}:")

    def repeat_while(self, indent, depth):
        self.loop(indent, depth, f"while more(){self.random.choice(['', ' and ' + self.value()])}:")

    def attempt(self, indent, depth):
        self.put(indent, "try:")
        if self.random.random() < 0.7:
            self.put(indent + 1, f"boom({self.name()})")
        self.block(indent + 1, depth + 1)
        handled = self.random.random() < 0.7
        if handled:
            self.handler(indent, depth, self.random.choice(["except E1 as e0:", "except (E1, KeyError):"]))
            if self.random.random() < 0.4:
                self.handler(indent, depth, self.random.choice(["except Exception as e1:", "except:"]))
            if self.random.random() < 0.3:
                self.put(indent, "else:")
                self.block(indent + 1, depth + 1)
        if not handled or self.random.random() < 0.4:
            self.put(indent, "finally:")
            self.block(indent + 1, depth + 1)

    def handler(self, indent, depth, head):
        self.put(indent, head)
        known = set(self.known)
        if " as " in head:
            self.known.add(head[-3:-1])
        self.block(indent + 1, depth + 1)
        if self.random.random() < 0.2:
            self.put(indent + 1, "if flag(): raise")
        self.known = known

    def attempt_group(self, indent, depth):
        self.put(indent, "try:")
        self.put(indent + 1, f"boom({self.name()})")
        self.block(indent + 1, depth + 1)
        jumps, self.jumps = self.jumps, False
        for head in ["except* E1 as e0:", "except* (E2, ValueError):"][:self.random.choice([1, 2])]:
            self.handler(indent, depth, head)
        self.jumps = jumps

    def managed(self, indent, depth):
        waits = "async " if self.kind in ("coroutine", "asyncgen") and self.random.random() < 0.5 else ""
        second = ", manager() as v6" if self.random.random() < 0.2 else ""
        self.put(indent, f"{waits}with manager({self.value()}) as {self.target()}{second}:")
        if self.random.random() < 0.5:
            self.put(indent + 1, f"boom({self.name()})")
        self.block(indent + 1, depth + 1)

    def inner_function(self, indent, depth):
        self.inner += 1
        name = "inner%d" % self.inner
        self.put(indent, f"def {name}(p, q={self.value()}, *r):")
        known, loops, kind, jumps = self.known, self.loops, self.kind, self.jumps
        self.known, self.loops, self.jumps = {"p", "q"}, 0, True
        self.kind = self.random.choice(["plain", "plain", "generator"])
        if self.cells:
            if self.random.random() < 0.5:
                self.put(indent + 1, "nonlocal c0")
            self.known.update(CAPTURED[:1])
        self.block(indent + 1, depth + 1)
        self.put(indent + 1, "yield p" if self.kind == "generator" else "return p")
        call = f"use(*{name}(1, {{}}))" if self.kind == "generator" else f"{name}(1, {{}})"
        self.known, self.loops, self.kind, self.jumps = known, loops, kind, jumps
        self.put(indent, f"{self.target()} = " + call.format(self.value()))

    def match(self, indent, depth):
        self.put(indent, "match subject():")
        cases = ["0", "1 | 2", "(v0, *l0)", "(1, v1)", "{'key': v2}", "{'key': 4, **l1}", "E1() as v3 if flag()",
                 "str() as v4", "int(v5) if boom()"]
        for case in self.random.sample(cases, 3):
            self.put(indent + 1, f"case {case}:")
            self.block(indent + 2, depth + 1)
        if self.random.random() < 0.5:
            self.put(indent + 1, "case _:")
            self.block(indent + 2, depth + 1)


# What chance seldom makes; seeds from 0 on.
FIXED = ["""
def f(a, b=2, *rest, **others):
    with manager(a):
        raise E1(b)
    return use(a)
""", """
def f(a, b=2, *rest, **others):
    while True:
        try:
            if flag():
                break
            return 1
        finally:
            use(1)
    return a
""", """
def f(a, b=2, *rest, **others):
    for v0 in steps():
        try:
            v1 = boom(v0)
        except E1:
            continue
        finally:
            if flag():
                break
            del a
            a = use(b)
    return use(a, v1)
""", """
def f(a, b=2, *rest, **others):
""" + "".join(f"    w{number} = {number}\n" for number in range(300)) + """
    for v0 in steps():
        use(w7, w64, w127)
        if flag():
            w255, w256 = w256, w255
        w299 += use(w254, w128)
    return use(w64, w255)
"""]


def write(seed):
    """(kind, text) of the function with this seed."""
    if seed < len(FIXED):
        return "plain", FIXED[seed]
    writer = Writer(seed)
    kind = writer.kind
    return kind, writer.text()


def drive(kind, function, helpers):
    """Calls it, and takes what it makes to some end or leaves it suspended."""
    if kind == "plain":
        function(1, 2, 3, 4, other=5)
        return
    made = function(1, 2, 3, 4, other=5)
    for turn in range(helpers.random.randrange(1, 14)):
        action = helpers.random.random()
        if kind == "asyncgen":
            step = made.asend(1 if turn else None) if action < 0.8 else made.athrow(E1(2)) if action < 0.93 else \
                made.aclose()
            run(step, helpers)
        elif action < 0.8:
            made.send(1 if turn else None)
        elif action < 0.93:
            made.throw(E1(2))
        else:
            made.close()


def run(awaitable, helpers):
    try:
        while True:
            if helpers.random.random() < 0.9:
                awaitable.send(None)
            else:
                awaitable.throw(E2(3))
    except StopIteration:
        pass
