"""Chooses the engine that runs a network: the CPU or GPUs, and their precision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from convnet.backends.base import PRECISIONS
from convnet.distributed.engine import DistributedEngine
from convnet.distributed.group import Group, Ranks
from convnet.distributed.placement import Placement
from convnet.errors import DeviceError
from convnet.graph.build import Graph

if TYPE_CHECKING:
    from convnet.backends.cpu.engine import Engine as CpuEngine
    from convnet.backends.cuda.engine import Engine as CudaEngine

DEVICES = ("auto", "cuda", "cpu")
NEEDED_CAPABILITY = 8, 0  # asynchronous copies to shared memory, tf32 and bf16


@dataclass(frozen=True)
class DeviceOptions:
    """Where a network runs.

    Parameters:
        device: "cuda" for GPUs; "cpu" or "auto" for the CPU, with virtual devices.
        gpu: physical GPUs for the network's devices 0, 1, ..., in order; by default GPUs 0, 1, ...
        graphs: On GPUs, replay programs as CUDA graphs.
        precision: On GPUs, how products round their factors: "fp32", "tf32" or "bf16" (sums are
            float32).  None means "fp32".
        ranks: Of several processes, those of the network's devices 0, 1, ..., in order; by default
            device d is at process d modulo their number.
    """

    device: str = "auto"
    gpu: tuple[int, ...] | None = None
    graphs: bool = True
    precision: str | None = None
    ranks: tuple[int, ...] | None = None


class ChosenEngine(NamedTuple):
    """An engine, and what to print about it.

    line: what runs where.  lacks_cuda: the CPU was chosen by default, on a machine without CUDA.
    """

    engine: CpuEngine | CudaEngine
    line: str
    lacks_cuda: bool


class Chosen(NamedTuple):
    """As `ChosenEngine`, for one of several processes too."""

    engine: CpuEngine | CudaEngine | DistributedEngine
    line: str
    lacks_cuda: bool


def make_engine(
    options: DeviceOptions, graph: Graph, real: npt.DTypeLike = "float32"
) -> ChosenEngine:
    """Return the engine that runs a graph in this process.

    Parameters:
        options: Where to run it.
        graph: The network; its layers name the devices that it needs.
        real: float32 or float64, the type of all real numbers.  GPUs have float32 only.

    Raises:
        DeviceError: If a device is missing, unsuitable, or cannot compute as asked.
    """
    _refuse_unknown(options)
    _refuse_ranks(options)
    needed = graph.device_count
    if options.gpu is not None and len(options.gpu) < needed:
        raise DeviceError(
            f"the spec places layers on devices 0 to {needed - 1}; --gpu names "
            f"{len(options.gpu)} ({','.join(map(str, options.gpu))}). "
            f"Give {needed}, the same one more than once if need be"
        )
    if options.device == "cuda":
        _refuse_real(real)
        return ChosenEngine(*_cuda_engine(options, needed), False)
    return _cpu_engine(options, needed, real)


def make_engine_of(
    group: Group, options: DeviceOptions, graph: Graph, real: npt.DTypeLike = "float32"
) -> Chosen:
    """Return the engine with which a process of a group runs its part of a graph.

    The arguments, and DeviceError, are those of `make_engine`, which it is for one process.
    """
    if not isinstance(group, Ranks):
        return Chosen(*make_engine(options, graph, real))
    placement = Placement.of(graph.device_count, group.size, options.ranks)
    options = replace(options, ranks=None)
    mine = placement.devices_of(group.rank)
    if options.gpu is not None and len(options.gpu) >= len(placement.ranks):
        # The GPUs of other processes may not exist on this machine.
        own = options.gpu[mine[0]]
        gpus = (options.gpu[d] if d in mine else own for d in range(len(placement.ranks)))
        options = replace(options, gpu=tuple(gpus))
    chosen = make_engine(options, graph, real)
    engine = DistributedEngine(chosen.engine, group.transport, placement, group.waiting)
    where = ", ".join(f"{d} at rank {rank}" for d, rank in enumerate(placement.ranks))
    return Chosen(engine, f"{chosen.line}; device {where}", chosen.lacks_cuda)


def _refuse_unknown(options: DeviceOptions) -> None:
    if options.device not in DEVICES:
        raise DeviceError(f"the device is one of {', '.join(DEVICES)}, found {options.device!r}")
    if options.precision not in (None, *PRECISIONS):
        known = ", ".join(PRECISIONS)
        raise DeviceError(f"the precision is one of {known}, found {options.precision!r}")


def _refuse_ranks(options: DeviceOptions) -> None:
    if options.ranks is not None and max(options.ranks, default=0) > 0:
        raise DeviceError(
            "--ranks says which of several processes has which device, and here is only one: start "
            f"`mpiexec -n {max(options.ranks) + 1} convnet ...` (train, test or predict), or leave "
            "it out"
        )


def _refuse_real(real: npt.DTypeLike) -> None:
    if np.dtype(real) != np.float32:
        raise DeviceError(
            f"GPUs compute in float32, not in {np.dtype(real)}; choose float32 or the device cpu"
        )


def _cpu_engine(options: DeviceOptions, needed: int, real: npt.DTypeLike) -> ChosenEngine:
    if options.precision not in (None, "fp32"):
        raise DeviceError(
            f"products in {options.precision} need the tensor cores of a GPU, with --device cuda; "
            "the CPU computes in float32. Give --precision fp32, also to resume a run on the CPU"
        )
    from convnet.backends.cpu.engine import Engine
    from convnet.backends.cuda_probe import missing

    shown = "cpu:0" if needed == 1 else f"cpu:0 to cpu:{needed - 1}, virtual"
    lacks_cuda = options.device == "auto" and missing() != ""
    return ChosenEngine(Engine(np.dtype(real)), f"running on the CPU ({shown})", lacks_cuda)


def _cuda_engine(options: DeviceOptions, needed: int) -> tuple[CudaEngine, str]:
    from convnet.backends.cuda_probe import missing

    if lacking := missing():
        raise DeviceError(f"--device cuda: {lacking}. `convnet devices` prints more")
    from convnet.backends.cuda.engine import Engine

    gpus = options.gpu[:needed] if options.gpu else tuple(range(needed))
    _refuse_unfit(gpus)
    precision = options.precision or "fp32"
    shown = ", ".join(f"{device} on GPU {gpu}" for device, gpu in enumerate(gpus))
    line = f"running with CUDA (device {shown}; products in {precision})"
    return Engine(gpus, precision, options.graphs), line


def _refuse_unfit(gpus: tuple[int, ...]) -> None:
    """Raise DeviceError if a GPU does not exist, or is too old for the kernels."""
    from numba import cuda

    if max(gpus) >= len(cuda.gpus):
        raise DeviceError(
            f"there is no GPU {max(gpus)}: this machine has {len(cuda.gpus)}, numbered from 0. "
            f"--gpu {','.join('0' * len(gpus))} maps all devices of the spec to the first one"
        )
    for gpu in gpus:
        capability = cuda.gpus[gpu].compute_capability[:2]
        if capability < NEEDED_CAPABILITY:
            raise DeviceError(
                f"GPU {gpu} has compute capability {_version(capability)}; the kernels need "
                f"{_version(NEEDED_CAPABILITY)} (A100, RTX 30 or later). Choose another GPU with "
                "--gpu, or --device cpu"
            )


def _version(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
