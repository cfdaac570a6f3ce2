"""What kernels need beyond Python: wide reads, asynchronous copies, register tiles, tensor cores.

Each operation exists twice: as an intrinsic for the device, and as plain Python for the simulator.
They take arrays and the index of an element.  Shared by all of them is the *warp tile*: 32 threads
hold WARP_ROWS x WARP_COLUMNS numbers of a product, 64 each, in a local array `acc`.  Which 64 is
known to `multiply` and `store_tile` alone:

* fp32: 8 x 8, rows {4y + 0..3, 16 + 4y + 0..3}, columns {4x + 0..3, 32 + 4x + 0..3}, y = lane / 8,
  x = lane % 8, so that 16-byte reads of shared memory meet no bank twice;
* tf32, bf16: the fragments of mma.sync (PTX manual, "Matrix fragments for mma.m16n8k8"), two tiles
  of 16 rows by eight of 8 columns: rows g and g + 8, columns 2t and 2t + 1 of each, g = lane / 4,
  t = lane % 4.

Whole tiles are one intrinsic, since Numba's time to compile grows faster than the statements do.
"""

from .compiling import SIMULATED

WARP_ROWS, WARP_COLUMNS = 32, 64
THREAD_X, BLOCK_X, BLOCK_Y = range(3)  # registers of `read_again`

if SIMULATED:
    from .lowlevel_simulated import (
        clear,
        commit_copies,
        copy_async,
        cospi,
        load_values,
        multiply,
        power,
        read_again,
        sinpi,
        store_tile,
        store_values,
        wait_copies,
    )
else:
    from .lowlevel_device import (
        clear,
        commit_copies,
        copy_async,
        cospi,
        load_values,
        multiply,
        power,
        read_again,
        sinpi,
        store_tile,
        store_values,
        wait_copies,
    )

__all__ = [
    "BLOCK_X",
    "BLOCK_Y",
    "THREAD_X",
    "WARP_COLUMNS",
    "WARP_ROWS",
    "clear",
    "commit_copies",
    "copy_async",
    "cospi",
    "load_values",
    "multiply",
    "power",
    "read_again",
    "sinpi",
    "store_tile",
    "store_values",
    "wait_copies",
]
