"""Objects that are made on different lines, by an __init__ that returns or raises.

    made_lines.py

No two lines of many_lines() make the same call, but each has one, or two alike, which hold three small blocks of SIZE bytes a
time: see tests/e2e/test_lines.py.
"""
SIZE = 401
TIMES = 30

error = ValueError()
holders = iter([[None] for _ in range(100_000)])


class Made:
    def __init__(self, raises):
        for holder in holders:
            holder[0] = bytes(SIZE)
            break
        for holder in holders:
            holder[0] = bytes(SIZE)
            break
        for holder in holders:
            holder[0] = bytes(SIZE)
            break
        if raises:
            raise error


class Derived(Made):
    def __init__(self, raises):
        super().__init__(raises)


def make(raises):
    return Made(raises)


def derive(raises):
    return Derived(raises)


def many_lines():
    try:
        make(True)
    except ValueError:
        pass
    try:
        make(True)
    except ValueError:
        pass
    try:
        Made(True)
    except ValueError:
        pass
    try:
        Made(True)
    except ValueError:
        make(False)
    make(False)
    make(False)
    try:
        derive(True)
    except ValueError:
        pass
    try:
        derive(True)
    except ValueError:
        derive(False)
    derive(False)
    Made(False)
    Derived(False)
    make(False), make(False)


def generate():
    while True:
        many_lines()
        yield


def through_c():
    list(map(lambda _: many_lines(), range(TIMES)))


def through_a_generator():
    endless = generate()
    for _ in range(TIMES):
        next(endless)


make(False)  # what a first call takes beside
for _ in range(TIMES):
    many_lines()
through_c()
through_a_generator()

# Of the name and the file that the interpreter's own code has between a class that is called and its __init__.
names = {}
exec(compile("""class Own:
    def __init__(self):
        self.held = bytes(5003)
""", "__init__", "exec"), names)
own = [names["Own"]() for _ in range(TIMES)]
