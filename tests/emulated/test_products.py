"""Products on tensor cores, in every tile, against the CPU engine in float64.

Which tile a product gets depends on its sizes; here one is prescribed for all of a network's.
Without EMULATED_WHOLE=1 a row gets two tiles in each precision, other rows other ones.
"""

import os

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine as CpuEngine
from convnet.backends.cuda.engine import Engine
from convnet.backends.cuda.gemm import gemm
from tests.gpu.test_gpu_rows import ROUNDED, TOLERANCES, has_product, is_smooth, prepare
from tests.support.cases import CASES
from tests.support.cuda_rows import difference, network_of, results

WHOLE = os.environ.get("EMULATED_WHOLE") == "1"
SOME = 1  # tiles of a row in a precision
PRODUCTS = [row for row in CASES if has_product(row)]


def tiles_of(precision):
    """(rows, columns) of a block's part of the result."""
    more = getattr(gemm, "BF16_TILES", ()) if precision == "bf16" else ()
    return [tile[:2] for tile in (*gemm.TILES, *more)]


def combinations():
    for precision in ("fp32", *TOLERANCES):
        tiles = tiles_of(precision)
        for number, row in enumerate(PRODUCTS if precision == "fp32" else ROUNDED):
            for i in range(len(tiles) if WHOLE else SOME):
                tile = tiles[(number + i) % len(tiles)]
                yield pytest.param(row, precision, tile, id=f"{row.name}-{precision}-{tile}")


@pytest.mark.parametrize(("row", "precision", "tile"), list(combinations()))
def test_tile(row, precision, tile, monkeypatch):
    monkeypatch.setattr(gemm, "TILES", ((*tile, 1.0),))
    monkeypatch.setattr(gemm, "BF16_TILES", (), raising=False)
    engines = CpuEngine(np.float64), Engine((0,), precision=precision)
    exact, found = (network_of(row, engine) for engine in engines)
    for network in (exact, found):
        prepare(network, "gradients", row)
    expected, seen = results(exact, "gradients"), results(found, "gradients")
    errors = {name: difference(seen[name], expected[name]) for name in expected}
    limit = TOLERANCES.get(precision, row.tolerance)
    assert not {n: e for n, e in errors.items() if not e < limit}
    assert precision == "fp32" or max(errors.values()) > 1e-6, "nothing was rounded"


def test_every_tile_is_used():
    """Also where only some combinations run: each tile in each precision, for enough rows."""
    used = {(p.values[1], p.values[2]) for p in combinations()}
    assert used == {(p, tile) for p in ("fp32", *TOLERANCES) for tile in tiles_of(p)}
    assert len(ROUNDED) > 20 and all(map(is_smooth, ROUNDED))
