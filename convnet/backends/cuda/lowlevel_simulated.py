"""The operations of `lowlevel` in plain Python, for Numba's simulator.

Copies arrive at once and products are sums of rounded operands: this checks indices and rounding,
not the order of asynchronous copies and not the fragments of the tensor cores.
"""

import numpy as np

_FOUR = np.arange(4)
_FP32_ROWS = np.concatenate([_FOUR, 16 + _FOUR])
_FP32_COLUMNS = np.concatenate([_FOUR, 32 + _FOUR])


def load_values(values, array, i, width):
    """See lowlevel_device."""
    values[:width] = _word(array, i, width)


def store_values(array, i, values, width):
    """See lowlevel_device."""
    _word(array, i, width)[:] = values[:width]


def _word(array, i, width):
    """The values array[i : i + width], if the device could read them at once."""
    found = array[int(i) : int(i) + width]
    if i < 0 or len(found) != width or found.ctypes.data % (width * found.itemsize):
        raise IndexError(f"no aligned word of {width} values at element {i} of {len(array)}")
    return found


def power(x, y):
    """See lowlevel_device."""
    return np.float32(float(x) ** float(y)) if x > 0 else np.float32(np.nan)


def cospi(x):
    """See lowlevel_device."""
    return np.float32(np.cos(np.pi * float(x)))


def sinpi(x):
    """See lowlevel_device."""
    return np.float32(np.sin(np.pi * float(x)))


def read_again(register, value):
    """See lowlevel_device."""
    return value


def copy_async(shared, s, source, i, count, width):
    """See lowlevel_device."""
    shared[s : s + width] = 0
    if count > 0:
        shared[s : s + count] = [source[i + k] for k in range(count)]


def commit_copies():
    """Copies have arrived already."""


def wait_copies(pending):
    """Copies have arrived already."""


def clear(acc):
    acc[:] = 0


def multiply(acc, shared, a, b, lane, lda, ldb, depth, precision):
    """See lowlevel_device."""
    rows, columns = _places(lane, precision)
    k = np.arange(depth)[:, None]
    left = _rounded(shared[a + k * lda + rows], precision)
    right = _rounded(shared[b + k * ldb + columns], precision)
    acc += (left.T @ right).reshape(-1)


def store_tile(acc, out, at, ld, rows_left, columns_left, accumulate, lane, width, precision):
    """See lowlevel_device."""
    rows, columns = _places(lane, precision)
    tile = acc.reshape(rows.size, columns.size)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if row < rows_left and column < columns_left:
                e = at + row * ld + column
                out[e] = out[e] + tile[i, j] if accumulate else tile[i, j]


def _places(lane, precision):
    """Rows and columns of the warp tile that a lane holds, in any order."""
    if precision == 0:
        return _FP32_ROWS + lane // 8 * 4, _FP32_COLUMNS + lane % 8 * 4
    columns = np.arange(8)[:, None] * 8 + lane % 4 * 2 + np.arange(2)
    return np.arange(4) * 8 + lane // 4, columns.reshape(-1)


def _rounded(values, precision):
    """To the nearest tf32 (10 bits, ties away from zero) or bf16 (7 bits, ties to even)."""
    if precision == 0:
        return values
    bits = values.view(np.uint32)
    if precision == 1:
        return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
    half = np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return ((bits + half) & np.uint32(0xFFFF0000)).view(np.float32)
