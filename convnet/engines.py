"""Which engine runs a network, from what a user asks for: the CPU or GPUs, and their precision."""

from dataclasses import dataclass, fields

from convnet.errors import DeviceError
from convnet.graph.build import Graph

NEEDED_CAPABILITY = 8, 0  # asynchronous copies to shared memory, tf32 and bf16


@dataclass(frozen=True)
class DeviceOptions:
    """device: auto, cuda or cpu.  gpu: physical devices for the spec's, in order, or None.

    graphs: run programs as CUDA graphs.  precision: of products, one of backends.base.PRECISIONS;
    None is fp32.
    """

    device: str = "auto"
    gpu: tuple[int, ...] | None = None
    graphs: bool = True
    precision: str | None = None

    @classmethod
    def of(cls, given: dict) -> "DeviceOptions":
        """From a command's options, which have the same names."""
        return cls(**{field.name: given[field.name] for field in fields(cls)})


def make_engine(options: DeviceOptions, graph: Graph, real="float32"):
    """The engine, a line that says what runs where, and whether CUDA is missing.  DeviceError."""
    needed = graph.device_count
    if options.gpu is not None and len(options.gpu) < needed:
        raise DeviceError(
            f"the spec places layers on devices 0 to {needed - 1}; --gpu names "
            f"{len(options.gpu)} ({','.join(map(str, options.gpu))}). "
            f"Give {needed}, the same one more than once if need be"
        )
    if options.device == "cuda":
        return *_cuda_engine(options, needed), False
    return _cpu_engine(options, needed, real)


def _cpu_engine(options, needed, real):
    if options.precision not in (None, "fp32"):
        raise DeviceError(
            f"products in {options.precision} need the tensor cores of a GPU, with --device cuda; "
            "the CPU computes in float32. Give --precision fp32, also to go on with another run"
        )
    from convnet.backends.cpu.engine import Engine
    from convnet.backends.cuda_probe import missing

    shown = "cpu:0" if needed == 1 else f"cpu:0 to cpu:{needed - 1}, virtual"
    lacks_cuda = options.device == "auto" and missing() != ""
    return Engine(real), f"running on the CPU ({shown})", lacks_cuda


def _cuda_engine(options, needed):
    from convnet.backends.cuda_probe import missing

    if lacking := missing():
        raise DeviceError(f"--device cuda: {lacking}. `convnet devices` tells more")
    from convnet.backends.cuda.engine import Engine

    gpus = options.gpu[:needed] if options.gpu else tuple(range(needed))
    _refuse_unfit(gpus)
    precision = options.precision or "fp32"
    shown = ", ".join(f"{device} on GPU {gpu}" for device, gpu in enumerate(gpus))
    line = f"running with CUDA (device {shown}; products in {precision})"
    return Engine(gpus, precision, options.graphs), line


def _refuse_unfit(gpus):
    """DeviceError for a GPU that is not there, or too old for the kernels."""
    from numba import cuda

    if max(gpus) >= len(cuda.gpus):
        raise DeviceError(
            f"there is no GPU {max(gpus)}: this machine has {len(cuda.gpus)}, numbered from 0. "
            f"--gpu {','.join('0' * len(gpus))} puts all devices of the spec on the first one"
        )
    for gpu in gpus:
        capability = cuda.gpus[gpu].compute_capability[:2]
        if capability < NEEDED_CAPABILITY:
            raise DeviceError(
                f"GPU {gpu} has compute capability {_version(capability)}; the kernels need "
                f"{_version(NEEDED_CAPABILITY)} (A100, RTX 30 or later). Choose another GPU with "
                "--gpu, or --device cpu"
            )


def _version(numbers):
    return ".".join(map(str, numbers))
