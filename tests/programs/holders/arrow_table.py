"""A pyarrow table's buffers belong to the local that holds the table."""
import sys

import numpy
import pyarrow

NEEDS = ["numpy", "pyarrow"]
N = 32 << 20
EXPECT = {
    "from_arrow_memory": {
        "some": [{"is": "local table in from_arrow_memory", "verdict": "not dead", "at_least": "N * 9 // 10"}],
        "dead": [],
    },
    "from_numpy": {
        "some": [{"is": "local table in from_numpy", "verdict": "not dead", "at_least": "N * 9 // 10"}],
        "dead": [],
    },
}


def work():
    return bytearray(4 * N)  # @peak


def from_arrow_memory():
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    column = pyarrow.array(range(1000), type=pyarrow.int64())
    table = pyarrow.table({"a": column.take(pyarrow.array(numpy.zeros(N // 8, dtype=numpy.int32)))})
    del column
    work()
    return table.num_rows


def from_numpy():
    table = pyarrow.table({"a": numpy.ones(N // 8)})
    work()
    return table.num_rows


globals()[sys.argv[1]]()
