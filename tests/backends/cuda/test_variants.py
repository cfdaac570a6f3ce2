"""Every variant of the products' kernel fits on a multiprocessor."""

from itertools import product

import pytest

pytest.importorskip("numba.cuda.extending")

from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.gemm import gemm
from convnet.backends.cuda.gemm.kernel import SHARED_BYTES, Variant
from convnet.backends.cuda.gemm.tile import COLUMNS, MODULES, ROWS, WINDOW

KINDS = (ROWS, ROWS), (COLUMNS, ROWS), (COLUMNS, COLUMNS), (ROWS, WINDOW), (MODULES, COLUMNS)
WIDTHS = list(product((1, 4), repeat=3))


@pytest.mark.parametrize("precision", range(len(PRECISIONS)))
def test_every_variant_fits(precision):
    tiles = (*gemm.TILES, *gemm.BF16_TILES) if precision == 2 else gemm.TILES
    for (a, b), (a_width, b_width, c_width), tile in product(KINDS, WIDTHS, tiles):
        v = Variant(a, a_width, b, b_width, c_width, *tile[:2], precision)
        rows, columns = v.warp
        assert tile[0] % rows == 0 and tile[1] % columns == 0, v
        assert 32 <= v.threads <= 1024 and v.blocks >= 1, v
        assert v.threads * v.blocks <= 2048, v
        assert 2 * sum(t.bytes for t in v.tiles()) <= SHARED_BYTES, v
        sums = rows * columns // 32
        assert 65536 // (v.threads * v.blocks) >= sums + 32, (v, "registers for sums and operands")
