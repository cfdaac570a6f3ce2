"""Memory of GPUs: whether a network fits, said before any is taken; and the taking."""

from contextlib import contextmanager

import numpy as np
from numba import cuda
from numba.cuda.cudadrv.driver import CudaAPIError, device_memset

from convnet.backends.cuda.runtime.double_buffer import SLOTS
from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, Stream
from convnet.backends.cuda.runtime.streams import Queues
from convnet.errors import DeviceError
from convnet.network.memory import Buffer

SPARE = 300 << 20  # bytes that kernels' code and the driver need beside


def refuse_beyond(
    buffers: list[Buffer], scratch: dict[int, int], minibatch: int, gpus, free: dict[int, int]
) -> None:
    """DeviceError with the largest buffers if a GPU has not that much.

    scratch: bytes by device of the spec.  free: bytes by physical GPU.
    """
    for gpu, room in free.items():
        devices = {device for device, physical in enumerate(gpus) if physical == gpu}
        mine = [buffer for buffer in buffers if buffer.device in devices]
        needed = sum(_taken(b, minibatch) for b in mine)
        needed += sum(scratch.get(device, 0) for device in devices)
        if needed + SPARE > room:
            raise DeviceError(_message(gpu, needed, room, mine, minibatch))


def take(queues: Queues, device: int, size: int):
    """Zeroed bytes on a device, or, for -1, of the host's that copies read without staging."""
    if device < 0:
        with queues.on(0), _refused("the host's pinned memory", size):  # Numba's choice: GPU 0
            memory = cuda.pinned_array(size, np.uint8)
        memory[:] = 0
        return memory
    compute = Stream(device, COMPUTE)
    with queues.on(device), _refused(f"GPU {queues.gpus[device]}", size):
        memory = cuda.device_array(size, np.uint8)
        if size:
            device_memset(memory, 0, size, queues.stream(compute))
    queues.finish(compute)
    return memory


@contextmanager
def _refused(place, size):
    """DeviceError where the driver gives no memory, though it seemed to have it."""
    try:
        yield
    except CudaAPIError as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
        raise DeviceError(f"{place} has no {size / 1e9:.2f} GB left. Lower --minibatch") from None


def _taken(buffer, minibatch):
    """Bytes; inputs are there for two minibatches."""
    return buffer.bytes(minibatch, 4) * (SLOTS if buffer.role == "inputs" else 1)


def _message(gpu, needed, room, buffers, minibatch):
    largest = sorted(buffers, key=lambda b: -_taken(b, minibatch))[:3]
    shown = ", ".join(f"{b.name} {_taken(b, minibatch) / 1e6:,.0f} MB" for b in largest)
    return (
        f"GPU {gpu} has {room / 1e9:.2f} GB free, the network needs {needed / 1e9:.2f} GB there at "
        f"{minibatch} cases a minibatch, and {SPARE / 1e9:.1f} GB for its code (largest: {shown}). "
        "Lower --minibatch, or give the spec's devices GPUs of their own with --gpu"
    )
