"""Memory that is taken inside of packages of each kind: C, C++, Cython and Rust."""
import numpy
import pandas
import polars
import pyarrow


def take():
    table = pandas._libs.hashtable.Int64HashTable(3_000_000)
    kept = [numpy.ones(1_000_003),
            pyarrow.allocate_buffer(7_000_000, memory_pool=pyarrow.system_memory_pool()),
            polars.select(a=polars.int_range(1_000_000, eager=False))]
    return table, kept, bytearray(50_000_000)  # the peak is now


kept = take()
