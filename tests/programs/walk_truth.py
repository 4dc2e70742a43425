"""Compares what the heap walker says of this process with what the interpreter says.

walk_truth.py WALK_OBJECT READER_FOLDER SCRATCH_FILE: prints "right" and some figures, or what is wrong.
"""
import array
import asyncio
import atexit
import codecs
import collections
import contextvars
import ctypes
import decimal
import functools
import gc
import itertools
import operator
import os
import sys
import threading
import types
import weakref

sys.path.insert(0, sys.argv[2])
import read_graph  # noqa: E402

LIBRARY = ctypes.PyDLL(sys.argv[1])
LIBRARY.walk_to_file.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                                 ctypes.c_uint64]
MINOR = sys.version_info[1]
LARGE = 128 << 10
NO_BLOCKS = ctypes.c_uint64 * 0  # kept, because ctypes has a cache of such types that changes
complaints = []


def check(condition, *what):
    if not condition:
        complaints.append(" ".join(map(str, what)))
    return condition


def walk(large=(), shallow=False, limit=0):
    blocks = (ctypes.c_uint64 * (2 * len(large)))(*(word for block in sorted(large) for word in block))
    result = LIBRARY.walk_to_file(sys.argv[3].encode(), blocks, len(large), shallow, limit)
    return result, read_graph.read(sys.argv[3])


# -- A gallery: one of each kind ------------------------------------------------------------------

class Plain:
    pass


class Slotted:
    __slots__ = ("one", "two")


class Both(Slotted):
    pass


class Listed(list):
    pass


class Mapped(dict):
    __slots__ = ("extra",)


class Text(str):
    pass


class Number(int):
    pass


class Numbers(tuple):
    pass


class Finalized:
    def __del__(self):
        pass


class Meta(type):
    pass


class WithMeta(Plain, metaclass=Meta):
    attribute = ["class attribute"]


Pair = collections.namedtuple("Pair", "left right")


def function_with_all(a, b=("default",), *, c={"keyword": 1}, **rest):
    return a, b, c, rest


def closure():
    captured = ["captured"]

    def inner():
        return captured
    return inner


def generator(argument):
    local = ["local of a generator"]
    yield local
    yield argument


async def coroutine(argument):
    await asyncio.sleep(0)


async def async_generator(argument):
    yield argument


def failing(argument):
    local = {"in": argument}
    raise ValueError("kept", local)


def keep_exception():
    try:
        failing(["argument"])
    except ValueError as error:
        return error


@functools.lru_cache(None)
def cached(n):
    return [n]


def plain_with(count):
    plain = Plain()
    for i in range(count):
        setattr(plain, "name%d" % i, ["value", i])
    return plain


def make_gallery():
    plain, slotted, both = Plain(), Slotted(), Both()
    plain.first, plain.second = ["first"], {"second": 2}
    materialized = Plain()
    materialized.first, materialized.second = ["m1"], ["m2"]
    materialized.__dict__
    slotted.one, slotted.two = ["slot one"], ("slot", 2)
    both.one, both.other = ["inherited slot"], ["in the dict"]
    listed, mapped = Listed([["a"], ["b"]]), Mapped({"k": ["v"], 1: ["w"]})
    listed.attribute, mapped.extra = ["attribute"], ["extra"]
    text = Text("a text with an attribute")
    text.attribute = ["of a str"]
    number = Number(7)
    number.attribute = ["of an int"]
    numbers = Numbers([["of"], ["a tuple"]])
    numbers.attribute = ["its attribute"]
    started = generator(["argument"])
    next(started)
    running = coroutine(["awaited"])
    view = memoryview(bytearray(b"x" * 3000))
    shared = ["shared"]
    cached(1), cached(2)
    error = keep_exception()
    context = contextvars.Context()
    variable = contextvars.ContextVar("variable")
    context.run(variable.set, ["in a context"])
    removed = {n: [n] for n in range(40)}
    for n in range(0, 40, 3):
        del removed[n]
    thinned = set(range(100, 300)) | {("a",), "b"}
    for n in range(100, 200):
        thinned.remove(n)
    return {
        "plain": plain, "materialized": materialized, "many attributes": plain_with(60), "few": plain_with(3),
        "slotted": slotted, "both": both, "empty slot": Slotted(),
        "listed": listed, "mapped": mapped, "text": text, "number": number, "numbers": numbers,
        "finalized": Finalized(), "class": WithMeta, "pair": Pair(["l"], ["r"]),
        "function": function_with_all, "closure": closure(), "cell": closure().__closure__[0],
        "method": plain_with(1).__class__.__init__, "bound": listed.append, "bound method": started.send,
        "python method": types.MethodType(function_with_all, ["self"]),
        "generator": started, "unstarted": generator(["unstarted"]), "coroutine": running,
        "async generator": async_generator(["async"]),
        "error": error, "traceback": error.__traceback__, "frame": error.__traceback__.tb_next.tb_frame,
        "view": view, "array": array.array("d", range(100)), "deque": collections.deque([["x"], ["y"]]),
        "counter": collections.Counter("abc"), "default": collections.defaultdict(list, {"k": ["v"]}),
        "ordered": collections.OrderedDict([("a", ["1"]), (("t",), ["2"])]),
        "partial": functools.partial(function_with_all, ["bound"], c=["kw"]), "cache": cached,
        "property": property(operator.neg, closure()), "static": staticmethod(closure()),
        "weak": weakref.ref(plain, closure()), "slice": slice(["start"], None, 3), "super": super(Both, both),
        "chain": itertools.chain([["a"]], [["b"]]), "map": map(closure(), [["c"]]), "zip": zip([1], [["z"]]),
        "same twice": [shared, shared, shared], "tuple twice": (shared, shared), "context": context,
        "set": {("in a set",), "x"}, "frozenset": frozenset([("frozen",)]), "thinned": thinned,
        "removed": removed, "nested": {("tuple", "key"): {"deep": [[[]]]}}, "empty": {}, "none": [None] * 5,
        "module": types, "builtin": len, "decimal": decimal.Decimal("1.5"), "thread": threading.current_thread(),
        "bytes": b"b" * 5000, "bytearray": bytearray(b"y" * 5000), "int": 10 ** 40, "float": 1.25, "complex": 1j,
        "latin": "\xe9t\xe9" * 20, "wide": "\u20ac" * 30, "widest": "\U0001f600" * 30, "long list": [0] * 2000,
        "simple": types.SimpleNamespace(a=["simple"]), "exception group": OSError(2, "no", "file"),
        "proxy": types.MappingProxyType({"p": ["q"]}), "code": function_with_all.__code__,
    }


# -- Comparisons ----------------------------------------------------------------------------------

def targets(graph, number, edges):
    return collections.Counter(graph.objects[target].address for kind, target, _ in edges if target and kind != "weak")


def frames_by_owner(graph):
    return {frame.owner: frame for frame in graph.frames[1:] if frame.owner and not frame.thread}


def told_of(graph, number, frames):
    """All references that the records of one object tell, its frame's too."""
    told = targets(graph, number, graph.objects[number].edges)
    frame = frames.get(number)
    if frame:
        for target, borrowed in frame.locals + frame.stack:
            if target and not borrowed:
                told[graph.objects[target].address] += 1
        for target in (frame.function, frame.locals_object, frame.code.object):
            if target:
                told[graph.objects[target].address] += 1
    return told


def edges_may_exceed(graph, one, address):
    """References that are held and that tp_traverse leaves out."""
    kind, target = one.type.kind, graph.objects[graph.by_address[address]]
    if target.type.kind in ("str", "number", "bytes") or address == id(type(None)):
        return True
    if target.type.kind == "type" or kind in ("type", "generator", "frame", "code", "ndarray"):
        return True
    return one.type.name in ("range", "re.Pattern", "_sre.SRE_Pattern")


def compare_references(graph, objects, truths):
    """Each object's edges against gc.get_referents, as multisets of addresses."""
    frames, compared = frames_by_owner(graph), 0
    for thing, addresses in zip(objects, truths):
        number = graph.by_address.get(id(thing))
        if number is None:
            continue
        one = graph.objects[number]
        truth = collections.Counter(addresses)
        told = told_of(graph, number, frames)
        missing, extra = truth - told, told - truth
        if isinstance(thing, types.FrameType) and number not in frames:
            continue  # it runs: its references are with its thread
        if any(root.name == "interned strings" and root.object == number for root in graph.roots):
            held = [a for a in told if graph.objects[graph.by_address[a]].references]
            check(not held, "interned strings are told as held", len(held))
            continue
        what = "%s %r" % (one.type.name, one.detail)
        check(not missing, "missing in", what, [describe(graph, a) for a in missing][:5])
        extra = [a for a in extra if not edges_may_exceed(graph, one, a)]
        check(not extra, "too many in", what, [describe(graph, a) for a in extra][:5], list(thing)[:9] if type(thing) is dict else 0, len(truth))
        compared += 1
    return compared


def describe(graph, address):
    number = graph.by_address.get(address)
    one = graph.objects[number] if number else None
    return "%s %r" % (one.type.name, one.detail) if one else hex(address)


def edge_names(graph, thing):
    return {(kind, name): graph.objects[target].address
            for kind, target, name in graph.objects[graph.by_address[id(thing)]].edges if target}


def compare_labels(graph, gallery):
    def has(what, kind, name, target):
        found = edge_names(graph, gallery[what]).get((kind, name))
        check(found == id(target), what, "has no", kind, name)

    plain, both, fun = gallery["plain"], gallery["both"], gallery["function"]
    if MINOR >= 11:
        has("plain", "attribute", "first", plain.first)
        has("plain", "attribute", "second", plain.second)
    else:
        has("plain", "field", "__dict__", plain.__dict__)
    many = gallery["many attributes"]
    has("many attributes", "field", "__dict__", many.__dict__)
    has("slotted", "attribute", "one", gallery["slotted"].one)
    has("slotted", "attribute", "two", gallery["slotted"].two)
    has("both", "attribute", "one", both.one)
    # From 3.13 it depends on the patch release.
    names = edge_names(graph, both)
    check(MINOR < 11 or names.get(("attribute", "other")) == id(both.other) or ("field", "__dict__") in names,
          "both has no attribute other")
    has("mapped", "attribute", "extra", gallery["mapped"].extra)
    if MINOR < 12:
        has("text", "field", "__dict__", gallery["text"].__dict__)
        has("listed", "field", "__dict__", gallery["listed"].__dict__)
        has("numbers", "field", "__dict__", gallery["numbers"].__dict__)
        has("number", "field", "__dict__", gallery["number"].__dict__)
    for name in ("__code__", "__globals__", "__defaults__", "__kwdefaults__"):
        has("function", "field", name, getattr(fun, name))
    has("closure", "field", "__closure__", gallery["closure"].__closure__)
    has("cell", "field", "cell_contents", gallery["cell"].cell_contents)
    has("python method", "field", "__func__", gallery["python method"].__func__)
    has("python method", "field", "__self__", gallery["python method"].__self__)
    has("bound", "field", "__self__", gallery["listed"])
    error = gallery["error"]
    has("error", "field", "args", error.args)
    has("error", "field", "__traceback__", error.__traceback__)
    has("traceback", "field", "tb_frame", error.__traceback__.tb_frame)
    has("traceback", "field", "tb_next", error.__traceback__.tb_next)
    has("class", "field", "__bases__", WithMeta.__bases__)
    has("class", "field", "__mro__", WithMeta.__mro__)
    has("class", "type", None, Meta)
    has("module", "field", "__dict__", types.__dict__)
    has("default", "field", "default_factory", list)
    has("partial", "field", "func", function_with_all)
    has("property", "field", "fget", operator.neg)
    has("weak", "field", "__callback__", gallery["weak"].__callback__)
    has("code", "field", "co_consts", function_with_all.__code__.co_consts)


def compare_order(graph, gallery):
    def items(thing, kinds):
        one = graph.objects[graph.by_address[id(thing)]]
        return [graph.objects[target].address for kind, target, _ in one.edges if kind in kinds]

    for name in ("same twice", "tuple twice", "listed", "numbers", "pair", "none"):
        check(items(gallery[name], ["item"]) == list(map(id, gallery[name])), name, "is out of order")
    for name in ("nested", "removed", "default", "mapped", "counter"):
        pairs = [id(thing) for pair in dict.items(gallery[name]) for thing in pair]
        check(items(gallery[name], ["key", "value"]) == pairs, name, "is out of order")


def compare_sizes(graph, gallery):
    for name in ("bytes", "bytearray", "int", "float", "complex", "latin", "wide", "widest", "long list", "set",
                 "thinned", "frozenset", "removed", "empty", "tuple twice", "same twice", "array", "deque", "pair",
                 "function", "closure", "cell", "slotted", "generator", "unstarted", "frame", "traceback", "code",
                 "mapped", "listed", "numbers", "number", "python method", "decimal", "partial", "coroutine"):
        one = graph.objects[graph.by_address[id(gallery[name])]]
        truth = sys.getsizeof(gallery[name])
        if name == "code":  # its own __sizeof__ counts caches too
            check(one.size <= truth + 64, "size of", name, one.size, "not", truth)
        elif name in ("listed", "numbers", "number", "frame"):  # a dict's pointer or values are left out
            check(truth <= one.size <= truth + 320, "size of", name, one.size, "not", truth)
        else:
            check(one.size == truth, "size of", name, one.size, "not", truth)


def compare_kinds(graph, gallery):
    kinds = {"plain": "other", "listed": "list", "mapped": "dict", "text": "str", "number": "number",
             "numbers": "tuple", "pair": "tuple", "class": "type", "function": "function", "cell": "cell",
             "python method": "method", "bound": "builtin", "generator": "generator", "coroutine": "generator",
             "async generator": "generator", "error": "exception", "traceback": "traceback", "frame": "frame",
             "view": "memoryview", "counter": "dict", "ordered": "dict", "weak": "weakref", "set": "set",
             "frozenset": "set", "bytes": "bytes", "bytearray": "bytearray", "int": "number", "module": "module",
             "code": "code", "exception group": "exception"}
    for name, kind in kinds.items():
        one = graph.objects[graph.by_address[id(gallery[name])]]
        check(one.type.kind == kind, name, "is a", one.type.kind)
    finalized = graph.objects[graph.by_address[id(gallery["finalized"])]].type
    check(finalized.flags & read_graph.FINALIZER, "no finalizer")
    check(finalized.name == "__main__.Finalized", finalized.name)
    for name in ("plain", "bytes", "partial"):
        one = graph.objects[graph.by_address[id(gallery[name])]].type
        made = read_graph.HEAP if type(gallery[name]).__flags__ & 1 << 9 else 0  # Py_TPFLAGS_HEAPTYPE
        check(one.flags & ~read_graph.NATIVE == made, "flags of the type of", name, one.flags)
    check(graph.objects[graph.by_address[id(gallery["plain"])]].type.flags == read_graph.HEAP, "flags of a plain type")
    names = {"deque": "collections.deque", "partial": "functools.partial", "empty": "dict", "class": "__main__.Meta"}
    for name, text in names.items():
        one = graph.objects[graph.by_address[id(gallery[name])]]
        check(one.type.name == text, name, "is of type", one.type.name)
    details = {"function": "function_with_all", "closure": "closure.<locals>.inner", "long list": "len 2000",
               "class": "__main__.WithMeta", "module": "types", "builtin": "len", "generator": "generator",
               "bytes": "len 5000"}
    for name, text in details.items():
        one = graph.objects[graph.by_address[id(gallery[name])]]
        check(one.detail == text, "detail of", name, one.detail)
    keys = {graph.objects[target].detail for kind, target, _ in
            graph.objects[graph.by_address[id(gallery["removed"])]].edges if kind == "key"}
    check(keys == set(map(str, gallery["removed"])), "keys", keys)
    weak = [target for kind, target, _ in graph.objects[graph.by_address[id(gallery["weak"])]].edges if kind == "weak"]
    check(weak == [graph.by_address[id(gallery["weak"]())]], "what a weak reference refers to", weak)


def counts_of(graph, things):
    """References that the graph tells of each thing, wherever from."""
    wanted = {graph.by_address[id(thing)]: 0 for thing in things}
    for one in itertools.chain(graph.objects[1:], graph.threads[1:]):
        for kind, target, _ in one.edges:
            if target in wanted and kind != "weak":
                wanted[target] += 1
    for frame in graph.frames[1:]:
        for target, borrowed in frame.locals:
            if target in wanted and not borrowed:
                wanted[target] += 1
        for target in (frame.function, frame.locals_object, frame.code.object):
            if target in wanted:
                wanted[target] += 1
        for target, borrowed in frame.stack[:max(0, frame.saved_depth)]:
            if target in wanted and not borrowed:
                wanted[target] += 1
    return wanted


def compare_counts(graph, gallery):
    """What the gallery's dict alone holds has as many references told as are counted."""
    held = [gallery[name] for name in gallery
            if name not in ("cache", "class", "module", "builtin", "thread", "method", "function", "code", "frame")]
    for number, told in counts_of(graph, held).items():
        one = graph.objects[number]
        if one.references:
            check(one.references == told, one.type.name, one.detail, "counts", one.references, "and", told, "are told")


# -- Frames ---------------------------------------------------------------------------------------

def innermost(first, second):
    third = [first, second]
    result, graph = walk()
    return result, graph, third


def in_the_middle(value):
    middle = {"middle": value}
    return innermost(middle, "second")


def iterate(value):
    in_generator = ("in a generator", value)
    yield in_the_middle(in_generator)


def compare_frames():
    ready, stop = threading.Event(), threading.Event()
    of_thread = ["local of a thread"]

    def target(argument):
        waiting = [argument]
        ready.set()
        stop.wait()
        return waiting

    thread = threading.Thread(target=target, args=(of_thread,), daemon=True)
    thread.start()
    ready.wait()
    line = sys._getframe().f_lineno + 1
    result, graph, third = next(iterate("value"))
    identifier = thread.ident
    stop.set()
    thread.join()
    check(result == 0 and graph.complete, "the walk was cut short")
    own = [t for t in range(1, len(graph.threads)) if graph.threads[t].flags & 1]
    check([graph.threads[t].identifier for t in own] == [threading.get_ident()], "which thread is it")
    mine = [f for f in graph.frames[1:] if f.thread == own[0]]
    names = [f.code.name for f in mine[:6]]
    check(names == ["walk", "innermost", "in_the_middle", "iterate", "compare_frames", "main"], names)
    check([f.depth for f in mine] == list(range(len(mine))), "depths")
    check(mine[4].line == line, "line", mine[4].line, "not", line)

    def local(frame, name):
        at = [n for n, _ in frame.code.locals].index(name)
        number = frame.locals[at][0]
        return number and graph.objects[number]
    check(local(mine[1], "third").address == id(third), "local third")
    check(local(mine[1], "second").type.kind == "str", "local second")
    check(local(mine[1], "graph") == 0 and local(mine[1], "result") == 0, "locals that are not bound yet")
    check(local(mine[2], "middle").address == id(third[0]), "local middle")
    check(local(mine[3], "in_generator").address == id(third[0]["middle"]), "local of a running generator")
    check(graph.objects[mine[3].owner].type.kind == ("generator" if MINOR >= 11 else "frame"),
          "the owner of a running generator's frame")
    others = [f for f in graph.frames[1:] if f.thread and f.thread != own[0] and f.code.name == "target"]
    check(len(others) == 1 and graph.threads[others[0].thread].identifier == identifier, "the other thread")
    check(local(others[0], "waiting").edges[0][1] == graph.by_address[id(of_thread)], "its local")
    check(others[0].code.qualified_name in (None, "compare_frames.<locals>.target"), "its qualified name")
    check(mine[1].code.instructions[:2] != b"" and mine[1].code.file.endswith("walk_truth.py"), "its code")
    if MINOR <= 10:
        check(mine[1].code.instructions == innermost.__code__.co_code, "instructions")
    check(mine[1].code.names == list(innermost.__code__.co_names), "names")
    check(mine[0].code.arguments == 3, "arguments of walk()")
    stopped = len(mine[1].stack)
    check(stopped <= innermost.__code__.co_stacksize, "stack")


def compare_generator(graph, gallery):
    by_owner = frames_by_owner(graph)

    def frame_of(name):
        number = graph.by_address[id(gallery[name])]
        if MINOR <= 10:
            number = {n: t for _, t, n in graph.objects[number].edges}["gi_frame"]
        return by_owner.get(number)
    started, unstarted = frame_of("generator"), frame_of("unstarted")
    check(started and unstarted and frame_of("coroutine") and frame_of("async generator"), "frames of generators")
    check(started.code.name == "generator" and started.line == generator.__code__.co_firstlineno + 2,
          "a suspended generator's line", started.line)
    values = dict(zip([n for n, _ in started.code.locals], started.locals))
    check(graph.objects[values["local"][0]].type.kind == "list", "its local")
    check(unstarted.position == read_graph.NOT_BEGUN or MINOR >= 11, "an unstarted generator's position")
    kept = by_owner.get(graph.by_address[id(gallery["frame"])])
    check(kept and kept.code.name == "failing" and not kept.thread, "the frame of a traceback")


# -- Roots ----------------------------------------------------------------------------------------

def compare_roots():
    """What is put where only the interpreter, or a static variable, keeps it."""
    def search(name):
        return None

    def fork():
        pass

    at_exit, variable = ["at exit"], ["in a variable"]
    codecs.register(search)
    os.register_at_fork(before=fork)
    atexit.register(len, at_exit)
    hook = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook")
    before, hook.value = hook.value, id(variable)
    _, graph = walk()
    hook.value = before

    def targets_of(name):
        return {graph.objects[target].address for root in graph.roots if root.name == name
                for _, target, _ in graph.objects[root.object].edges if target}

    check(id(search) in targets_of("codec_search_path"), "a codec search function")
    check(id(fork) in targets_of("before_forkers"), "a function that is called before forks")
    if 10 <= MINOR <= 13:
        check(id(at_exit) in targets_of("atexit_arguments"), "an argument of an atexit function")
    static = {graph.objects[root.object].address for root in graph.roots
              if root.kind == "static" and root.name == "interpreter"}
    check(id(variable) in static, "a static variable")
    types = {graph.objects[root.object].address for root in graph.roots if root.kind == "static"}
    check({id(int), id(type), id(dict)} <= types, "static types")
    interned = [root for root in graph.roots if root.kind == "interned"]
    if check(len(interned) == 1, len(interned), "tables of interned strings"):
        table = graph.objects[interned[0].object]
        check(table.type.name == "dict" and int(table.detail.split()[1]) > 1000, "interned", table)
    atexit.unregister(len)


# -- Places ---------------------------------------------------------------------------------------

def compare_places():
    data = bytearray(1 << 20)
    start = ctypes.addressof(ctypes.c_char.from_buffer(data))
    numbers = array.array("d", bytes(8 << 17))
    view = memoryview(data)
    listed, mapped = [None] * (1 << 17), dict.fromkeys([(n,) for n in range(1 << 13)])
    # (object, address of its large block, size of that, it dies with the object)
    things = [(data, start, 1 << 20, True), (view, start, 1 << 20, False),
              (numbers, numbers.buffer_info()[0], 8 << 17, True),
              (listed, ctypes.c_uint64.from_address(id(listed) + 24).value, 8 << 17, True),
              (mapped, ctypes.c_uint64.from_address(id(mapped) + 32).value, 1 << 17, True)]
    whole = [bytes(1 << 20), "x" * (1 << 20), (None,) * (1 << 17)]
    things += [(thing, id(thing) - 16, (1 << 20) + 64, True) for thing in whole]
    arrays = make_arrays()
    if arrays:
        values = arrays["values"]
        things += [(values, values.ctypes.data, values.nbytes, True),
                   (arrays["view"], values.ctypes.data, values.nbytes, False)]
    result, graph = walk({(address, size) for _, address, size, _ in things})
    for thing, address, size, owns in things:
        one = graph.objects[graph.by_address[id(thing)]]
        what = type(thing).__name__
        check(one.places and address <= one.places[0] < address + size, what, "has no place", one.places)
        check(bool(one.flags & read_graph.OWNS) == owns, what, "owns")
        check(one.size < LARGE, what, "counts its block twice")
    if arrays:
        compare_arrays(graph, arrays)


def make_arrays():
    try:
        import numpy
    except ImportError:
        return None
    owner = numpy.empty(3, dtype=object)
    owner[0] = ["owned"]
    values = numpy.zeros((1 << 10, 1 << 7))
    return {"values": values, "view": values[5:], "objects": owner, "small": numpy.zeros(3, dtype=bool)}


def compare_arrays(graph, arrays):
    def record(name):
        return graph.objects[graph.by_address[id(arrays[name])]]

    check(record("values").detail == "(1024, 128) float64" and record("values").type.kind == "ndarray",
          record("values").detail)
    check(record("objects").detail == "(3,) object" and record("small").detail == "(3,) bool", "details of arrays")
    check(edge_names(graph, arrays["view"]).get(("field", "base")) == id(arrays["values"]), "base of a view")
    check([graph.objects[t].address for k, t, _ in record("objects").edges if k == "item"] ==
          list(map(id, arrays["objects"])), "items of an object array")


# -- The parts of the test ------------------------------------------------------------------------

def compare_shallow(gallery):
    result, graph = walk(shallow=True)
    check(result == 0 and graph.complete and graph.flags & read_graph.SHALLOW, "shallow")
    mine = [f for f in graph.frames[1:] if graph.threads[f.thread].flags & 1]
    names = [f.code.name for f in mine]
    check(names[:3] == ["walk", "compare_shallow", "main"], names)
    at = [n for n, _ in mine[1].code.locals].index("gallery")
    check(graph.objects[mine[1].locals[at][0]].address == id(gallery), "a local")
    check(not any(one.edges for one in graph.objects[1:] if one.type.kind not in ("code", "tuple")),
          "edges in a shallow walk")
    check(len(graph.objects) < 20000, "too many objects in a shallow walk", len(graph.objects))
    told = {one.detail for one in graph.objects[1:]}
    wanted = {"compare_limit", "mentioned_in_inner", read_graph.__file__, asyncio.__file__}
    check(wanted <= told, "code or files of modules are missing", wanted - told)


def never_called():
    return lambda frame: frame.f_locals.mentioned_in_inner


def compare_limit():
    result, graph = walk(limit=3 << 20)
    check(result == 1 and not graph.complete, "a walk beyond its memory's limit is not cut short")


def main():
    walk(shallow=True)  # what ctypes makes at the first call
    gallery = make_gallery()
    gc.collect()
    if len(sys.argv) > 4:  # without a GIL
        compare_shallow(gallery)
        return report(0, 0)
    young = [["young"] for _ in range(10)]
    gc.disable()
    sample = [thing for thing in gc.get_objects()
              if thing is not gallery and type(thing) not in (types.FrameType, types.CellType)]
    sample += gallery.values()
    truths = [array.array("Q", map(id, gc.get_referents(thing))) for thing in sample]
    before = set(map(id, gc.get_objects()))
    result, graph = walk()
    objects = gc.get_objects()
    check(result == 0 and graph.complete, "the walk was cut short")
    tracked = {one.address for one in graph.objects[1:] if one.flags & read_graph.TRACKED}
    lost = [thing for thing in objects if id(thing) in before and id(thing) not in tracked]
    # What a walk makes itself is a handful; what is frozen is not in gc.get_objects().
    check(len(lost) <= 3, len(lost), "tracked objects are lost", [type(thing) for thing in lost][:5])
    more = len(tracked - before) - gc.get_freeze_count()
    check(more <= 30, more, "objects too many")
    old = {one.address for one in graph.objects[1:] if one.flags & read_graph.OLD}
    check(all(id(one) not in old for one in young), "young objects are called old")
    check(id(gallery) in old and id(gallery["plain"]) in old, "old objects are not called so")
    check([r.kind for r in graph.roots[:3]] == ["modules", "sys", "builtins"], "roots")
    check(graph.objects[graph.roots[0].object].address == id(sys.modules), "sys.modules")
    check(graph.stats.objects == len(graph.objects) - 1, "the count of objects")

    compared = compare_references(graph, sample, truths)
    compare_labels(graph, gallery)
    compare_order(graph, gallery)
    compare_sizes(graph, gallery)
    compare_kinds(graph, gallery)
    compare_generator(graph, gallery)
    compare_counts(graph, gallery)
    count = len(graph.objects)
    del graph, sample, truths, before, tracked, objects, lost, old
    compare_frames()
    compare_roots()
    compare_places()
    compare_shallow(gallery)
    compare_limit()
    gallery["coroutine"].close()
    return report(count, compared)


def report(objects, compared):
    for complaint in complaints[:40]:
        print(complaint)
    print("wrong" if complaints else "right", objects, compared)
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
