"""The table of cases on the CUDA engine, compiled, against the CPU engine in float64.

The first run of a program launches its kernels, the second is captured and launched, the third
launches the graph again: all give the same bits.  EMULATED_AGAIN=before gives the data a second
reader, so that gradients are added to.
"""

import os

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from tests.gpu.test_gpu_rows import prepare, same_bits
from tests.support.cases import CASES
from tests.support.cuda_rows import difference, network_of, results

RUNS = 3
AGAIN = os.environ.get("EMULATED_AGAIN", "")


@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
def test_row(row):
    engines = CpuEngine(np.float64), Engine((0,))
    exact, found = (network_of(row, engine, AGAIN) for engine in engines)
    for program in ("gradients", "train"):
        for network in (exact, found):
            prepare(network, program, row)
        expected = results(exact, program)
        runs = [results(found, program) for _ in range(RUNS if program == "gradients" else 1)]
        errors = {name: difference(runs[0][name], expected[name]) for name in expected}
        assert not {n: e for n, e in errors.items() if not e < row.tolerance}
        assert all(same_bits(runs[0], other) == [] for other in runs[1:])
