"""Big objects of all kinds, in a variable and in an attribute: 16, and then some. No word of Holdfast is in here."""
import array

COUNT = 100_000


class Owner:
    pass


def look(thing):
    return 1


def in_variable(make):
    data = make()
    again = data
    del again
    look(data)


def in_attribute(make):
    owner = Owner()
    owner.field = make()
    again = owner.field
    del again
    look(owner)


KINDS = {"bytes": lambda: bytes(COUNT * 8), "str": lambda: str(bytes(COUNT * 8), "ascii"),
         "bytearray": lambda: bytearray(COUNT * 8), "list": lambda: list(range(COUNT)), "tuple": lambda: tuple(range(COUNT)),
         "dict": lambda: dict.fromkeys(range(COUNT)), "set": lambda: set(range(COUNT)),
         "array": lambda: array.array("d", bytes(COUNT * 8)), "int": lambda: int.from_bytes(bytes(COUNT * 8) + b"1", "big")}

for name, make in KINDS.items():
    for where in (in_variable, in_attribute):
        where(make)
