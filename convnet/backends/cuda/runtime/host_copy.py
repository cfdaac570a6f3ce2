"""Copies within the host's memory: a minibatch goes to pinned memory."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

THREADS = min(4, os.cpu_count() or 1)  # which reach most of what a machine's memory gives
PIECE = 1 << 20  # values; for less than that, waking threads takes longer


def copy_rows(target: np.ndarray, values: np.ndarray) -> None:
    """target[:] = values, (rows, columns), by several threads where it is much."""
    pieces = max(1, min(THREADS, target.size // PIECE))
    if pieces == 1:
        target[...] = values
        return
    cuts = [len(target) * piece // pieces for piece in range(pieces + 1)]
    list(_threads().map(lambda a, b: _copy(target[a:b], values[a:b]), cuts, cuts[1:]))


def _copy(target, values):
    target[...] = values  # NumPy gives other threads way meanwhile


@cache
def _threads():
    return ThreadPoolExecutor(THREADS, thread_name_prefix="pinned")
