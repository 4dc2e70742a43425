"""Has the cycle collector stop the program for a while, several times, and tells how long by gc.callbacks."""
import gc
import json
import sys
import time

import holdfast

spans = []


def note(phase, info):
    if phase == "start":
        spans.append([time.perf_counter(), 0])
    else:
        spans[-1][1] = time.perf_counter()


kept = [{"a": [i]} for i in range(600000)]
gc.collect()
gc.disable()
gc.callbacks.append(note)
time.sleep(0.05)
with holdfast.region("measured") as region:
    for wait in [0.02] * 7 + [0.2]:
        # What waits so long that the summary tells it is more than what the interpreter's end gives back at once.
        cycle = [bytearray(5000000 if wait < 0.1 else 400000000)]
        cycle.append(cycle)
        del cycle
        time.sleep(wait)
        gc.collect()
        time.sleep(0.01)  # what is allocated at once would hide what it gave back
region.figures()
gc.callbacks.remove(note)
json.dump([end - begin for begin, end in spans], sys.stdout)
