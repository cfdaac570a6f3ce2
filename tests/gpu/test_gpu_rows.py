"""The table of cases on a GPU, against the CPU engine in float64.

Each row runs as CUDA graphs and plainly: the first run of a program compiles its kernels, the
second is captured and launched, the third launches the graph again.  Both ways, and repeats, give
the same bits; the first run is compared with float64.
"""

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from tests.support.cases import CASES
from tests.support.cuda_rows import difference, network_of, poison, results

RUNS = 3
PRODUCTS = ("conv", "local", "fc", "sfc")
# Of float64, for small random networks: a rounded product, and what follows from it.
TOLERANCES = {"tf32": 4e-3, "bf16": 4e-2}
# A rounded value can fall on the other side of a kink, and change gradients at once.
KINKS = ("relu", "pool=max", "maxabs", "eltmax", "cmpool", "abs")


def has_product(row) -> bool:
    return any(keys["type"] in PRODUCTS for _, keys in row.lines())


def is_smooth(row) -> bool:
    return not any(kink in row.layers for kink in KINKS)


ROUNDED = [row for row in CASES if has_product(row) and is_smooth(row)]


def prepare(network, program, row):
    """What the program's steps must write is poisoned."""
    network.program(program)
    if network.engine.kind == "cuda":
        poison(network.engine)
    network.load(row.matrices())


def same_bits(one: dict, other: dict) -> list[str]:
    """Names of the arrays that differ."""
    return [name for name in one if not np.array_equal(one[name], other[name], equal_nan=True)]


@pytest.mark.parametrize("again", ["", "before"], ids=["alone", "2nd then"])
@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
def test_row(row, again, figures):
    engines = CpuEngine(np.float64), Engine((0,), graphs=True), Engine((0,), graphs=False)
    exact, graphs, plain = (network_of(row, engine, again) for engine in engines)
    for program in ("gradients", "train"):
        for network in (exact, graphs, plain):
            prepare(network, program, row)
        expected = results(exact, program)
        runs = [(results(graphs, program), results(plain, program)) for _ in range(RUNS)]
        errors = {name: difference(runs[0][0][name], expected[name]) for name in expected}
        figures[program] = max(errors.values())
        assert not {n: e for n, e in errors.items() if not e < row.tolerance}
        for number, (captured, direct) in enumerate(runs):
            assert same_bits(captured, direct) == [], f"run {number + 1}: graph and plain launches"
        if program == "gradients":  # which changes nothing that it reads
            assert same_bits(runs[0][0], runs[2][0]) == [], "the first and the third run"


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("row", ROUNDED, ids=[row.name for row in ROUNDED])
def test_rounded_products(row, precision, figures):
    engines = CpuEngine(np.float64), Engine((0,), precision=precision)
    exact, rounded = (network_of(row, engine) for engine in engines)
    for network in (exact, rounded):
        prepare(network, "gradients", row)
    expected, found = results(exact, "gradients"), results(rounded, "gradients")
    errors = {name: difference(found[name], expected[name]) for name in expected}
    figures[precision] = max(errors.values())
    assert not {n: e for n, e in errors.items() if not e < TOLERANCES[precision]}
    assert max(errors.values()) > 1e-6, "nothing was rounded"
