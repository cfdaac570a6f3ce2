"""Documented rates of a GPU, what fits on it, and the least time that counts allow: a prediction.

H200: memory 4.8 TB/s, 989 and 494 TFLOP/s of dense products in bf16 and tf32, 67 TFLOP/s in float32
(NVIDIA H200 Tensor Core GPU datasheet; it states twice as much for products, with sparsity).  132
multiprocessors, each with four schedulers, 64 warps, 65,536 registers and 228 KB of shared memory,
1 KB of them taken by each block (NVIDIA H100 Tensor Core GPU Architecture whitepaper; CUDA C++
programming guide, "Compute capabilities").  Its clock is not documented; 1.83 GHz is what the rate
of products in bf16 means for 2,048 multiply-adds a multiprocessor and cycle, which the whitepaper
states.  Shared memory delivers a wavefront of 128 bytes a cycle.

The rate of mma.sync is not documented.  Measurements put it near 0.62 of the rate of products,
which only wgmma reaches (Luo et al., "Benchmarking and Dissecting the Nvidia Hopper GPU
Architecture via Microbenchmarking", 2024).  The rate of the L2 cache is not documented either.
"""

from dataclasses import dataclass

from emulator.counters.counts import Counts

_REGISTER_UNIT = 256  # a warp's registers are allocated in multiples of these
_RESERVED = 1024  # bytes of shared memory that a block takes beside its own


@dataclass(frozen=True)
class Gpu:
    """Rates are a second, of the whole GPU: bytes; multiply-adds of float32, by kind of product."""

    name: str
    multiprocessors: int
    clock: float
    memory: float
    fp32: float
    products: dict[str, float]
    mma_sync: float
    schedulers: int = 4
    warps: int = 64
    blocks: int = 32
    registers: int = 65536
    shared_bytes: int = 228 * 1024


H200 = Gpu(
    name="H200",
    multiprocessors=132,
    clock=1.83e9,
    memory=4.8e12,
    fp32=67e12 / 2,
    products={"tf32": 494.7e12 / 2, "bf16": 989.4e12 / 2},
    mma_sync=0.62,
)


def blocks_at_once(gpu: Gpu, threads: int, registers: int, shared: int) -> int:
    """Return how many blocks fit on a multiprocessor.  registers: of a thread; shared: bytes."""
    warps = -(-threads // 32)
    a_warp = -(-registers * 32 // _REGISTER_UNIT) * _REGISTER_UNIT
    return min(
        gpu.blocks,
        gpu.warps // warps,
        gpu.registers // max(a_warp * warps, 1),
        gpu.shared_bytes // (shared + _RESERVED),
    )


def seconds(gpu: Gpu, counts: Counts, kind: str) -> dict[str, float]:
    """Return the least time that each resource allows.

    kind: of the matrix products, a key of gpu.products.  Blocks are not divided: the multiprocessor
    that gets most of them decides.
    """
    busiest = -(-counts.blocks // gpu.multiprocessors) / counts.sampled  # over what was counted
    cycle = 1 / gpu.clock
    share = 1 / gpu.multiprocessors
    found = {
        "memory": counts.touched / gpu.memory,
        "shared": busiest * counts.wavefronts * cycle,
        "issue": busiest * counts.executed / gpu.schedulers * cycle,
        "fp32": busiest * 32 * counts.instructions["fp32"] / (gpu.fp32 * share),
    }
    if counts.multiply_adds:
        rate = gpu.products[kind] * gpu.mma_sync * share
        found["mma"] = busiest * counts.multiply_adds / rate
    return found
