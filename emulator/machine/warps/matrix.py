"""ldmatrix: 8 x 8 matrices of 16-bit values from shared memory (PTX manual, "ldmatrix")."""

import numpy as np

from emulator.machine.memory.spaces import Space
from emulator.machine.types import Array, Int64s, Mask
from emulator.machine.warps.together import WARP, Warps

ROW = 16  # bytes
_LANE = np.arange(WARP)


def load_matrix(
    warps: Warps,
    shared: Space,
    address: Int64s,
    count: int,
    transposed: bool,
    m: Mask,
    text: str,
) -> list[Array]:
    """Return `count` registers, 1, 2 or 4, for all threads.

    Lane 8 i + r holds the address of row r of matrix i.  Lane t gets of each matrix the two values
    from column 2 (t mod 4) on of row t / 4; transposed: of the transposed matrix.
    """
    active = warps.whole(m, text)
    lane = np.arange(len(active)) % WARP
    rows = active & (lane < 8 * count)
    place = shared.rows(address, ROW, rows, text)
    if warps.watch.observer:
        shared.observe("load", address, ROW, rows)
    whole = np.flatnonzero(active.reshape(-1, WARP).all(1))
    starts = place.reshape(-1, WARP)[whole]
    found: list[Array] = []
    for matrix in range(count):
        rows_of = starts[:, 8 * matrix : 8 * matrix + 8]
        values = shared.data[rows_of[:, :, None] + np.arange(ROW)].view(np.uint16)
        if transposed:
            values = np.ascontiguousarray(values.transpose(0, 2, 1))
        pairs = np.ascontiguousarray(values).view(np.uint32)  # warp, row, pair of columns
        register = np.zeros((len(active) // WARP, WARP), np.uint32)
        register[whole] = pairs[:, _LANE // 4, _LANE % 4]
        found.append(register.reshape(-1))
    return found
