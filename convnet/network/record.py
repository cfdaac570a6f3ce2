"""Record the calls of operations that layers make, as steps."""

from dataclasses import dataclass
from typing import Any

from convnet.errors import DeviceError
from convnet.network.memory import View
from convnet.operations import transfer
from convnet.operations.declaration import Operation

BETWEEN_DEVICES = (transfer.copy.name, transfer.copy_half.name)


@dataclass(frozen=True)
class Step:
    """One call of an operation.

    operation: its name, "module.function".  phase: load, forward, backward or update.  arguments:
    views and plain values, in order.  device: where it runs; a copy runs on the device it writes
    to.  microbatch: the one it works on, None for steps without cases.  number: the pass, from 0.
    """

    operation: str
    layer: str
    phase: str
    device: int
    arguments: tuple[Any, ...]
    microbatch: int | None = 0
    number: int = 0

    def views(self) -> list[View]:
        return [argument for argument in self.arguments if isinstance(argument, View)]

    def __str__(self) -> str:
        where = "host" if self.device < 0 else f"device {self.device}"
        shown = ", ".join(str(argument) for argument in self.arguments)
        return f"{where:9} {self.phase:9} {self.operation}({shown})"


class Recorder:
    """Keeps the calls of operations that layers make, as steps.

    layer, phase, microbatch, number: those of the steps that come next.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.layer, self.phase = "", ""
        self.microbatch: int | None = 0
        self.number = 0

    def record(self, operation: Operation[Any], arguments: tuple[object, ...]) -> None:
        """Add a step.  DeviceError if its arrays lie on several devices and it is not a copy."""
        device = _device(operation.name, self.layer, arguments)
        place = self.microbatch, self.number
        self.steps.append(Step(operation.name, self.layer, self.phase, device, arguments, *place))


def _device(operation: str, layer: str, arguments: tuple[object, ...]) -> int:
    views = [argument for argument in arguments if isinstance(argument, View)]
    found = {view.device for view in views}
    if operation not in BETWEEN_DEVICES and len(found) > 1:
        listed = ", ".join(f"{view.buffer.name} on device {view.device}" for view in views)
        raise DeviceError(f"{layer}: {operation} met arrays of different devices: {listed}")
    return views[-1].device
