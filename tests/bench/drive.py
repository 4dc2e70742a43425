"""Does a row's work, so many times, in this process: what every tool runs. Writes what it took by itself.

    drive.py RESULT JOB LOOPS [ARGUMENT...]

JOB is a function of jobs.py, or pyperformance:SCRIPT[:BENCHMARK]. RESULT gets a JSON object. With
HOLDFAST_BENCH_SNAPSHOT set, tracemalloc's usual report is made at the end, and timed.
"""
import importlib.util
import json
import os
import runpy
import sys
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def pyperformance(script, benchmark, loops):
    """Seconds as the benchmark itself measures them, and of processor time around it."""
    import fixed_pyperf
    sys.modules["pyperf"] = fixed_pyperf
    fixed_pyperf.loops, fixed_pyperf.only = loops, benchmark or None
    package = importlib.util.find_spec("pyperformance").submodule_search_locations[0]
    path = Path(package, "data-files", "benchmarks", f"bm_{script}", "run_benchmark.py")
    sys.argv[:] = [str(path), *sys.argv[4:]]
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name="__main__")
    return fixed_pyperf.measured


def own(job, loops):
    import jobs
    work = getattr(jobs, job)(loops, *sys.argv[4:])
    began, cpu = perf_counter(), process_time()
    work()
    return perf_counter() - began, process_time() - cpu


def peak_rss():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10


def snapshot():
    """Seconds that the report takes which the documentation of tracemalloc shows first."""
    import tracemalloc
    began = perf_counter()
    tracemalloc.take_snapshot().statistics("lineno")
    return perf_counter() - began


def main():
    result, job, loops = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if job.startswith("pyperformance:"):
        _, script, benchmark = (job + ":").split(":")[:3]
        wall, cpu = pyperformance(script, benchmark, loops)
    else:
        wall, cpu = own(job, loops)
    took = {"inner_wall": wall, "inner_cpu": cpu, "rss": peak_rss()}
    if os.environ.get("HOLDFAST_BENCH_SNAPSHOT"):
        took["snapshot_s"] = snapshot()
    Path(result).write_text(json.dumps(took))


main()
