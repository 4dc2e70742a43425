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
    for _ in range(8):
        cycle = [bytearray(5000000)]
        cycle.append(cycle)
        del cycle
        time.sleep(0.02)
        gc.collect()
region.figures()
gc.callbacks.remove(note)
json.dump([end - begin for begin, end in spans], sys.stdout)
