"""64 threads that allocate, resize and free each other's blocks. Prints what is live at the end, by thread.

    race.py HELPERS native|mixed SEED STEPS [THREADS]

native: threads of C. mixed: threads of Python, which do one half of their steps with the GIL and one
without.
"""
import ctypes
import json
import sys
import threading

RACE_MAX = 64
free_running = ctypes.CDLL(sys.argv[1])
holding = ctypes.PyDLL(sys.argv[1])
seed, steps = int(sys.argv[3]), int(sys.argv[4])
threads = int(sys.argv[5]) if len(sys.argv) > 5 else RACE_MAX
start = threading.Barrier(threads)
sys.setswitchinterval(1e-4)


def define(number):
    """A function of the racer's own, so that its allocations have a site of their own."""
    names = {"libraries": (free_running, holding), "seed": seed, "steps": steps, "start": start}
    exec(f"def racer_{number}():\n"
         f"    start.wait()\n"
         f"    for turn in range(20):\n"
         f"        libraries[turn % 2].race_steps({number}, seed + turn, steps // 20)\n", names)
    return names[f"racer_{number}"]


def race_mixed():
    racers = [threading.Thread(target=define(number)) for number in range(threads)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()


def totals():
    numbers = (ctypes.c_uint64 * (2 * RACE_MAX))()
    free_running.race_totals(numbers)
    return {number: [numbers[2 * number], numbers[2 * number + 1]] for number in range(threads)}


def summit():
    ctypes.CDLL(None).malloc(1 << 30)


if sys.argv[2] == "native":
    free_running.race_native(threads, seed, steps)
else:
    race_mixed()
result = json.dumps(totals())
summit()
print(result)
