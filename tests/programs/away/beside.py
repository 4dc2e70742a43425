"""Threads that fill tuples while late objects, and many that are gone, are looked for: how many of them fail?

Collections are frequent, and each gives other threads the time to go on.
"""
import gc
import sys
import threading
import time

import holdfast

sys.setswitchinterval(1e-5)
gc.set_threshold(20)
gc.callbacks.append(lambda *_: sum(range(1000)))
holdfast.configure(folder="", most=3, within=0)
stop, failed = [], []


def fill():
    while not stop:
        try:
            tuple(id(one) for one in range(30))
        except SystemError as error:
            failed.append(error)


threads = [threading.Thread(target=fill) for _ in range(2)]
for thread in threads:
    thread.start()
kept = [[[one], 10 ** 30 + one] for one in range(3)]
for pair in kept:
    for one in pair:
        holdfast.should_go_away(one)
        holdfast.should_go_away([one])
    while holdfast.pending():
        time.sleep(0.001)
stop.append(True)
for thread in threads:
    thread.join()
print(len(failed), "failed")
