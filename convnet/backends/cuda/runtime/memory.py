"""Memory of GPUs: whether a network fits, checked before any is allocated; and its allocation."""

from collections.abc import Sequence
from contextlib import contextmanager

import numpy as np
from numba import cuda
from numba.cuda.cudadrv.driver import CudaAPIError, device_memset

from convnet.backends.cuda.jit import DeviceArray
from convnet.backends.cuda.runtime.double_buffer import SLOTS
from convnet.backends.cuda.runtime.stream_schedule import COMPUTE, Stream
from convnet.backends.cuda.runtime.streams import Streams
from convnet.errors import DeviceError
from convnet.network.memory import Buffer

SPARE = 300 << 20  # bytes for the code of kernels and for the driver


def check_fit(
    buffers: list[Buffer],
    scratch: dict[int, int],
    minibatch: int,
    gpus: Sequence[int],
    free: dict[int, int],
) -> None:
    """Raise DeviceError, with the largest buffers, if a GPU has too little memory.

    scratch: bytes by device of the spec.  gpus: the physical GPU of each device.  free: bytes by
    physical GPU.
    """
    for gpu, available in free.items():
        devices = {device for device, physical in enumerate(gpus) if physical == gpu}
        mine = [buffer for buffer in buffers if buffer.device in devices]
        needed = sum(_bytes(b, minibatch) for b in mine)
        needed += sum(scratch.get(device, 0) for device in devices)
        if needed + SPARE > available:
            raise DeviceError(_message(gpu, needed, available, mine, minibatch))


def allocate(streams: Streams, device: int, size: int) -> DeviceArray | np.ndarray:
    """Return `size` zero bytes on a device, or for device -1 in pinned memory of the host.

    DeviceError if the driver refuses.
    """
    if device < 0:
        with streams.on(0), _refused("the host's pinned memory", size):  # Numba's choice: GPU 0
            memory = cuda.pinned_array(size, np.uint8)
        memory[:] = 0
        return memory
    compute = Stream(device, COMPUTE)
    with streams.on(device), _refused(f"GPU {streams.gpus[device]}", size):
        memory = cuda.device_array(size, np.uint8)
        if size:
            device_memset(memory, 0, size, streams.stream(compute))
    streams.wait_for(compute)
    return memory


@contextmanager
def _refused(place, size):
    """DeviceError where the driver has no memory although it reported enough."""
    try:
        yield
    except CudaAPIError as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
        raise DeviceError(f"{place} has no {size / 1e9:.2f} GB left. Lower --minibatch") from None


def _bytes(buffer, minibatch):
    """The size of a buffer; inputs exist in every slot."""
    return buffer.bytes(minibatch, 4) * (SLOTS if buffer.role == "inputs" else 1)


def _message(gpu, needed, available, buffers, minibatch):
    largest = sorted(buffers, key=lambda b: -_bytes(b, minibatch))[:3]
    shown = ", ".join(f"{b.name} {_bytes(b, minibatch) / 1e6:,.0f} MB" for b in largest)
    return (
        f"GPU {gpu} has {available / 1e9:.2f} GB free, the network needs {needed / 1e9:.2f} GB "
        f"there at {minibatch} cases a minibatch, and {SPARE / 1e9:.1f} GB for its code "
        f"(largest: {shown}). Lower --minibatch, or give the spec's devices GPUs of their own with "
        "--gpu"
    )
