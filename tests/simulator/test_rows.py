"""Rows of the table of cases, one or two of each type, against the CPU engine in float64.

The whole table runs compiled, on emulated GPUs (tests/emulated); these show in Python what is
wrong.
"""

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from tests.support.cases import CASES
from tests.support.cuda_rows import difference, network_of, poison, results
from tests.support.simulator import comparisons

SECOND = pytest.param("before", id="2nd then", marks=pytest.mark.slow)
FIRST = list({row.name.partition(":")[0]: row for row in reversed(CASES)}.values())[::-1]


@pytest.mark.parametrize("again", [pytest.param("", id="alone"), SECOND])
@pytest.mark.parametrize("row", FIRST, ids=[row.name for row in FIRST])
def test_row(row, again):
    networks = [network_of(row, engine, again) for engine in (CpuEngine(np.float64), Engine((0,)))]
    for program in ("gradients", "train"):
        for network in networks:
            network.program(program)
        poison(networks[1].engine)
        networks[1].load(row.matrices())
        expected, found = (results(network, program) for network in networks)
        errors = {name: difference(found[name], expected[name]) for name in expected}
        comparisons.note(row.name.partition(":")[0], errors)
        assert not {n: e for n, e in errors.items() if not e < row.tolerance}
