"""Gaussian blur.

The filter is a product of two, so each row of the output is first summed over rows, into scratch
memory of the thread that works on it, then over columns.
"""

import numpy as np
from numba import prange

from convnet.backends.base import implements
from convnet.backends.cpu.jit import inlined, parallel
from convnet.backends.cpu.kernels.rows import fill
from convnet.backends.cpu.scratch import carve_for_threads, thread_count, total_bytes
from convnet.compiling.replay import repeatable
from convnet.operations.blur import blur as declared
from convnet.operations.blur import gaussian_taps


def _parts(threads, x):
    return [((threads, x.shape[2], x.shape[3]), x.dtype)]


def _size(x, *_others):
    return total_bytes(_parts(thread_count(), x))


@repeatable
@implements(declared, scratch=_size)
def blur(x, y, size, stdev, accumulate, *, scratch):
    (rows,) = carve_for_threads(scratch, _parts, x)
    _blur_kernel(x, y, gaussian_taps(size, stdev).astype(x.dtype), rows, accumulate)


@inlined
def _add_scaled(x, factor, y):
    for n in range(y.size):
        y[n] += factor * x[n]


@parallel
def _blur_kernel(x, y, w, scratch, accumulate):
    channels, height, width, _cases = x.shape
    reach, workers, jobs = w.size // 2, scratch.shape[0], channels * height
    for worker in prange(workers):
        t = np.int64(worker)
        row = scratch[t]
        for job in range(t * jobs // workers, (t + 1) * jobs // workers):
            c, i = job // height, job % height
            for j in range(width):
                fill(row[j], 0)
                for a in range(max(0, i - reach), min(height, i + reach + 1)):
                    _add_scaled(x[c, a, j], w[a - i + reach], row[j])
            for j in range(width):
                out = y[c, i, j]
                if not accumulate:
                    fill(out, 0)
                for b in range(max(0, j - reach), min(width, j + reach + 1)):
                    _add_scaled(row[b], w[b - j + reach], out)
