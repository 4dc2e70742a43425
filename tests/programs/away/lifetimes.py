"""Many objects that go, few that stay, in random order: the program keeps the books, and checks what it is told.

The freed ones' addresses are used again by others of their kind at once, with collections in between."""
import datetime
import gc
import random
import sys
import threading
import time

import gate
import holdfast


class Weak:
    pass


class Slots:
    __slots__ = ("held",)

    def __init__(self, held):
        self.held = held


MAKERS = {"weak": Weak, "list": lambda: [Weak()], "tuple": lambda: (Weak(), []), "dict": lambda: {"a": []}, "slots": lambda: Slots([]),
          "set": set, "number": lambda: random.getrandbits(200) + 2 ** 200, "bytes": lambda: random.getrandbits(300).to_bytes(40, "big"),
          "date": lambda: datetime.datetime(2000 + random.randrange(50), 1, 1), "plain dict": lambda: {"a": 1}}
# Those that can't be followed: of them, another in the same place may be taken for the one that is gone, but not called sure.
UNSURE = {"number", "bytes", "date", "plain dict"}
random.seed(int(sys.argv[1]))
count = int(sys.argv[2])
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
kept, told, books = {}, {}, []
holdfast.configure(callback=lambda late: told.update({late.label: late.certain}), most=10 ** 9, folder="", seconds=60)
before = threading.active_count()
for number in range(count):
    kind = random.choice(list(MAKERS)[:6] * 8 + list(MAKERS))
    thing = MAKERS[kind]()
    label = f"{kind} {number}"
    references = sys.getrefcount(thing)
    holdfast.should_go_away(thing, label, within=0.1 if number % 2 else 0.6)
    books.append(sys.getrefcount(thing) - references)
    if random.random() < 0.01:
        kept[label] = thing
    elif random.random() < 0.3:
        later = thing  # goes with a later one
    thing = None
    if random.random() < 0.01:
        gc.collect(random.randrange(3))
later = None
churn = [[[]] for _ in range(2000)], [({},) for _ in range(2000)], [{"a": []} for _ in range(2000)], [Slots(1) for _ in range(2000)]
threads = threading.active_count() - before
gate.placed.set()
while holdfast.pending():
    time.sleep(0.01)
late = {label for label, certain in told.items() if certain or label in kept}
followed = {label for label in kept if label.rsplit(" ", 1)[0] not in UNSURE}
print("references", set(books), "threads", threads)
print("missed", sorted(kept.keys() - told.keys()))
print("wrong", sorted(late - kept.keys()))
print("unsure", sorted(label for label in followed if not told.get(label, True)) if gil else [])
print("doubtful", len(told.keys() - kept.keys()))
print("kept", len(kept))
