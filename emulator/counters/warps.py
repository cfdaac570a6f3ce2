"""What a warp's accesses cost: sectors of global memory, wavefronts of shared memory.

Global memory is read and written in sectors of 32 bytes; a warp's access asks for each sector that
it touches once.  Shared memory has 32 banks of 4 bytes and delivers one word of each bank at a
time, a wavefront; threads that name the same word share it.  Accesses of 8 bytes are made by half a
warp, of 16 bytes by a quarter of a warp (CUDA C++ programming guide, "Shared memory").
"""

import numpy as np

from emulator.machine.types import Array, Bools, Int64s

WARP, SECTOR, BANKS, WORD = 32, 32, 32, 4
_NONE = np.int64(-1)  # stands for threads that are not active: before all addresses


def distinct(keys: Int64s, active: Bools, lanes: int) -> tuple[Int64s, Bools]:
    """Return the keys in rows of `lanes` threads, sorted, and where each different one begins."""
    rows = np.where(active, keys, _NONE).reshape(-1, lanes)
    rows = np.sort(rows, axis=1)
    first = np.ones(rows.shape, bool)
    np.not_equal(rows[:, 1:], rows[:, :-1], out=first[:, 1:])
    first &= rows != _NONE
    return rows, first


def sectors(addresses: Int64s, size: int, active: Bools) -> tuple[Int64s, int]:
    """Return the sectors that warps ask for, one warp after the other, and the bytes they need.

    size: bytes of each thread's access, aligned to it.  The bytes are those that differ within a
    warp.
    """
    rows, first = distinct(addresses // SECTOR, active, WARP)
    _, different = distinct(addresses, active, WARP)
    return rows[first], int(np.count_nonzero(different)) * size


def wavefronts(addresses: Int64s, size: int, active: Bools) -> tuple[int, int]:
    """Return the wavefronts of an access, and the least: one for each part of a warp."""
    words = max(size // WORD, 1)
    lanes = WARP // words
    parts = active.reshape(-1, lanes)
    kept = parts.any(axis=1)
    if not kept.any():
        return 0, 0
    keys = (addresses // WORD).reshape(-1, lanes)[kept]
    keys = (keys[:, :, None] + np.arange(words)).reshape(len(keys), -1)
    inside = np.repeat(parts[kept], words, axis=1)
    rows, first = distinct(keys.reshape(-1), inside.reshape(-1), lanes * words)
    return int(_busiest(rows, first).sum()), len(rows)


def _busiest(rows: Int64s, first: Bools) -> Array:
    """Return for each row how many different words its busiest bank has."""
    place = np.arange(len(rows))[:, None] * BANKS + rows % BANKS
    counts = np.bincount(place[first], minlength=len(rows) * BANKS)
    return np.asarray(counts.reshape(-1, BANKS).max(axis=1))
