"""Response normalisation across channels, for windows that fit in registers.

A thread walks along the channels of WIDTH columns, a column being a pixel of a case.  Windows move
with it as rings of registers: the oldest value falls out, the newest comes in from memory, AHEAD
channels before it is needed.  So every number is read once, and denominators need no memory:
backward makes them again from x.
"""

from functools import cache

import numpy as np
from numba import cuda, float32

from convnet.backends.cuda.jit import SIMULATED, inlined, int32, kernel
from convnet.backends.cuda.ptx.intrinsics import load_values, power, store_values
from convnet.backends.cuda.ptx.vectorized import width_of
from convnet.backends.cuda.runtime.launch import Launch, launch

LONGEST = 9  # window
_THREADS = 8 if SIMULATED else 128
_AHEAD = {4: 2, 1: 4}  # by width: so many bytes are under way
_BLOCKS = 16 if SIMULATED else 1320  # that keep a GPU busy
_PIECE = 3 if SIMULATED else 32  # channels that a thread walks along at least
_ZERO, _ONE = np.float32(0), np.float32(1)


def fits(size, blocked) -> bool:
    """Whether windows of so many channels fit in registers."""
    return size <= LONGEST and not blocked


def forward(x, y, size, scale, exponent, k) -> Launch:
    """y = x * denom ** -exponent, denom = k + scale * (sum of x**2 over `size` channels)."""
    width, grid, sizes = _cut(x, y)
    numbers = float(scale), float(-exponent), float(k)
    return launch(_forward(size, width), grid, x, y, *sizes, *numbers)


def backward(x, dy, dx, size, scale, exponent, k, accumulate) -> Launch:
    """dx (+)= the gradient, as in cmrnorm.backward; y and denom are made again."""
    width, grid, sizes = _cut(x, dy, dx)
    numbers = float(scale), float(-exponent), float(k), float(2 * scale * exponent), accumulate
    return launch(_backward(size, width), grid, x, dy, dx, *sizes, *numbers)


def _cut(x, *others):
    """Values a read; the grid: columns and pieces of channels; channels, columns, a piece's."""
    channels, columns = x.shape[0], x.size // x.shape[0]
    width = width_of(columns, x, *others)
    across = -(-columns // (width * _THREADS))
    pieces = max(1, min(-(-_BLOCKS // across), channels // _PIECE))
    piece = -(-channels // pieces)
    return width, (across, -(-channels // piece)), (channels, columns, piece)


@inlined
def _push(ring, new, LENGTH, WIDTH):
    """Make room for the newest of LENGTH values of each column."""
    for r in range((LENGTH - 1) * WIDTH):
        ring[r] = ring[r + WIDTH]
    for w in range(WIDTH):
        ring[(LENGTH - 1) * WIDTH + w] = new[w]


@inlined
def _load(new, array, channel, channels, columns, j, WIDTH):
    """A channel's values, or zeros outside the image."""
    if channel >= 0 and channel < channels:
        load_values(new, array, channel * columns + j, WIDTH)
    else:
        for w in range(WIDTH):
            new[w] = _ZERO


@inlined
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

    def cmrnorm_forward(x, y, channels, columns, piece, scale, exponent, k):
        xs, v = cuda.local.array(VALUES, float32), cuda.local.array(WIDTH, float32)
        j = int32(cuda.grid(1) * WIDTH)
        if j >= columns:
            return
        first = int32(cuda.blockIdx.y * piece)
        end = int32(min(first + piece, channels))
        c = int32(first - RING + 1)
        while c < end:
            _load(v, x, c + NEWEST, channels, columns, j, WIDTH)
            _push(xs, v, RING, WIDTH)
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
    # s = c + LEAN is the last channel whose window contains c; dy is read from s on.  `shares` are
    # what the channels up to s give to their windows, `scaled` is dy * denom ** exponent of c to s.
    DELAY = LEAN + 1
    XS, DYS, SHARES, SCALED = RING * WIDTH, (AHEAD + 1) * WIDTH, SIZE * WIDTH, DELAY * WIDTH

    def cmrnorm_backward(
        x, dy, dx, channels, columns, piece, scale, exponent, k, factor, accumulate
    ):
        xs, dys = cuda.local.array(XS, float32), cuda.local.array(DYS, float32)
        shares, scaled = cuda.local.array(SHARES, float32), cuda.local.array(SCALED, float32)
        v, share = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        j = int32(cuda.grid(1) * WIDTH)
        if j >= columns:
            return
        first = int32(cuda.blockIdx.y * piece)
        end = int32(min(first + piece, channels))
        c = int32(first - SIZE - RING + 2)
        while c <= first - SIZE:  # fill the rings
            _load(v, x, c + RING - 1, channels, columns, j, WIDTH)
            _push(xs, v, RING, WIDTH)
            _load(v, dy, c + LEAN + AHEAD, channels, columns, j, WIDTH)
            _push(dys, v, AHEAD + 1, WIDTH)
            c = int32(c + 1)
        while c < end:
            _load(v, x, c + RING - 1, channels, columns, j, WIDTH)
            _push(xs, v, RING, WIDTH)
            _load(v, dy, c + LEAN + AHEAD, channels, columns, j, WIDTH)
            _push(dys, v, AHEAD + 1, WIDTH)
            for w in range(WIDTH):
                d = _denominator(xs, w, scale, k, SIZE, WIDTH)
                v[w] = dys[w] * power(d, exponent)
                share[w] = dys[w] * xs[LEAN * WIDTH + w] * power(d, exponent - _ONE)
            _push(scaled, v, DELAY, WIDTH)
            _push(shares, share, SIZE, WIDTH)
            if c >= first:
                if accumulate:
                    load_values(v, dx, c * columns + j, WIDTH)
                for w in range(WIDTH):
                    total = _ZERO
                    for r in range(SIZE):
                        total += shares[r * WIDTH + w]
                    g = scaled[w] - factor * xs[w] * total
                    v[w] = v[w] + g if accumulate else g
                store_values(dx, c * columns + j, v, WIDTH)
            c = int32(c + 1)

    cmrnorm_backward.__qualname__ = f"cmrnorm_backward_{SIZE}_{WIDTH}"
    return kernel(cmrnorm_backward, threads=_THREADS)
