"""Matrix products with few columns: full connections of minibatches of few cases.

out (rows, columns) = left (rows, depth) x right (depth, columns), where left may be stored
transposed.  The rows of left are contiguous, and it is read once, where it is: nothing of it is
packed, and its reading from memory is what takes time.  So each thread reads long pieces of rows.
The order of a sum does not depend on the number of threads.
"""

import numpy as np
from numba import prange

from convnet.arithmetic import ceil_div
from convnet.backends.cpu.gemm.direct_conv import part_range, row_blocks
from convnet.backends.cpu.gemm.dots import FEW, dot_products, rows_at_once
from convnet.backends.cpu.gemm.epilogue import Epilogue
from convnet.backends.cpu.gemm.store import store_row
from convnet.backends.cpu.jit import exact, helper, kernel_ceil_div
from convnet.backends.cpu.microkernel import (
    BLOCK_BYTES,
    PACKED,
    ROWS,
    UNIT,
    VECTOR_BYTES,
    address,
    block_columns,
    prefetch_bytes,
    strided_product,
)
from convnet.backends.cpu.scratch import Parts

_SPAN = 8  # of the depth of a transposed left: the processor prefetches so many rows
_AHEAD = 1024  # bytes of a row between prefetching and reading
_BREADTH = 4096  # of the rows of a transposed left: sums stay in the second-level cache
_CHUNK = 2048  # of the depth: what a thread transposes at a time


def fits(columns: int) -> bool:
    """Return whether a product has so few columns that this way is the faster one."""
    return columns <= FEW


def _breadth(threads: int, rows: int, dtype: np.dtype) -> int:
    """The rows of a task of a transposed left: whole blocks, so that sums are rounded alike."""
    width = block_columns(dtype)
    return min(_BREADTH, ceil_div(ceil_div(rows, threads), width) * width)


def parts(
    threads: int, transposed: bool, out_shape: tuple[int, int], depth: int, dtype: np.dtype
) -> Parts:
    """Return the scratch: packed `right`, and results of each thread."""
    rows, columns = out_shape
    if transposed:
        blocks = row_blocks(columns)
        breadth = _breadth(threads, rows, dtype)
        return [
            ((blocks, depth, ROWS), dtype),
            ((threads, blocks * ROWS, breadth), dtype),
        ]
    return [((columns, depth), dtype), ((threads, rows_at_once(columns), columns), dtype)]


@exact
def pack_columns(right, packed):
    """packed[n, k] = right[k, n]."""
    depth, columns = right.shape
    for chunk in prange(kernel_ceil_div(depth, _CHUNK)):
        for k in range(chunk * _CHUNK, min(depth, (chunk + 1) * _CHUNK)):
            for n in range(columns):
                packed[n, k] = right[k, n]


@exact
def pack_blocks(right, packed):
    """packed[n // ROWS, k, n % ROWS] = right[k, n], and zeros behind the last column."""
    depth, columns = right.shape
    for chunk in prange(kernel_ceil_div(depth, _CHUNK)):
        for k in range(chunk * _CHUNK, min(depth, (chunk + 1) * _CHUNK)):
            for n in range(packed.shape[0] * ROWS):
                packed[n // ROWS, k, n % ROWS] = right[k, n] if n < columns else 0


@exact
def multiply(left, packed, results, out, accumulate, epilogue):
    """out (+)= left x packed columns, with the epilogue applied."""
    rows, depth = left.shape
    columns, threads, step = packed.shape[0], results.shape[0], results.shape[1]
    pitch, lanes = left.strides[0] // left.itemsize, VECTOR_BYTES // left.itemsize
    whole = depth // lanes * lanes
    for thread in prange(threads):
        own = results[thread]
        begin, end = part_range(rows, thread, threads)
        for row in range(begin, end, step):
            count = min(step, end - row)
            dot_products(
                left, address(left[row]), pitch, count - 1, address(packed), depth, columns,
                address(own), whole,
            )  # fmt: skip
            for r in range(count):
                for n in range(columns):
                    for k in range(whole, depth):
                        own[r, n] += left[row + r, k] * packed[n, k]
                store_row(own[r], out[row + r], 0, accumulate, row + r, epilogue)


@helper
def _add_rows(left, first, count, packed, results):
    """results[n, j] = sum over k of packed[n // ROWS, k, n % ROWS] * left[k, first + j]."""
    depth, item = left.shape[0], left.itemsize
    pitch, lanes = left.strides[0] // item, VECTOR_BYTES // item
    width, whole = BLOCK_BYTES // item, count // lanes * lanes
    for start in range(0, depth, _SPAN):
        span = min(_SPAN, depth - start)
        for j in range(0, whole, width):
            vectors = min(width, whole - j) // lanes
            b = address(left[start]) + (first + j) * item
            for k in range(span):
                prefetch_bytes(b + k * pitch * item + _AHEAD, BLOCK_BYTES)
            for block in range(packed.shape[0]):
                a, c = address(packed[block, start]), address(results[block * ROWS]) + j * item
                strided_product(
                    left, a, PACKED, UNIT, b, pitch, c, results.shape[1], span, vectors, start
                )  # fmt: skip
    for n in range(packed.shape[0] * ROWS):
        for j in range(whole, count):
            total = left.dtype.type(0)
            for k in range(depth):
                total += packed[n // ROWS, k, n % ROWS] * left[k, first + j]
            results[n, j] = total


@exact
def multiply_transposed(left, packed, results, out, accumulate):
    """out (+)= the transpose of left x packed blocks of columns."""
    rows, columns = out.shape
    threads, breadth = results.shape[0], results.shape[2]
    tasks = kernel_ceil_div(rows, breadth)
    for thread in prange(threads):
        own = results[thread]
        begin, end = part_range(tasks, thread, threads)
        for task in range(begin, end):
            first = task * breadth
            count = min(breadth, rows - first)
            _add_rows(left, first, count, packed, own)
            for j in range(count):
                for n in range(columns):
                    old = out[first + j, n] if accumulate else left.dtype.type(0)
                    out[first + j, n] = old + own[n, j]


def run(
    left: np.ndarray,
    right: np.ndarray,
    out: np.ndarray,
    accumulate: bool,
    epilogue: Epilogue,
    arrays: list[np.ndarray],
) -> None:
    """out (+)= left x right, with the epilogue applied.  arrays: scratch as of `parts`."""
    packed, results = arrays
    pack_columns(right, packed)
    multiply(left, packed, results, out, accumulate, epilogue)


def run_transposed(
    left: np.ndarray,
    right: np.ndarray,
    out: np.ndarray,
    accumulate: bool,
    arrays: list[np.ndarray],
) -> None:
    """out (+)= the transpose of left x right.  arrays: scratch as of `parts`."""
    packed, results = arrays
    pack_blocks(right, packed)
    multiply_transposed(left, packed, results, out, accumulate)
