"""Jobs that pyperformance does not have. Each function prepares, and returns the work that is timed.

The first argument is how many times to do it. What is kept to the end of the work is what makes the peak.
"""
import ctypes
import os
import sys


def repeated(loops, work):
    def all_of_it():
        for _ in range(loops):
            work()
    return all_of_it


def fib(loops):
    """Calls that allocate nothing."""
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
    return repeated(loops, lambda: fibonacci(30))


def small_objects(loops):
    """A million small objects, kept."""
    return repeated(loops, lambda: [str(number) for number in range(1_000_000)])


def tiny(loops):
    """For the test of all this: over at once."""
    return repeated(loops, lambda: [bytes(100) for _ in range(1000)])


def json_20mb(loops):
    import json
    rows = [{"id": number, "name": f"name of {number}", "tags": ["a", "b", str(number)],
             "values": [number / 7, number / 11, None, True]} for number in range(153_000)]
    text = json.dumps(rows)
    rows.clear()
    assert 19e6 < len(text) < 22e6, len(text)
    return repeated(loops, lambda: json.loads(text))


def recursion(loops):
    """1,000 levels, each with an allocation on the way in and one on the way out."""
    sys.setrecursionlimit(3000)

    def level(depth):
        held = [depth]
        below = level(depth - 1) if depth else 0
        return [held, below]
    return repeated(loops, lambda: level(1000))


# Columns and arrays

def numpy_arrays(loops):
    import numpy

    def work():
        values = numpy.random.default_rng(1).random(2_000_000)
        scaled = (values * 3.5 + 1.0) / 2.0
        order = numpy.argsort(scaled[:300_000])
        spectrum = numpy.fft.rfft(scaled[:262_144])
        table = scaled.reshape(2000, 1000)
        return order.sum(), abs(spectrum).max(), (table - table.mean(axis=0)).std(axis=0).sum()
    return repeated(loops, work)


def numpy_linear(loops):
    import numpy
    matrix = numpy.random.default_rng(1).random((600, 600))

    def work():
        product = matrix @ matrix.T
        return numpy.linalg.solve(product + numpy.eye(600), matrix).sum(), numpy.linalg.svd(product[:200])[1].sum()
    return repeated(loops, work)


def pandas_frames(loops):
    import numpy
    import pandas
    random = numpy.random.default_rng(1)
    frame = pandas.DataFrame({"key": random.integers(0, 1000, 200_000), "value": random.random(200_000),
                              "name": random.integers(0, 50, 200_000).astype(str)})

    def work():
        sums = frame.groupby(["key", "name"])["value"].agg(["sum", "mean"]).reset_index()
        joined = frame.merge(sums, on=["key", "name"])
        wide = joined.pivot_table(index="key", columns="name", values="value", aggfunc="max")
        return wide.fillna(0).to_csv().count("\n"), joined.sort_values(["name", "value"]).iloc[:10]
    return repeated(loops, work)


def polars_frames(loops):
    import polars
    frame = polars.DataFrame({"key": [number * 7919 % 1000 for number in range(300_000)],
                              "value": [number * 0.5 for number in range(300_000)]})
    frame = frame.with_columns(name=(polars.col("key") % 50).cast(polars.String))

    def work():
        sums = frame.lazy().group_by(["key", "name"]).agg(polars.col("value").sum().alias("total"))
        joined = frame.lazy().join(sums, on=["key", "name"]).sort(["name", "value"])
        return joined.with_columns(polars.col("name").str.replace("1", "one")).collect().height
    return repeated(loops, work)


def pyarrow_tables(loops):
    import io
    import pyarrow
    import pyarrow.compute
    import pyarrow.csv
    import pyarrow.parquet
    text = b"key,name,value\n" + b"".join(
        b"%d,name %d,%f\n" % (number % 1000, number % 50, number * 0.5) for number in range(200_000))

    def work():
        table = pyarrow.csv.read_csv(io.BytesIO(text))
        sums = table.group_by(["key", "name"]).aggregate([("value", "sum")])
        file = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, file)
        names = pyarrow.compute.utf8_upper(table["name"]).to_pylist()
        return sums.num_rows, file.getvalue().size, len(names)
    return repeated(loops, work)


def import_big(loops):
    """Once only: a second time there is nothing to do."""
    assert loops == 1

    def work():
        import docutils.core
        import pandas
        import sqlglot
        return docutils.core, pandas, sqlglot
    return work


# Threads and processes

def native_pairs(loops, threads):
    """pairs.c: `loops` pairs of malloc and free in native threads, without the GIL."""
    pairs = ctypes.CDLL(os.environ["HOLDFAST_BENCH_PAIRS"])
    pairs.pairs_in_threads.restype = ctypes.c_double
    number = int(threads)
    return lambda: pairs.pairs_in_threads(ctypes.c_long(number), ctypes.c_long(loops // number))


def pool_task(number):
    rows = [{"id": index, "text": str(index) * 3} for index in range(4000)]
    return len(rows) + number


def fork_pool(loops):
    """A pool whose workers end after four tasks each."""
    import multiprocessing
    context = multiprocessing.get_context("fork")

    def work():
        with context.Pool(2, maxtasksperchild=4) as pool:
            assert sum(pool.imap_unordered(pool_task, range(loops))) >= 4000 * loops
            pool.close()
            pool.join()
    return work


# How cost grows: scale.py

def short_lived(loops):
    """`loops` million objects that live for a thousand others, from 50 stacks in turn."""
    from collections import deque
    from itertools import repeat, starmap

    def from_depth(depth):
        if depth:
            from_depth(depth - 1)
        else:
            deque(starmap(object, repeat((), 1_000_000)), maxlen=1000)

    def work():
        for number in range(loops):
            from_depth(number % 50)
    return work


def kept(loops):
    """`loops` million objects, all alive at the end."""
    return lambda: [object() for _ in range(loops * 1_000_000)]


def threads_at_once(loops, threads):
    """Threads that are all there before any of them ends; `loops` objects in all."""
    import threading
    number = int(threads)
    together = threading.Barrier(number)

    def one():
        together.wait()
        for _ in range(loops // number // 100):
            [object() for _ in range(100)]
        together.wait()

    def work():
        running = [threading.Thread(target=one) for _ in range(number)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    return work


def processes_at_once(loops, processes):
    """Forked children that are all there before any of them ends; `loops` objects in all."""
    number = int(processes)

    def child(ready, go):
        os.write(ready, b".")
        os.read(go, 1)
        for _ in range(loops // number // 100):
            [object() for _ in range(100)]
        os._exit(0)

    def work():
        ready_read, ready = os.pipe()
        go, go_write = os.pipe()
        children = []
        for _ in range(number):
            pid = os.fork()
            if not pid:
                child(ready, go)
            children.append(pid)
        there = 0
        while there < number:
            there += len(os.read(ready_read, number))
        os.write(go_write, b"." * number)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
    return work
