"""Matrix products on the convolutions' microkernel, for full connections.

A BLAS library would be as fast for a single product.  But its threads and Numba's both spin while
they wait for work, and take the processor from each other.  Here all work is done by Numba's
threads, and the epilogue is applied while the results are in the cache.

out (rows, columns) = left (rows, depth) x right (depth, columns).  Either operand may be stored
transposed.  `right` is packed as a whole, in panels of one block of columns.  Each task packs the
part of `left` that it needs; where the panels are few, it reads whole blocks of `left` in place.
The order of a sum does not depend on the number of threads.
"""

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.cpu.gemm.direct_conv import part_range, row_blocks
from convnet.backends.cpu.gemm.direct_conv_weights import transpose
from convnet.backends.cpu.gemm.epilogue import Epilogue
from convnet.backends.cpu.gemm.store import store_row, stream_row
from convnet.backends.cpu.jit import exact, helper, kernel_ceil_div
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    PACKED,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    block_product,
    copy_bytes,
    prefetch_bytes,
    transpose_square,
)
from convnet.backends.cpu.scratch import Parts
from convnet.compiling.nontemporal import STREAM_BYTES, fence

SPAN = 256  # of the depth: a panel stays in the first-level cache
_ROWS = 16 * ROWS  # of a task: a span of `left` stays in the second-level cache
_COLUMNS = 4096 // BLOCK_BYTES  # blocks of a task
_FEW, _FEW_OF_TRANSPOSED = 4, 2  # panels that do not pay for packing whole blocks of `left`
_AHEAD = 16  # rows of a transposed `left` between prefetching and reading
_LINE = 16  # scalars between blocks of `left`, so that they do not share cache sets


def parts(threads: int, out_shape: tuple[int, int], depth: int, dtype: np.dtype) -> Parts:
    """Return the scratch: packed `right`; for each thread a packed span of `left`, and results."""
    rows, columns = out_shape
    width = block_columns(dtype)
    height = min(_ROWS, row_blocks(ceil_div(rows, threads)) * ROWS)
    panels = ceil_div(columns, width)
    return [
        ((panels, depth, width), dtype),
        ((threads, height // ROWS, SPAN * ROWS + _LINE), dtype),
        ((threads, height, min(_COLUMNS, panels) * width), dtype),
    ]


@exact
def pack_right(right, transposed, columns, packed):
    """packed[panel, k, lane] = right[k, panel * width + lane].

    right: flat, of shape (depth, columns), or (columns, depth) if `transposed`.
    """
    panels, depth, width = packed.shape
    chunks, item = kernel_ceil_div(depth, SPAN), right.itemsize
    for task in prange(panels * chunks):
        panel, first = task % panels, task // panels * SPAN
        count, lanes = min(SPAN, depth - first), min(width, columns - panel * width)
        if transposed:
            target = packed[panel : panel + 1, first:]
            transpose(right, panel * width, lanes, depth, first, count, target)
        else:
            source = address(right) + (first * columns + panel * width) * item
            target = address(packed[panel, first])
            for k in range(count):
                copy_bytes(target + k * BLOCK_BYTES, source + k * columns * item, lanes * item)


@helper
def _pack_rows(left, row, rows, first, count, packed):
    """packed[block, k * ROWS + r] = left[row + block * ROWS + r, first + k]."""
    item = left.itemsize
    lanes, pitch = VECTOR_BYTES // item, left.strides[0] // item
    for block in range(kernel_ceil_div(rows, ROWS)):
        top, target = row + block * ROWS, packed[block]
        whole = count // lanes * lanes if top + ROWS + lanes <= left.shape[0] else 0
        for r in range(ROWS, 2 * ROWS):  # the next block: the processor would not prefetch its rows
            prefetch_bytes(address(left) + ((top + r) * pitch + first) * item, count * item)
        for k in range(0, whole, lanes):
            # A square has more rows than the block.  The next square overwrites the excess.
            for r in range((ROWS - 1) // lanes * lanes, -1, -lanes):
                source = address(left[top + r, first + k :])
                to = address(target) + (k * ROWS + r) * item
                transpose_square(left, source, pitch, to, ROWS)
        for k in range(whole, count):
            for r in range(min(ROWS, row + rows - top)):
                target[k * ROWS + r] = left[top + r, first + k]


@helper
def _pack_columns(left, row, rows, first, count, packed):
    """The same of a transposed `left`: ... = left[first + k, row + block * ROWS + r]."""
    ahead = _AHEAD * left.strides[0]
    for k in range(count):
        source = left[first + k, row : row + rows]
        prefetch_bytes(address(source) + ahead, rows * left.itemsize)
        for block in range(rows // ROWS):
            target = packed[block, k * ROWS : (k + 1) * ROWS]
            for r in range(ROWS):
                target[r] = source[block * ROWS + r]
        for r in range(rows // ROWS * ROWS, rows):
            packed[r // ROWS, k * ROWS + r % ROWS] = source[r]


@helper
def _add_span(left, layout, rows, panels, first, count, start, depth, results):
    """results (+)= a span of `rows` rows of `left` x panels, in `count` columns from `first` on.

    left: an address.  layout: scalars from one term of a sum, row, and block of rows to the next.
    The span begins at `start` and is `depth` long.  The first one overwrites `results`.
    """
    item, width, pitch = results.itemsize, panels.shape[2], results.shape[1]
    step, down, block_step = layout
    for column in range(0, count, width):
        b = address(panels[(first + column) // width, start])
        vectors = kernel_ceil_div(min(width, count - column) * item, VECTOR_BYTES)
        for block in range(kernel_ceil_div(rows, ROWS)):
            to = address(results) + (block * ROWS * pitch + column) * item
            block_product(
                results, left + block * block_step * item, step, down, b, to, pitch, depth, vectors,
                min(start, 1),
            )  # fmt: skip


@helper
def _in_place(left, transposed, row, start):
    """The address of a block of `left`, and its layout as of `_add_span`."""
    pitch = left.strides[0] // left.itemsize
    if transposed:
        return address(left[start, row:]), (pitch, UNIT, PACKED)
    return address(left[row, start:]), (UNIT, pitch, pitch * ROWS)


@exact
def multiply(left, transposed, panels, packs, results, out, accumulate, epilogue):
    """out (+)= left x panels, with the epilogue applied."""
    depth, columns, rows = panels.shape[1], out.shape[1], out.shape[0]
    threads, height, breadth = results.shape
    chunks = kernel_ceil_div(columns, breadth)
    tasks = kernel_ceil_div(rows, height) * chunks
    in_place = panels.shape[0] <= (_FEW_OF_TRANSPOSED if transposed else _FEW)
    fits = columns * out.itemsize % BLOCK_BYTES == 0 and address(out) % VECTOR_BYTES == 0
    streams = fits and not accumulate and out.size * out.itemsize >= STREAM_BYTES
    for thread in prange(threads):
        pack, result = packs[thread], results[thread]
        begin, end = part_range(tasks, thread, threads)
        for task in range(begin, end):
            row, first = task // chunks * height, task % chunks * breadth
            own, count = min(height, rows - row), min(breadth, columns - first)
            whole = own // ROWS * ROWS if in_place else 0
            for start in range(0, depth, SPAN):
                span = min(SPAN, depth - start)
                if whole:
                    place, layout = _in_place(left, transposed, row, start)
                    _add_span(place, layout, whole, panels, first, count, start, span, result)
                if whole == own:
                    continue
                if depth > SPAN or task == begin or first == 0:
                    if transposed:
                        _pack_columns(left, row + whole, own - whole, start, span, pack)
                    else:
                        _pack_rows(left, row + whole, own - whole, start, span, pack)
                layout = PACKED, UNIT, pack.shape[1]
                _add_span(
                    address(pack), layout, own - whole, panels, first, count, start, span,
                    result[whole:],
                )  # fmt: skip
            for k in range(own):
                target = out[row + k, first : first + count]
                if streams:
                    stream_row(result[k, :count], target, row + k, epilogue)
                else:
                    store_row(result[k, :count], target, 0, accumulate, row + k, epilogue)
        fence()


def run(
    left: np.ndarray,
    left_transposed: bool,
    right: np.ndarray,
    right_transposed: bool,
    out: np.ndarray,
    accumulate: bool,
    epilogue: Epilogue,
    arrays: list[np.ndarray],
) -> None:
    """out (+)= left x right, with the epilogue applied.  arrays: scratch as of `parts`.

    transposed: the array holds the transpose of its operand.  `right` is contiguous; the rows of
    the other arrays are.
    """
    panels, packs, results = arrays
    pack_right(right.reshape(-1), right_transposed, out.shape[1], panels)
    multiply(left, left_transposed, panels, packs, results, out, accumulate, epilogue)
