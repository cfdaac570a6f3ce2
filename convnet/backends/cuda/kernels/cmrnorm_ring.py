"""Response normalization across channels, for windows that fit in registers.

A thread walks along the channels of WIDTH columns, where a column is a pixel of a case.  It keeps
the window in ring buffers of registers: the oldest value is dropped, the newest is read from
memory, AHEAD channels before it is needed.  So every number is read once, and denominators need no
memory: backward recomputes them from x.

A window of SIZE channels begins LEAN channels before the channel that it belongs to.
"""

from functools import cache

import numpy as np
from numba import cuda, float32

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.jit import SIMULATED, device_function, int32, kernel
from convnet.backends.cuda.ptx.intrinsics import load_values, power, store_values
from convnet.backends.cuda.ptx.vectorized import width_of
from convnet.backends.cuda.runtime.launch import Array, Launch, launch

LONGEST = 9  # window
_THREADS = 8 if SIMULATED else 128
_AHEAD = {4: 2, 1: 4}  # by width: enough bytes are in flight
_BLOCKS = 16 if SIMULATED else 1320  # that keep a GPU busy
_SHORTEST_RUN = 3 if SIMULATED else 32  # channels that a thread walks along at least
_ZERO, _ONE = np.float32(0), np.float32(1)


def fits(size: int, blocked: bool) -> bool:
    """Whether windows of `size` channels fit in registers; blocked ones are left to cmrnorm."""
    return size <= LONGEST and not blocked


def forward(x: Array, y: Array, size: int, scale: float, exponent: float, k: float) -> Launch:
    """y = x * denom ** -exponent, denom = k + scale * (sum of x**2 over `size` channels)."""
    width, grid, sizes = _partition(x, y)
    numbers = float(scale), float(-exponent), float(k)
    return launch(_forward(size, width), grid, x, y, *sizes, *numbers)


def backward(
    x: Array,
    dy: Array,
    dx: Array,
    size: int,
    scale: float,
    exponent: float,
    k: float,
    accumulate: bool,
) -> Launch:
    """dx (+)= the gradient, as in cmrnorm.backward; y and denom are recomputed."""
    width, grid, sizes = _partition(x, dy, dx)
    numbers = float(scale), float(-exponent), float(k), float(2 * scale * exponent), accumulate
    return launch(_backward(size, width), grid, x, dy, dx, *sizes, *numbers)


def _partition(x, *others):
    """Return values a read, the grid, and (channels, columns, channels of a thread's run)."""
    channels, columns = x.shape[0], x.size // x.shape[0]
    width = width_of(columns, x, *others)
    across = ceil_div(columns, width * _THREADS)
    runs = max(1, min(ceil_div(_BLOCKS, across), channels // _SHORTEST_RUN))
    run = ceil_div(channels, runs)
    return width, (across, ceil_div(channels, run)), (channels, columns, run)


@device_function
def _push(ring, new, LENGTH, WIDTH):
    """Append a value of each column to a ring of LENGTH, dropping the oldest."""
    for r in range((LENGTH - 1) * WIDTH):
        ring[r] = ring[r + WIDTH]
    for w in range(WIDTH):
        ring[(LENGTH - 1) * WIDTH + w] = new[w]


@device_function
def _load(new, array, channel, channels, columns, j, WIDTH):
    """new = a channel's values, or zeros outside the image."""
    if channel >= 0 and channel < channels:
        load_values(new, array, channel * columns + j, WIDTH)
    else:
        for w in range(WIDTH):
            new[w] = _ZERO


@device_function
def _read_on(ring, v, array, channel, channels, columns, j, LENGTH, WIDTH):
    """Read a channel's values and append them to a ring; v is overwritten."""
    _load(v, array, channel, channels, columns, j, WIDTH)
    _push(ring, v, LENGTH, WIDTH)


@device_function
def _denominator(xs, w, scale, k, SIZE, WIDTH):
    total = _ZERO
    for r in range(SIZE):
        v = xs[r * WIDTH + w]
        total += v * v
    return k + scale * total


@cache
def _forward(SIZE, WIDTH):
    LEAN = SIZE // 2
    RING = SIZE + _AHEAD[WIDTH]  # x of channels c - LEAN and on
    VALUES, NEWEST = RING * WIDTH, RING - 1 - LEAN

    def cmrnorm_forward(x, y, channels, columns, run, scale, exponent, k):
        xs, v = cuda.local.array(VALUES, float32), cuda.local.array(WIDTH, float32)
        j = int32(cuda.grid(1) * WIDTH)
        if j >= columns:
            return
        first = int32(cuda.blockIdx.y * run)
        end = int32(min(first + run, channels))
        c = int32(first - RING + 1)
        while c < end:
            _read_on(xs, v, x, c + NEWEST, channels, columns, j, RING, WIDTH)
            if c >= first:
                for w in range(WIDTH):
                    d = _denominator(xs, w, scale, k, SIZE, WIDTH)
                    v[w] = xs[LEAN * WIDTH + w] * power(d, exponent)
                store_values(y, c * columns + j, v, WIDTH)
            c = int32(c + 1)

    cmrnorm_forward.__qualname__ = f"cmrnorm_forward_{SIZE}_{WIDTH}"
    return kernel(cmrnorm_forward, threads=_THREADS)


@cache
def _backward(SIZE, WIDTH):
    LEAN, AHEAD = SIZE // 2, _AHEAD[WIDTH]
    RING = SIZE + AHEAD  # x of channels c and on
    # s = c + LEAN is the last channel whose window contains c; dy is read from s on.  `terms` holds
    # dy * x * denom ** (exponent - 1) of the channels up to s, `scaled` dy * denom ** exponent of
    # c to s.
    DELAY = LEAN + 1
    XS, DYS, TERMS, SCALED = RING * WIDTH, (AHEAD + 1) * WIDTH, SIZE * WIDTH, DELAY * WIDTH

    def cmrnorm_backward(x, dy, dx, channels, columns, run, scale, exponent, k, factor, accumulate):
        xs, dys = cuda.local.array(XS, float32), cuda.local.array(DYS, float32)
        terms, scaled = cuda.local.array(TERMS, float32), cuda.local.array(SCALED, float32)
        v, term = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        j = int32(cuda.grid(1) * WIDTH)
        if j >= columns:
            return
        first = int32(cuda.blockIdx.y * run)
        end = int32(min(first + run, channels))
        c = int32(first - SIZE - RING + 2)
        while c <= first - SIZE:  # fill the rings
            _read_on(xs, v, x, c + RING - 1, channels, columns, j, RING, WIDTH)
            _read_on(dys, v, dy, c + LEAN + AHEAD, channels, columns, j, AHEAD + 1, WIDTH)
            c = int32(c + 1)
        while c < end:
            _read_on(xs, v, x, c + RING - 1, channels, columns, j, RING, WIDTH)
            _read_on(dys, v, dy, c + LEAN + AHEAD, channels, columns, j, AHEAD + 1, WIDTH)
            for w in range(WIDTH):
                d = _denominator(xs, w, scale, k, SIZE, WIDTH)
                v[w] = dys[w] * power(d, exponent)
                term[w] = dys[w] * xs[LEAN * WIDTH + w] * power(d, exponent - _ONE)
            _push(scaled, v, DELAY, WIDTH)
            _push(terms, term, SIZE, WIDTH)
            if c >= first:
                if accumulate:
                    load_values(v, dx, c * columns + j, WIDTH)
                for w in range(WIDTH):
                    total = _ZERO
                    for r in range(SIZE):
                        total += terms[r * WIDTH + w]
                    g = scaled[w] - factor * xs[w] * total
                    v[w] = v[w] + g if accumulate else g
                store_values(dx, c * columns + j, v, WIDTH)
            c = int32(c + 1)

    cmrnorm_backward.__qualname__ = f"cmrnorm_backward_{SIZE}_{WIDTH}"
    return kernel(cmrnorm_backward, threads=_THREADS)
