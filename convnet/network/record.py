"""Recording a layer's calls as steps."""

from dataclasses import dataclass

from convnet.errors import DeviceError
from convnet.network.memory import View

BETWEEN_DEVICES = ("transfer.copy", "transfer.copy_half")


@dataclass(frozen=True)
class Step:
    """One call of a backend function.

    operation: "module.function".  phase: load, forward, backward or update.  arguments: views and
    plain values, in order.  device: where it runs; a copy runs on the device it writes to.
    microbatch: the one it works on, None for steps without cases.  number: the pass, from 0.
    """

    operation: str
    layer: str
    phase: str
    device: int
    arguments: tuple
    microbatch: int | None = 0
    number: int = 0

    def views(self) -> list[View]:
        return [argument for argument in self.arguments if isinstance(argument, View)]

    def __str__(self):
        where = "host" if self.device < 0 else f"device {self.device}"
        shown = ", ".join(str(argument) for argument in self.arguments)
        return f"{where:9} {self.phase:9} {self.operation}({shown})"


class Recorder:
    """Stands for a backend while layers make their calls: `ops.pool.forward(x, y, ...)`."""

    def __init__(self):
        self.steps: list[Step] = []
        self.layer, self.phase = "", ""
        self.microbatch, self.number = 0, 0

    def __getattr__(self, module: str):
        if module.startswith("_"):
            raise AttributeError(module)
        return _Module(self, module)

    def record(self, operation: str, arguments: tuple):
        device = _device(operation, self.layer, arguments)
        place = self.microbatch, self.number
        self.steps.append(Step(operation, self.layer, self.phase, device, arguments, *place))


class _Module:
    def __init__(self, recorder, name):
        self._recorder, self._name = recorder, name

    def __getattr__(self, function: str):
        operation = f"{self._name}.{function}"
        return lambda *arguments: self._recorder.record(operation, arguments)


def _device(operation, layer, arguments) -> int:
    views = [argument for argument in arguments if isinstance(argument, View)]
    found = {view.device for view in views}
    if operation not in BETWEEN_DEVICES and len(found) > 1:
        listed = ", ".join(f"{view.buffer.name} on device {view.device}" for view in views)
        raise DeviceError(f"{layer}: {operation} met arrays of different devices: {listed}")
    return views[-1].device
