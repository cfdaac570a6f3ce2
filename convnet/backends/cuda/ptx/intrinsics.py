"""The intrinsics of kernels: vectorized reads, asynchronous copies, register tiles, tensor cores.

Each exists twice: for the device (`device` and the modules named after it), and in plain Python
for the simulator (`simulated`).  They take arrays and indices of elements.
"""

from convnet.backends.cuda.jit import SIMULATED

THREAD_X, BLOCK_X, BLOCK_Y = range(3)  # registers of `read_again`

if SIMULATED:
    from convnet.backends.cuda.ptx.simulated import (
        add_tile,
        clear,
        commit_copies,
        copy_async,
        cospi,
        epilogue_tile,
        fetch_values,
        load_pair,
        load_values,
        multiply,
        power,
        read_again,
        round_values,
        shared_address,
        sinpi,
        store_tile,
        store_values,
        wait_copies,
    )
else:
    from convnet.backends.cuda.ptx.device import (
        commit_copies,
        copy_async,
        cospi,
        load_pair,
        load_values,
        power,
        read_again,
        shared_address,
        sinpi,
        store_values,
        wait_copies,
    )
    from convnet.backends.cuda.ptx.device_bf16 import fetch_values, round_values
    from convnet.backends.cuda.ptx.device_results import add_tile, epilogue_tile, store_tile
    from convnet.backends.cuda.ptx.device_tiles import clear, multiply

__all__ = [
    "BLOCK_X",
    "BLOCK_Y",
    "THREAD_X",
    "add_tile",
    "clear",
    "commit_copies",
    "copy_async",
    "cospi",
    "epilogue_tile",
    "fetch_values",
    "load_pair",
    "load_values",
    "multiply",
    "power",
    "read_again",
    "round_values",
    "shared_address",
    "sinpi",
    "store_tile",
    "store_values",
    "wait_copies",
]
