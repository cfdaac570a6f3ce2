"""Whether a network fits into the memory of the GPUs, said before any is taken."""

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
        needed = sum(b.bytes(minibatch, 4) for b in mine)
        needed += sum(scratch.get(device, 0) for device in devices)
        if needed + SPARE > room:
            raise DeviceError(_message(gpu, needed, room, mine, minibatch))


def _message(gpu, needed, room, buffers, minibatch):
    largest = sorted(buffers, key=lambda b: -b.bytes(minibatch, 4))[:3]
    shown = ", ".join(f"{b.name} {b.bytes(minibatch, 4) / 1e6:,.0f} MB" for b in largest)
    return (
        f"GPU {gpu} has {room / 1e9:.2f} GB free, the network needs {needed / 1e9:.2f} GB there at "
        f"{minibatch} cases a minibatch, and {SPARE / 1e9:.1f} GB for its code (largest: {shown}). "
        "Lower --minibatch, or give the spec's devices GPUs of their own with --gpu"
    )
