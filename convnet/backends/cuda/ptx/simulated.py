"""The intrinsics of `intrinsics` in plain Python, for Numba's simulator.

Copies are complete at once, and products are sums of rounded operands.  So the simulator checks
indices and rounding, but not the order of asynchronous copies or the fragments of tensor cores.
"""

import numpy as np

from convnet.backends.cuda.ptx.warp_tiles import DEPTHS, place_of

_FOUR, _EIGHT = np.arange(4), np.arange(8)
_FP32_ROWS = np.concatenate([_FOUR, 16 + _FOUR])
_FP32_COLUMNS = np.concatenate([_FOUR, 32 + _FOUR])


def load_values(values, array, i, width):
    """See `device`."""
    values[:width] = _word(array, i, width)


def load_pair(array, i):
    """See `device`."""
    first, second = _word(array, i, 2)
    return first, second


def store_values(array, i, values, width):
    """See `device`."""
    _word(array, i, width)[:] = values[:width]


def _word(array, i, width):
    """Return array[i : i + width]; IndexError if the device could not read it at once."""
    found = array[int(i) : int(i) + width]
    address, _ = found.__array_interface__["data"]
    if i < 0 or len(found) != width or address % (width * found.itemsize):
        raise IndexError(f"no aligned word of {width} values at element {i} of {len(array)}")
    return found


def power(x, y):
    """See `device`."""
    return np.float32(float(x) ** float(y)) if x > 0 else np.float32(np.nan)


def cospi(x):
    """See `device`."""
    return np.float32(np.cos(np.pi * float(x)))


def sinpi(x):
    """See `device`."""
    return np.float32(np.sin(np.pi * float(x)))


def read_again(register, value):
    """See `device`."""
    return value


def shared_address(shared):
    """See `device`."""
    return 0


def copy_async(shared, at, source, i, inside, width):
    """See `device`."""
    if inside and not 0 <= i <= len(source) - width:
        raise IndexError(f"{width} values at element {i} of {len(source)} to be copied")
    s = at // 4
    shared[s : s + width] = source[i : i + width] if inside else 0


def fetch_values(held, first, array, i, inside, width):
    """See `device_bf16`."""
    held[first : first + width] = _word(array, i, width) if inside else 0


def round_values(shared, at, held, first, width):
    """See `device_bf16`."""
    if at % (2 * width):
        raise IndexError(f"{width} values at shared address {at}, which is not aligned")
    bits = _rounded(held[first : first + width], 2).view(np.uint32) >> np.uint32(16)
    shared.view(np.uint16)[at // 2 : at // 2 + width] = bits


def commit_copies():
    """Do nothing: copies are complete."""


def wait_copies(pending):
    """Do nothing: copies are complete."""


def clear(acc, rows, columns):
    """See `device_tiles`."""
    acc[:] = 0


def multiply(acc, shared, a, b, lane, a_layout, a_ld, b_layout, b_ld, rows, columns, precision):
    """See `device_tiles`."""
    own_rows, own_columns = _places(lane, rows, columns, precision)
    k = np.arange(DEPTHS[precision])[:, None]
    left = _values(shared, a, place_of(k, own_rows, a_layout, a_ld), precision)
    right = _values(shared, b, place_of(k, own_columns, b_layout, b_ld), precision)
    acc += (left.T @ right).reshape(-1)


def _values(shared, at, places, precision):
    """Values of an operand's tile at shared address `at`, rounded as the product takes them."""
    if precision < 2:
        return _rounded(shared[at // 4 + places], precision)
    halves = shared.view(np.uint16)[at // 2 + places]
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)


def add_tile(acc, array, at, ld, rows_left, columns_left, lane, width, rows, columns, precision):
    """See `device_results`."""
    for i, e in _inside(at, ld, rows_left, columns_left, lane, rows, columns, precision):
        acc[i] += array[e]


def store_tile(acc, array, at, ld, rows_left, columns_left, lane, width, rows, columns, precision):
    """See `device_results`."""
    for i, e in _inside(at, ld, rows_left, columns_left, lane, rows, columns, precision):
        array[e] = acc[i]


def epilogue_tile(acc, biases, at, step, rows_left, lane, f, p, q, rows, columns, precision):
    """See `device_results`."""
    own_rows, own_columns = _places(lane, rows, columns, precision)
    tile = acc.reshape(own_rows.size, own_columns.size)
    for i, row in enumerate(own_rows):
        if row < rows_left:
            tile[i] = [f(value + biases[at + row * step], p, q) for value in tile[i]]


def _inside(at, ld, rows_left, columns_left, lane, rows, columns, precision):
    """Yield (index in acc, element of the array) of a lane's values inside the array."""
    own_rows, own_columns = _places(lane, rows, columns, precision)
    for i, row in enumerate(own_rows):
        for j, column in enumerate(own_columns):
            if row < rows_left and column < columns_left:
                yield i * own_columns.size + j, at + row * ld + column


def _places(lane, rows, columns, precision):
    """Return the rows and columns of the warp tile that a lane holds."""
    if precision == 0:
        return _FP32_ROWS + lane // 8 * 4, _FP32_COLUMNS + lane % 8 * 4
    if precision == 2:
        pairs = lane % 4 * 2 + np.arange(2)
        more = np.arange(0, columns, 8)[:, None]
        return lane // 4 + np.arange(0, rows, 8), (pairs + more).reshape(-1)
    more_rows = np.concatenate([_FOUR + first for first in range(0, rows, 32)])
    more_columns = np.concatenate([_EIGHT + first for first in range(0, columns, 32)])
    return lane // 4 * 4 + more_rows, lane % 4 * 8 + more_columns


def _rounded(values, precision):
    """Round to tf32 (10 bits, by splitting) or bf16 (7 bits, ties to even)."""
    if precision == 0:
        return values
    if precision == 1:  # a fused multiply-add of float32, exact in float64
        large = values * np.float32(8193)
        return (large.astype(np.float64) - 8192 * values.astype(np.float64)).astype(np.float32)
    bits = values.view(np.uint32)
    half = np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return ((bits + half) & np.uint32(0xFFFF0000)).view(np.float32)
