"""Products of matrices on the convolutions' micro-kernel, for full connections.

A BLAS library would do as well for one product, but its threads and Numba's both wait for work by
spinning, and take the processor from one another.  So a step has one team of threads, and biases
and a neuron are applied while the results are in the cache.

out (rows, columns) = left (rows, depth) x right (depth, columns); each operand lies in memory as it
is or `turned`.  `right` is packed as a whole, in panels of one block of columns; `left` is packed
by the task that needs it.  Sums have the same order whatever the number of threads.
"""

from numba import prange

from convnet.backends.cpu.gemm.direct_conv import row_blocks, share
from convnet.backends.cpu.gemm.direct_conv_weights import transpose
from convnet.backends.cpu.gemm.store import store_row
from convnet.backends.cpu.jit import exact, piece
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

SPAN = 256  # of the depth: a panel stays in the first-level cache
_ROWS = 16 * ROWS  # of a task: a span of `left` stays in the second-level cache
_COLUMNS = 4096 // BLOCK_BYTES  # blocks of a task
_AHEAD = 16  # rows of a turned `left` that are asked for early
_LINE = 16  # scalars that keep blocks of `left` out of each other's cache sets


def parts(threads, out_shape, depth, dtype) -> list:
    """Scratch: packed right-hand side; for each thread a packed span of the left one, results."""
    rows, columns = out_shape
    width = block_columns(dtype)
    height = min(_ROWS, row_blocks(-(-rows // threads)) * ROWS)
    panels = -(-columns // width)
    return [
        ((panels, depth, width), dtype),
        ((threads, height // ROWS, SPAN * ROWS + _LINE), dtype),
        ((threads, height, min(_COLUMNS, panels) * width), dtype),
    ]


@exact
def pack_right(right, turned, columns, packed):
    """packed[panel, k, lane] = right[k, panel * width + lane] of a flat array."""
    panels, depth, width = packed.shape
    chunks, item = -(-depth // SPAN), right.itemsize
    for task in prange(panels * chunks):
        panel, first = task % panels, task // panels * SPAN
        count, lanes = min(SPAN, depth - first), min(width, columns - panel * width)
        if turned:
            target = packed[panel : panel + 1, first:]
            transpose(right, panel * width, lanes, depth, first, count, target)
        else:
            source = address(right) + (first * columns + panel * width) * item
            target = address(packed[panel, first])
            for k in range(count):
                copy_bytes(target + k * BLOCK_BYTES, source + k * columns * item, lanes * item)


@piece
def _pack_rows(left, row, rows, first, count, packed):
    """packed[block, k * ROWS + r] = left[row + block * ROWS + r, first + k]."""
    item = left.itemsize
    lanes, pitch = VECTOR_BYTES // item, left.strides[0] // item
    for block in range(-(-rows // ROWS)):
        top, target = row + block * ROWS, packed[block]
        whole = count // lanes * lanes if top + ROWS + lanes <= left.shape[0] else 0
        for r in range(ROWS, 2 * ROWS):  # the next block, row by row: not a pattern of its own
            prefetch_bytes(address(left) + ((top + r) * pitch + first) * item, count * item)
        for k in range(0, whole, lanes):
            # Squares are wider than the block: what is too much is overwritten by the next one.
            for r in range((ROWS - 1) // lanes * lanes, -1, -lanes):
                source = address(left[top + r, first + k :])
                to = address(target) + (k * ROWS + r) * item
                transpose_square(left, source, pitch, to, ROWS)
        for k in range(whole, count):
            for r in range(min(ROWS, row + rows - top)):
                target[k * ROWS + r] = left[top + r, first + k]


@piece
def _pack_columns(left, row, rows, first, count, packed):
    """packed[block, k * ROWS + r] = left[first + k, row + block * ROWS + r]."""
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


@piece
def _add_span(packed, rows, panels, first, count, start, depth, results):
    """results (+)= a packed span of `left` x the same of panels, `count` columns from `first`."""
    item, width, pitch = results.itemsize, panels.shape[2], results.shape[1]
    for column in range(0, count, width):
        b = address(panels[(first + column) // width, start])
        vectors = -(-min(width, count - column) * item // VECTOR_BYTES)
        for block in range(-(-rows // ROWS)):
            to = address(results) + (block * ROWS * pitch + column) * item
            block_product(
                packed, address(packed[block]), PACKED, UNIT, b, to, pitch, depth, vectors,
                min(start, 1),
            )  # fmt: skip


@exact
def multiply(left, turned, panels, packs, results, out, accumulate, finish):
    """out (+)= left x panels, finished."""
    depth, columns, rows = panels.shape[1], out.shape[1], out.shape[0]
    threads, height, breadth = results.shape
    chunks = -(-columns // breadth)
    tasks = -(-rows // height) * chunks
    for thread in prange(threads):
        pack, result = packs[thread], results[thread]
        begin, end = share(tasks, thread, threads)
        for task in range(begin, end):
            row, first = task // chunks * height, task % chunks * breadth
            own, count = min(height, rows - row), min(breadth, columns - first)
            for start in range(0, depth, SPAN):
                span = min(SPAN, depth - start)
                if depth > SPAN or task == begin or first == 0:
                    if turned:
                        _pack_columns(left, row, own, start, span, pack)
                    else:
                        _pack_rows(left, row, own, start, span, pack)
                _add_span(pack, own, panels, first, count, start, span, result)
            for k in range(own):
                target = out[row + k, first : first + count]
                store_row(result[k, :count], target, 0, accumulate, row + k, finish)


def run(left, left_turned, right, right_turned, out, accumulate, finish, arrays):
    """out (+)= left x right, finished.  arrays: scratch as of `parts`.

    turned: an array holds the transpose of its operand.  Rows of the arrays are contiguous, those
    of `right` lie one behind the other.
    """
    panels, packs, results = arrays
    pack_right(right.reshape(-1), right_turned, out.shape[1], panels)
    multiply(left, left_turned, panels, packs, results, out, accumulate, finish)
