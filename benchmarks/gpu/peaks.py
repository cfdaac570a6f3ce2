"""Measured peaks of the GPU: how fast it copies memory and multiplies large matrices."""

import time
from collections.abc import Callable

import torch

from benchmarks.gpu.settings import Settings
from benchmarks.gpu.theirs import set_precision, wait
from benchmarks.gpu.timing import Candidate, interleaved

COPIED = 1 << 28  # float32 numbers: 1 GiB, far beyond the cache
SIDE = 8192


def measured(
    settings: Settings, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Return the bandwidth in bytes a second, and by precision the operations a second.

    Bytes that are read and bytes that are written both count.
    """
    device = settings.torch_device
    copied, side = (1 << 16, 64) if settings.rehearsal else (COPIED, SIDE)
    found = {"bandwidth": 8 * copied / _copy_seconds(copied, device, settings, clock)}
    for precision in settings.precisions:
        set_precision(precision)
        kind = torch.bfloat16 if precision == "bf16" else torch.float32
        x, y = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
        out = torch.empty(side, side, device=device, dtype=kind)
        seconds = _seconds(lambda: torch.mm(x, y, out=out), device, settings, clock)  # noqa: B023
        found[precision] = 2 * side**3 / seconds
    return found


def _copy_seconds(count, device, settings, clock):
    a, b = (torch.rand(count, device=device) for _ in range(2))
    return _seconds(lambda: b.copy_(a), device, settings, clock)


def _seconds(call, device, settings, clock):
    one = Candidate("", call, lambda: wait(device))
    return interleaved([one], settings.rounds, clock=clock)[""]["least"] / 1e3


def shown(peaks: dict[str, float]) -> dict[str, float]:
    """Return the peaks in GB/s and TFLOP/s, for the table."""
    units = {"bandwidth": ("GB/s", 1e9)}
    found = {}
    for name, value in peaks.items():
        unit, size = units.get(name, ("TFLOP/s", 1e12))
        found[f"{name} {unit}"] = round(value / size, 1)
    return found
