"""Every tile of the products as it is copied, against the matrix of its operand."""

import numpy as np
import pytest
from numba import cuda, float32
from numba import int32 as number

from convnet.backends.base import PRECISIONS
from convnet.backends.cuda.gemm import gemm, im2col
from convnet.backends.cuda.gemm.kernel import Variant
from convnet.backends.cuda.gemm.tile import COLUMNS, MODULES, ROWS, WINDOW
from convnet.backends.cuda.gemm.tiles import NOWHERE, load_tile, round_tile, start_tiles
from convnet.backends.cuda.jit import int32
from convnet.backends.cuda.ptx.warp_tiles import PLAIN, place_of
from convnet.errors import DeviceError
from tests.simulator.test_gemm import draw, on_device, rounded, window_matrix

GROUP, START, FIRST = 1, 8, 16  # of groups, of columns, of k: where the tiles begin
DEPTH, COUNT = 44, 100  # values of k and columns, of the matrices that are no windows
SIZES = im2col.Sizes(3, 6, 5, 3, 1, 3, 3, 12, 1, 2, 2)  # (3 channels, 6 x 5), 3 x 3 modules


def every_tile():
    found = {}
    for precision in range(len(PRECISIONS)):
        for rows, columns, _ in (*gemm.TILES, *gemm.BF16_TILES):
            for a, b in ((ROWS, WINDOW), (MODULES, COLUMNS), (COLUMNS, ROWS)):
                for width in (4, 1):
                    v = Variant(a, width, b, width, 1, rows, columns, precision)
                    found |= {(tile, v.threads): None for tile in v.tiles()}
    return [(tile, threads) for tile, threads in found if threads and fits(tile)]


def fits(tile):
    """PLAIN tiles have k as rows, and so no words of it."""
    return tile.width == 1 or tile.kind in (ROWS, WINDOW) or tile.layout != PLAIN


def operand(kind):
    """(operand, taps, matrix (k, column))"""
    if kind in (WINDOW, MODULES):
        s, shape = SIZES, (6, 6, 5, 12)
        x = draw(*shape)
        places = window_matrix(shape, s.side, (3, 3), s.padding, s.stride, GROUP, 2)
        matrix = np.append(x.reshape(-1), 0)[places]
        columns = s.outputs if kind == WINDOW else s.taps
        taps = np.concatenate([im2col.taps_of(s), np.full((300, 2), (NOWHERE, 0))])
        made = im2col.windows(on_device(x), kind, columns, s)
        return made, taps.astype(np.int32), matrix if kind == WINDOW else matrix.T
    values = draw(2, DEPTH, COUNT) if kind == ROWS else draw(2, COUNT, DEPTH)
    make, stride = (gemm.rows, COUNT) if kind == ROWS else (gemm.columns, DEPTH)
    made = make(on_device(values), COUNT, stride, DEPTH * COUNT)
    return made, np.zeros((1, 2), np.int32), values[GROUP] if kind == ROWS else values[GROUP].T


def copied(tile, threads, made, taps, last):
    """Shared memory after the first tile and after the next one."""
    SIZE, PLACES, HELD = tile.bytes // 4, tile.places, max(tile.held, 1)

    @cuda.jit
    def copy(values, sizes, taps, out):
        shared = cuda.shared.array(SIZE, float32, 16)
        place = cuda.local.array(PLACES, number)
        held = cuda.local.array(HELD, float32)
        tid = int32(cuda.threadIdx.x)
        start_tiles(place, tile, sizes, GROUP, START, FIRST, tid)
        for i in range(2):
            k = FIRST + i * tile.depth
            load_tile(held, shared, 0, tile, values, sizes, taps, place, GROUP, START, k, last, tid)
            if tile.held:
                round_tile(shared, 0, tile, held, tid)
            cuda.syncthreads()
            for e in range(tid, SIZE, cuda.blockDim.x):
                out[i * SIZE + e] = shared[e]
            cuda.syncthreads()

    out = cuda.to_device(np.full(2 * SIZE, np.nan, np.float32))
    taps = cuda.to_device(taps.reshape(-1))
    copy[1, threads](made.array.on_device(), made.sizes_for(tile.depth), taps, out)
    return out.copy_to_host().reshape(2, SIZE)


@pytest.mark.parametrize("kind", [ROWS, COLUMNS, WINDOW, MODULES])
def test_every_tile(kind):
    made, taps, matrix = operand(kind)
    mine = [found for found in every_tile() if found[0].kind == kind]
    assert len(mine) >= 8
    for tile, threads in mine:
        last = min(len(matrix), FIRST + 2 * tile.depth - 4)
        found = copied(tile, threads, made, taps, last)
        # Windows go on to the end of their taps: splits of k end where tiles do.
        wanted = matrix[: len(matrix) if kind == WINDOW else last]
        whole = np.zeros((FIRST + 2 * tile.depth, START + tile.columns), np.float32)
        rows, columns = (min(n) for n in zip(whole.shape, wanted.shape, strict=True))
        whole[:rows, :columns] = wanted[:rows, :columns]
        k, column = np.ogrid[: tile.depth, : tile.columns]
        for i, shared in enumerate(found):
            expected = whole[FIRST + i * tile.depth :][: tile.depth, START:]
            place = place_of(k, column, tile.layout, tile.ld)
            if tile.held:
                halves = shared.view(np.uint16)[place].astype(np.uint32)
                assert np.array_equal((halves << 16).view(np.float32), rounded(expected, "bf16")), (
                    tile
                )
            else:
                assert np.array_equal(shared[place], expected), tile


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(DeviceError, match="5000 x 5 pixels.*at most 4096"):
        im2col.taps_of(SIZES._replace(height=5000))
