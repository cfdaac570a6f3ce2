"""Peak of the memory that one training step of each row takes anew, as JSON.  A script.

One thread only: Numba's allocations are made visible to tracemalloc, which worker threads, without
the interpreter's lock, cannot report to.
"""

import gc
import json
import os
import tracemalloc

os.environ["NUMBA_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from numba.core.runtime import _nrt_python  # noqa: E402

from tests.support.cases import CASES  # noqa: E402
from tests.support.rows import network_of  # noqa: E402

_nrt_python.memsys_use_cpython_allocator()  # before Numba allocates anything
BATCH = 2048


def peak_of_a_step(row):
    network = network_of(row, np.float32, cases=BATCH)
    network.run("train")
    network.run("train")  # compiled, and every lazy import done
    program = network.program("train")
    gc.collect()
    gc.disable()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    program.run()
    _, peak = tracemalloc.get_traced_memory()
    gc.enable()
    return peak - before


if __name__ == "__main__":
    tracemalloc.start()
    print(json.dumps({row.name: peak_of_a_step(row) for row in CASES}))
