"""The kernels of pooling.

A thread computes WIDTH cases of one column and a few rows, whose windows overlap.  Windows are read
whole, and positions outside the image are clamped to it, so that all reads of a window are in
flight at once; what was read there is ignored afterwards.
"""

from functools import cache

import numpy as np
from numba import cuda, float32

from convnet.backends.cuda.jit import SIMULATED, Kernel, device_function, int32, kernel, uint32
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values

THREADS = 8 if SIMULATED else 128
ROWS = 2 if SIMULATED else 4  # that a thread walks along
_MAX, _AVG, _SUM, _MAXABS = range(4)
KINDS = {"max": _MAX, "avg": _AVG, "sum": _SUM, "maxabs": _MAXABS}
_ZERO, _ONE = np.float32(0), np.float32(1)


@device_function
def _inside(place, length):
    return place >= 0 and place < length


@device_function
def _clamped(place, length):
    return int32(min(max(place, 0), length - 1))


@device_function
def _covered(first, size, length):
    """Return how many pixels of a row of the window are inside the image."""
    return max(min(first + size, length) - max(first, 0), 0)


@device_function
def _last_window(place, start, apart):
    """Return the last window that begins at or before a place, floor((place - start) / apart).

    Counted from so many windows before the first one that no number is negative: the division is
    one of 32 bits without a sign.
    """
    before = max(start, 0)
    return int32(uint32(place - start + before * apart) // uint32(apart)) - int32(before)


@device_function
def _taken(kind, found, v, inside):
    """Return a window's value with one more pixel; a NaN stays."""
    if kind == _MAX:
        return v if v > found or v != v else found
    if kind == _MAXABS:
        return v if abs(v) >= abs(found) or v != v else found
    return found + v if inside else found


@device_function
def _load_or_zero(total, dx, i, accumulate, WIDTH):
    """total = the values of dx from i on, to which the kernel adds, or zeros."""
    if accumulate:
        load_values(total, dx, i, WIDTH)
    else:
        for k in range(WIDTH):
            total[k] = _ZERO


@cache
def forward_kernel(KIND: int, SIZE: int, STRIDE: int, WIDTH: int) -> Kernel:
    """Return the kernel for one kind and, unless 0, one size and stride of windows.

    KIND: of KINDS.  WIDTH: values a read.
    """
    EXTREME = KIND == _MAX or KIND == _MAXABS

    def pool_forward(x, y, channels, height, width, cases, outputs, size, stride, start):
        v, found = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        window, apart = SIZE if SIZE else size, STRIDE if STRIDE else stride
        j = int32(cuda.grid(1) * WIDTH)
        if j >= outputs * cases:
            return
        ox = int32(uint32(j) // uint32(cases))
        left, n, line = int32(start + ox * apart), int32(j - ox * cases), int32(width * cases)
        for c in range(cuda.blockIdx.z, channels, cuda.gridDim.z):
            for oy in range(cuda.blockIdx.y * ROWS, min((cuda.blockIdx.y + 1) * ROWS, outputs)):
                top = int32(start + oy * apart)
                pixels = _covered(top, window, height) * _covered(left, window, width)
                for k in range(WIDTH):
                    found[k] = _ZERO
                for r in range(window):
                    iy = _clamped(top + r, height)
                    row = int32((c * height + iy) * line + n)
                    for s in range(window):
                        inside = _inside(top + r, height) and _inside(left + s, width)
                        ix = _clamped(left + s, width)
                        load_values(v, x, row + int32(ix * cases), WIDTH)
                        for k in range(WIDTH):
                            if EXTREME and r == 0 and s == 0:
                                found[k] = v[k]
                            else:
                                found[k] = _taken(KIND, found[k], v[k], inside)
                share = _ONE / np.float32(pixels) if KIND == _AVG and pixels > 0 else _ONE
                for k in range(WIDTH):
                    found[k] = found[k] * share if pixels > 0 else _ZERO
                store_values(y, (c * outputs + oy) * outputs * cases + j, found, WIDTH)

    return _named(pool_forward, KIND, SIZE, STRIDE, WIDTH)


@cache
def backward_kernel(KIND: int, SIZE: int, STRIDE: int, WIDTH: int) -> Kernel:
    """Return the kernel as `forward_kernel` does."""
    EXTREME = KIND == _MAX or KIND == _MAXABS

    def pool_backward(
        x, y, dy, dx, channels, height, width, cases, outputs, size, stride, start, accumulate
    ):
        v, total = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        out, d = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        window, apart = SIZE if SIZE else size, STRIDE if STRIDE else stride
        # windows that a pixel may lie in, along one axis
        reach = int32(uint32(window + apart - 1) // uint32(apart))
        j = int32(cuda.grid(1) * WIDTH)
        if j >= width * cases:
            return
        ix = int32(uint32(j) // uint32(cases))
        n, line = int32(j - ix * cases), int32(outputs * cases)
        first_x = int32(_last_window(ix, start, apart) - reach + 1)
        for c in range(cuda.blockIdx.z, channels, cuda.gridDim.z):
            for iy in range(cuda.blockIdx.y * ROWS, min((cuda.blockIdx.y + 1) * ROWS, height)):
                at = int32((c * height + iy) * width * cases + j)
                first_y = int32(_last_window(iy, start, apart) - reach + 1)
                if EXTREME:
                    load_values(v, x, at, WIDTH)
                _load_or_zero(total, dx, at, accumulate, WIDTH)
                for p in range(reach):
                    oy = int32(first_y + p)
                    if _inside(oy, outputs) and iy - start - oy * apart < window:
                        row = int32((c * outputs + oy) * line + n)
                        rows = _covered(start + oy * apart, window, height)
                        for q in range(reach):
                            ox = int32(first_x + q)
                            inside = _inside(ox, outputs) and ix - start - ox * apart < window
                            place = _clamped(ox, outputs)
                            e = int32(row + int32(place * cases))
                            load_values(d, dy, e, WIDTH)
                            share = _ONE
                            if EXTREME:
                                load_values(out, y, e, WIDTH)
                            elif KIND == _AVG:
                                columns = _covered(start + place * apart, window, width)
                                share = _ONE / np.float32(rows * columns)
                            for k in range(WIDTH):
                                given = inside and (not EXTREME or out[k] == v[k])
                                total[k] += d[k] * share if given else _ZERO
                store_values(dx, at, total, WIDTH)

    return _named(pool_backward, KIND, SIZE, STRIDE, WIDTH)


def _named(function, kind, size, stride, width):
    name = next(name for name, number in KINDS.items() if number == kind)
    sizes = f"{size}x{stride}" if size else "any"
    function.__qualname__ = f"{function.__name__}_{name}_{sizes}_{width}"
    return kernel(function, threads=THREADS)
