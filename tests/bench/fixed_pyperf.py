"""Stands in for pyperf, so that a benchmark of pyperformance does a fixed amount of work, once.

pyperf calibrates: it runs a benchmark in processes of its own until it is sure of the time. Tools that
slow a program down would then do other work than the program alone. Here the loops are given, everything
happens in this process, and the time is what the benchmark itself says, or the clock around it: what pyperf
would publish.
"""
import argparse
import sys
from time import perf_counter, process_time

loops = 1
only = None  # the name of the one benchmark to run, for scripts that have several
measured = None  # seconds, and seconds of processor time


def python_implementation():
    return sys.implementation.name


class Runner:
    def __init__(self, **_):
        self.metadata = {}
        self.argparser = argparse.ArgumentParser()
        self.args = None

    def parse_args(self):
        if self.args is None:
            self.args = self.argparser.parse_args()
        return self.args

    def bench_time_func(self, name, function, *arguments, **_):
        """`function` takes the loops and returns the seconds."""
        global measured
        if only in (None, name):
            cpu = process_time()
            wall = function(loops, *arguments)
            measured = wall, process_time() - cpu

    def bench_func(self, name, function, *arguments, **_):
        def timed(count):
            began = perf_counter()
            for _ in range(count):
                function(*arguments)
            return perf_counter() - began
        self.bench_time_func(name, timed)

    def bench_async_func(self, name, function, *arguments, **_):
        import asyncio  # others are spared its 30 ms

        async def timed(count):
            began = perf_counter()
            for _ in range(count):
                await function(*arguments)
            return perf_counter() - began
        self.bench_time_func(name, lambda count: asyncio.run(timed(count)))
