"""A second reader of heap graphs, written from docs/heap-graph.md alone. Python 3.8 and later."""

BEGIN, PIECE, STATS, END = 1, 2, 9, 10
COLUMNS = ("text_sizes texts types codes threads roots shapes records counts references sizes details places items "
           "fields bits low_bits addresses lost takes balances seen copies").split()
KINDS = ("other dict list tuple set str bytes bytearray number function method builtin cell module type "
         "code frame traceback exception generator ndarray memoryview weakref").split()
EDGES = "other item key value field attribute type weak".split()
ROOTS = {1: "modules", 2: "sys", 3: "builtins", 4: "interpreter", 5: "interned", 6: "static"}
TRACKED, UNSURE, UNREAD, OWNS, OLD = 1, 2, 4, 8, 16
FINALIZER, NATIVE, HEAP = 1, 2, 4
SHALLOW, FREE_THREADED, HAS_ADDRESSES = 1, 2, 4
NOT_BEGUN = -2
ROW = 16384


class Damaged(Exception):
    pass


class Short(Exception):
    """A column ends."""


class Record:
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __repr__(self):
        return "Record(%s)" % ", ".join("%s=%r" % pair for pair in self.__dict__.items())


class Column:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        if size > self.left():
            raise Short
        self.at += size
        return self.data[self.at - size:self.at]

    def byte(self):
        return self.take(1)[0]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self):
        return unzigzag(self.number())

    def bytes(self):
        return self.take(self.number())


def unzigzag(value):
    return (value >> 1) ^ -(value & 1)


class Graph:
    """Numbers are as in the stream; entry 0 of each list is None. Edges are (kind, target, name)."""

    def __init__(self, data):
        self.texts, self.types, self.objects = [None], [None], [None]
        self.codes, self.threads, self.frames = [None], [None], [None]
        self.roots, self.stats, self.complete, self.shapes = [], None, False, []
        self.highest = self.last_detail = self.last_place = self.last_address = 0
        self.row, self.back, self.frame_before = [], 0, (0, 0)
        self.size_guesses = [0] * 4096
        self.columns = {}
        self.read_parts(Column(data))
        self.rows("text_sizes", self.text)
        self.rows("types", self.type)
        self.rows("codes", self.code)
        self.rows("threads", self.thread)
        self.rows("roots", self.root)
        self.rows("shapes", self.shape)
        self.rows("records", self.record)
        self.lost, self.takes, self.balances, self.seen, self.copies = [], [], [], [], []
        for table, columns in (("lost", 2), ("takes", 4), ("balances", 5), ("seen", 5), ("copies", 4)):
            self.rows(table, lambda: getattr(self, table).append(
                [self.columns[table].number() for _ in range(columns)]))
        if self.complete and any(column.left() for column in self.columns.values()):
            raise Damaged("something is left of a column")
        if self.flags & HAS_ADDRESSES:
            self.by_address = {one.address: number for number, one in enumerate(self.objects) if one}

    def read_parts(self, stream):
        if stream.number() != BEGIN or stream.number() != 2:
            raise Damaged("no graph of version 2")
        self.minor, self.flags = stream.number(), stream.number()
        pieces = [[] for _ in COLUMNS]
        try:
            while stream.left() and not self.complete:
                kind = stream.number()
                if kind == PIECE:
                    column = stream.number()
                    pieces[column].append(stream.bytes())
                elif kind == STATS:
                    self.stats = Record(objects=stream.number(), edges=stream.number(), walk_ns=stream.number(),
                                        memory=stream.number())
                elif kind == END:
                    self.complete = stream.left() == 0
                else:
                    raise Damaged("part %d at %d" % (kind, stream.at))
        except Short:
            pass
        for name, parts in zip(COLUMNS, pieces):
            self.columns[name] = Column(b"".join(parts))

    def rows(self, column, read):
        """Up to the end of the column, or of another that a row needs."""
        try:
            while self.columns[column].left():
                read()
        except Short:
            if self.complete:
                raise Damaged("a column ends early")

    def text(self):
        self.texts.append(self.columns["texts"].take(self.columns["text_sizes"].number()).decode())

    def type(self):
        number = self.columns["types"].number
        self.types.append(Record(name=self.texts[number()], kind=KINDS[number()], flags=number(), object=number()))

    def code(self):
        column = self.columns["codes"]
        number = column.number
        one = Record(object=number(), name=self.texts[number()], qualified_name=self.texts[number()],
                     file=self.texts[number()], first_line=number(), flags=number(), arguments=number(),
                     stack_size=number(), instructions=column.bytes(), exception_table=column.bytes())
        one.locals = [(self.texts[number()], number()) for _ in range(number())]
        one.names = [self.texts[number()] for _ in range(number())]
        self.codes.append(one)

    def thread(self):
        number = self.columns["threads"].number
        one = Record(identifier=number(), native_id=number(), flags=number(), name=self.texts[number()], edges=[])
        for _ in range(number()):
            word, target = number(), number()
            one.edges.append((EDGES[word & 7], target, self.texts[word >> 3]))
        self.threads.append(one)

    def root(self):
        number = self.columns["roots"].number
        self.roots.append(Record(kind=ROOTS[number()], name=self.texts[number()], object=number()))

    # -- Records --

    def shape(self):
        words = [self.columns["shapes"].number() for _ in range(self.columns["shapes"].number())]
        self.shapes.append(Record(words=words, slots={}, number=len(self.shapes)))

    def record(self):
        shape = self.shapes[self.columns["records"].number()]
        if shape.words[0] & 1:
            self.frame(shape)
        else:
            self.object(shape)

    def distance(self, bits):
        value, read = 0, 0
        while read < bits:
            value = value << 8 | self.columns["low_bits" if read else "bits"].byte()
            read += 8
        return 1 << bits | value >> (read - bits)

    def from_row(self, distance):
        return self.row[-distance] if 0 < distance <= len(self.row) and distance < ROW else 0

    def far(self, byte):
        if byte == 3:
            target = self.from_row(self.back)
        elif 32 <= byte < 64:
            self.back = self.distance(byte - 32)
            target = self.from_row(self.back)
        elif 64 <= byte < 96:
            target = self.own + 1 - self.distance(byte - 64)
        elif 96 <= byte < 128:
            target = self.own + self.distance(byte - 96)
        else:
            raise Damaged("target %d" % byte)
        self.row.append(target)
        if len(self.row) > 4 * ROW:
            del self.row[:-ROW]
        return target

    def target(self, column, slots, slot):
        byte, last = self.columns[column].byte(), slots.get(slot, 0)
        if byte == 0:
            slots[slot] = 0
            return 0
        if byte == 1:
            target = self.highest + 1
        elif byte == 2:
            target = last
        elif 4 <= byte <= 8:
            target = self.previous + byte - 6
        elif 9 <= byte <= 25:
            target = last + byte - 17
        else:
            target = self.far(byte)
        if target <= 0:
            raise Damaged("an edge to %d" % target)
        slots[slot] = self.previous = target
        self.highest = max(self.highest, target)
        return target

    def many(self, shape, slot, kind, name):
        """The edges of a word that says how many there are, and the count."""
        count = self.columns["counts"].number()
        if kind != 2:
            return count, [(EDGES[kind], self.target("items", shape.slots, slot), name) for _ in range(count)]
        edges = []
        for _ in range(count):
            edges.append(("key", self.target("items", shape.slots, slot), None))
            edges.append(("value", self.target("items", shape.slots, (slot, "value")), None))
        return count, edges

    def edges(self, shape):
        found, first = [], None
        for slot, word in enumerate(shape.words[3:]):
            kind, name = word >> 1 & 7, self.texts[word >> 4]
            if word & 1:
                count, edges = self.many(shape, slot, kind, name)
                found += edges
                first = count if first is None else first
            else:
                target = self.target("fields", shape.slots, slot)
                found.append((EDGES[kind], target, name if target else None))
        return found, first or 0

    def object(self, shape):
        self.own = self.previous = len(self.objects)
        self.highest = max(self.highest, self.own)
        one = Record(type=self.types[shape.words[1]], flags=shape.words[2], detail=None, places=[])
        one.edges, count = self.edges(shape)
        for _ in range(self.columns["counts"].number() if shape.words[0] & 4 else 0):
            self.last_place += self.columns["places"].signed()
            one.places.append(self.last_place * 8)
        one.references = self.columns["references"].number()
        if shape.words[0] & 2:
            self.last_detail += 1 + self.columns["details"].signed()
            one.detail = self.texts[self.last_detail]
        text = len(one.detail.encode()) if one.detail else 0
        guess = (shape.number * 40503 + min(count, 64) * 977 + text * 13) % 4096
        size = self.columns["sizes"].number()
        one.size = self.size_guesses[guess] = size - 1 if size else self.size_guesses[guess]
        if self.flags & HAS_ADDRESSES:
            self.last_address += self.columns["addresses"].signed()
            one.address = self.last_address * 8
        self.objects.append(one)

    def frame(self, shape):
        head, code, position, line, saved_depth, local_count = shape.words[:6]
        borrowed = shape.words[6:]
        one = Record(thread=0, depth=0, code=self.codes[code], position=unzigzag(position), line=line,
                     saved_depth=saved_depth - 1)
        if head & 2:
            one.thread = self.columns["counts"].number()
            last, depth = self.frame_before
            one.depth = self.columns["counts"].signed() + (depth + 1 if last == one.thread else 0)
            self.frame_before = one.thread, one.depth
        self.previous = self.own
        targets = [self.target("fields", shape.slots, slot) for slot in range(3 + len(borrowed))]
        one.owner, one.function, one.locals_object = targets[:3]
        slots = [(target, bool(target and flag)) for target, flag in zip(targets[3:], borrowed)]
        one.locals, one.stack = slots[:local_count], slots[local_count:]
        self.frames.append(one)

    own = previous = 0


def read(path):
    with open(path, "rb") as file:
        return Graph(file.read())
