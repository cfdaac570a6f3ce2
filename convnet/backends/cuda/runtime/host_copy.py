"""Copies of minibatches to pinned memory, by several threads."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

THREADS = min(4, os.cpu_count() or 1)  # enough for most of a machine's memory bandwidth
VALUES_PER_THREAD = 1 << 20  # at least; with less to do, waking threads takes longer


def copy_rows(target: np.ndarray, values: np.ndarray) -> None:
    """target[:] = values, both (rows, columns); several threads copy large arrays."""
    parts = max(1, min(THREADS, target.size // VALUES_PER_THREAD))
    if parts == 1:
        target[...] = values
        return
    bounds = [len(target) * part // parts for part in range(parts + 1)]
    list(_threads().map(lambda a, b: _copy(target[a:b], values[a:b]), bounds, bounds[1:]))


def _copy(target, values):
    target[...] = values  # NumPy releases the interpreter lock meanwhile


@cache
def _threads():
    return ThreadPoolExecutor(THREADS, thread_name_prefix="pinned")
