"""A second reader of heap graphs, written from docs/heap-graph.md alone. Python 3.8 and later."""

(BEGIN, TEXT, TYPE, OBJECT, CODE, FRAME, THREAD, ROOT, STATS, END) = range(1, 11)
KINDS = ("other dict list tuple set str bytes bytearray number function method builtin cell module type "
         "code frame traceback exception generator ndarray memoryview weakref").split()
EDGES = "other item key value field attribute type weak".split()
ROOTS = {1: "modules", 2: "sys", 3: "builtins", 4: "interpreter", 5: "interned", 6: "static"}
TRACKED, UNSURE, UNREAD, OWNS, OLD = 1, 2, 4, 8, 16
FINALIZER, NATIVE = 1, 2
SHALLOW, FREE_THREADED = 1, 2
NOT_BEGUN = -2


class Damaged(Exception):
    pass


class Record:
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __repr__(self):
        return "Record(%s)" % ", ".join("%s=%r" % pair for pair in self.__dict__.items())


class Graph:
    """Numbers are as in the stream; entry 0 of each list is None. Edges are (kind, target, name)."""

    def __init__(self, data):
        self.data, self.at = data, 0
        self.texts, self.types, self.objects = [None], [None], [None]
        self.codes, self.threads, self.frames = [None], [None], [None]
        self.roots, self.stats, self.complete = [], None, False
        self.address, self.highest = 0, 0
        readers = {TEXT: self.text, TYPE: self.type, OBJECT: self.object, CODE: self.code,
                   FRAME: self.frame, THREAD: self.thread, ROOT: self.root, STATS: self.statistics}
        if self.number() != BEGIN or self.number() != 1:
            raise Damaged("no graph of version 1")
        self.minor, self.flags = self.number(), self.number()
        while self.at < len(data):
            kind = self.number()
            if kind == END:
                self.complete = self.at == len(data)
                break
            if kind not in readers:
                raise Damaged("record %d at %d" % (kind, self.at))
            readers[kind]()
        self.by_address = {one.address: number for number, one in enumerate(self.objects) if one}

    def number(self):
        byte = self.data[self.at]
        if byte < 128:
            self.at += 1
            return byte
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self):
        value = self.number()
        return (value >> 1) ^ -(value & 1)

    def bytes(self):
        size = self.number()
        if self.at + size > len(self.data):
            raise IndexError
        self.at += size
        return self.data[self.at - size:self.at]

    def named(self):
        return self.texts[self.number()]

    def edges(self, own):
        found, number = [], self.number
        for _ in range(number()):
            word = number()
            kind, target = EDGES[word & 7], word >> 3
            if target == 0:
                found.append((kind, 0, None))
                continue
            if target == 1:
                target = self.highest + 1
            else:
                target -= 2
                target = own + ((target >> 1) ^ -(target & 1))
            if target <= 0:
                raise Damaged("an edge to %d" % target)
            self.highest = max(self.highest, target)
            found.append((kind, target, self.named() if kind in ("field", "attribute") else None))
        return found

    def slots(self):
        words = [self.number() for _ in range(self.number())]
        return [(word >> 1, bool(word & 1)) for word in words]

    def text(self):
        self.texts.append(self.bytes().decode())

    def type(self):
        self.types.append(Record(name=self.named(), kind=KINDS[self.number()], flags=self.number(),
                                 object=self.number()))

    def object(self):
        own = len(self.objects)
        self.address += self.signed() * 8
        one = Record(address=self.address, type=self.types[self.number()], references=self.number(),
                     size=self.number(), flags=self.number(), detail=self.named())
        one.places = [one.address + self.signed() * 8 for _ in range(self.number())]
        self.highest = max(self.highest, own)
        one.edges = self.edges(own)
        self.objects.append(one)

    def code(self):
        one = Record(object=self.number(), name=self.named(), qualified_name=self.named(),
                     file=self.named(), first_line=self.number(), flags=self.number(),
                     arguments=self.number(), stack_size=self.number(), instructions=self.bytes(),
                     exception_table=self.bytes())
        one.locals = [(self.named(), self.number()) for _ in range(self.number())]
        one.names = [self.named() for _ in range(self.number())]
        self.codes.append(one)

    def frame(self):
        self.frames.append(Record(
            thread=self.number(), depth=self.number(), owner=self.number(),
            code=self.codes[self.number()], position=self.signed(), line=self.number(),
            saved_depth=self.number() - 1, function=self.number(), locals_object=self.number(),
            locals=self.slots(), stack=self.slots()))

    def thread(self):
        one = Record(identifier=self.number(), native_id=self.number(), flags=self.number(),
                     name=self.named())
        one.edges = self.edges(0)
        self.threads.append(one)

    def root(self):
        self.roots.append(Record(kind=ROOTS[self.number()], name=self.named(), object=self.number()))

    def statistics(self):
        self.stats = Record(objects=self.number(), edges=self.number(), walk_ns=self.number(),
                            memory=self.number())


def read(path):
    with open(path, "rb") as file:
        return Graph(file.read())
