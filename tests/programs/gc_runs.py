"""Has the cycle collector run, counts by gc.callbacks how often, and tells it before it ends.

Then it waits until the collector has had time to look, which regions show: each end is answered after a pass.
"""
import gc
import json
import sys

import holdfast

counts = [0, 0, 0]


def note(phase, info):
    if phase == "stop":
        counts[info["generation"]] += 1


before = [generation["collections"] for generation in gc.get_stats()]
gc.callbacks.append(note)
kept = [{"a": [i]} for i in range(150000)]
for _ in range(50000):
    node = {}
    node["self"] = node
for generation in [0, 1, 2, 2, 0]:
    gc.collect(generation)
gc.disable()
gc.callbacks.remove(note)
json.dump({"counts": [a + b for a, b in zip(before, counts)], "objects": [one["collected"] for one in gc.get_stats()]}, sys.stdout)
for _ in range(20):
    with holdfast.region("wait") as region:
        pass
    assert region.figures().peak >= 0
