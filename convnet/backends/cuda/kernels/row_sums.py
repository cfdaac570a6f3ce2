"""Row sums of a gradient, for biases; the kernel may apply a neuron's derivative before it adds.

A row is summed by a team of threads, which is a part of a block or a whole one, or by the teams of
several blocks.  Sums are float64, in a fixed order.
"""

from functools import cache

import numpy as np
from numba import cuda, float32, float64

from convnet.arithmetic import ceil_div
from convnet.backends.cuda.jit import THREADS, int32, kernel
from convnet.backends.cuda.kernels.neuron_functions import DERIVATIVES, Neuron
from convnet.backends.cuda.kernels.reduce import team_sum
from convnet.backends.cuda.ptx.indices import elements
from convnet.backends.cuda.ptx.intrinsics import load_values, store_values
from convnet.backends.cuda.ptx.vectorized import width_of
from convnet.backends.cuda.runtime.launch import Array, Launch, bytes_of, launch, over, parts_of

_SHORT = 1024  # columns of a row for which a small team is enough
_LONG = 32 * THREADS  # columns of a row for which one block is enough
_MOST_PARTS = 32
_FEW = min(32, THREADS // 2)  # threads of a small team


def scratch_bytes(dy: Array) -> int:
    """Return the size of the scratch memory that sums of the rows of dy need."""
    return bytes_of(_parts(dy))


def _parts(dy):
    rows, columns = dy.shape
    return ((min(_MOST_PARTS, ceil_div(columns, _LONG)), rows), np.float64)


def sum_rows(dy: Array, db: Array, accumulate: bool, scratch: Array) -> list[Launch]:
    """db[r] (+)= the sum of dy[r, :]."""
    return _launches(None, (dy, dy, dy, dy), db, accumulate, scratch)


def neuron_backward_sums(
    neuron: Neuron,
    x: Array,
    y: Array,
    dy: Array,
    dx: Array,
    db: Array,
    accumulate: bool,
    scratch: Array,
) -> list[Launch]:
    """dx = f'(x) * dy, f the neuron,  db[r] (+)= the sum of dx[r, :].  dx may be dy."""
    return _launches(neuron, (x, y, dy, dx), db, accumulate, scratch)


def _launches(neuron, arrays, db, accumulate, scratch):
    kind, a, b = neuron or Neuron(None, 0.0, 0.0)
    (parts,) = parts_of(scratch, _parts(arrays[0]))
    (rows, columns), count = arrays[0].shape, parts.shape[0]
    team = _FEW if columns <= _SHORT else THREADS
    kernel = _row_sums(kind, team, width_of(columns, *arrays))
    grid = count, min(ceil_div(rows, THREADS // team), 65535)
    numbers = float(a), float(b), rows, columns, count, accumulate
    sums = launch(kernel, grid, *arrays, parts, db, *numbers)
    join = over(_join_parts, rows, parts, db, rows, count, accumulate)
    return [sums, join] if count > 1 else [sums]


@cache
def _row_sums(kind, TEAM, WIDTH):
    """Return the kernel for a kind of neuron, or for None, which leaves dy as it is."""
    ROWS = THREADS // TEAM  # of a block at a time
    HAS_NEURON, derivative = kind is not None, DERIVATIVES.get(kind)

    def row_sums(x, y, dy, dx, parts, db, a, b, rows, columns, count, accumulate):
        v, out = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        d, next_v = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        next_out, next_d = cuda.local.array(WIDTH, float32), cuda.local.array(WIDTH, float32)
        member, step = int32(cuda.threadIdx.x % TEAM), int32(count * TEAM * WIDTH)
        block, blocks = int32(cuda.blockIdx.y * ROWS), int32(cuda.gridDim.y * ROWS)
        for first in range(block, int32(rows), blocks):
            row = int32(first + cuda.threadIdx.x // TEAM)
            end = columns if row < rows else 0
            part = float64(0)
            j = int32((cuda.blockIdx.x * TEAM + member) * WIDTH)
            while j < end:
                i, more = int32(row * columns + j), j + step < end
                load_values(d, dy, i, WIDTH)
                load_values(v, x, i, WIDTH)  # dropped by the compiler where it is not used
                load_values(out, y, i, WIDTH)
                if more:  # twice as many reads in flight
                    load_values(next_d, dy, i + step, WIDTH)
                    load_values(next_v, x, i + step, WIDTH)
                    load_values(next_out, y, i + step, WIDTH)
                for k in range(WIDTH):
                    if HAS_NEURON:
                        d[k] *= derivative(v[k], out[k], a, b)
                    part += float64(d[k])
                if HAS_NEURON:
                    store_values(dx, i, d, WIDTH)
                if more:
                    for k in range(WIDTH):
                        if HAS_NEURON:
                            next_d[k] *= derivative(next_v[k], next_out[k], a, b)
                        part += float64(next_d[k])
                    if HAS_NEURON:
                        store_values(dx, i + step, next_d, WIDTH)
                j = int32(j + 2 * step)
            whole = team_sum(part, TEAM)
            if member == 0 and row < rows:
                if count > 1:
                    parts[cuda.blockIdx.x * rows + row] = whole  # read side by side
                else:
                    db[row] = db[row] + whole if accumulate else whole

    row_sums.__qualname__ = f"row_sums_{f'{kind}_' if kind else ''}{TEAM}_{WIDTH}"
    return kernel(blocks=3)(row_sums)


@kernel
def _join_parts(parts, db, rows, count, accumulate):
    for row in elements(rows):
        whole = float64(db[row]) if accumulate else float64(0)
        for part in range(count):
            whole += parts[part * rows + row]
        db[row] = whole
