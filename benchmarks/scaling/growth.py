"""The step of one device among many that do the same: data, model and hybrid parallelism.

Every device has `minibatch` cases of its own, so that a step of N devices trains N times as many
(Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014).  All devices
send as much as they receive, and the messages of a device pass one after the other through its port
(`Link`, shared): one device and one port stand for all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.scaling.from_plan import Link
from benchmarks.scaling.profile import Layer, Profile
from benchmarks.scaling.timeline import Task, Timeline, simulate

REAL_BYTES = 4
ADD_SHARE = 12 / 20  # bytes of an addition to a sum over those of an update


@dataclass
class _Step:
    """Collects the tasks of the device."""

    devices: int
    link: Link
    cases: int
    tasks: list[Task] = field(default_factory=list)

    def work(self, seconds: float, *after: int) -> int:
        self.tasks.append(Task(seconds, after, "device"))
        return len(self.tasks) - 1

    def send(self, size: float, *after: int) -> int:
        """Send so many bytes in all, a part to each other device."""
        others = self.devices - 1
        seconds = others * self.link.latency + size / self.link.bandwidth if others else 0.0
        self.tasks.append(Task(seconds, after, None, ("port",)))
        return len(self.tasks) - 1

    def exchange(self, layers: list[Layer], ends: dict[str, int]) -> None:
        """Sum gradients, update and send the weights; ends: the layers' backward passes."""
        share = (self.devices - 1) / self.devices
        for layer in reversed([each for each in layers if each.weights]):
            size = REAL_BYTES * layer.weights * share
            arrived = self.send(size, ends[layer.name])
            added = ADD_SHARE * layer.update * share
            updated = self.work(added + layer.update / self.devices, arrived)
            self.send(size, updated)


def data_parallel(profile: Profile, devices: int, link: Link) -> Timeline:
    """All layers on each device, for its own cases."""
    step, ends = _Step(devices, link, profile.minibatch), {}
    for layer in profile.layers:
        step.work(layer.forward)
    for layer in reversed(profile.layers):
        ends[layer.name] = step.work(layer.backward)
    step.exchange(profile.layers, ends)
    return simulate(step.tasks)


def model_parallel(profile: Profile, devices: int, link: Link) -> Timeline:
    """A part of the outputs of each layer on each device, for the cases of all devices.

    Before a layer with weights its inputs go to all devices, and behind its backward pass the
    gradients of the inputs come back, to be added up.
    """
    step, cases = _Step(devices, link, profile.minibatch), profile.minibatch
    before: tuple[int, ...] = ()
    for layer in profile.layers:
        if layer.weights and layer is not profile.layers[0]:
            before = (step.send(_to_all(layer.inputs, cases, devices), *before),)
        before = (step.work(layer.forward, *before),)
    for layer in reversed(profile.layers):
        before = (step.work(layer.backward, *before),)
        if layer.weights and layer is not profile.layers[0]:
            before = (step.send(_to_all(layer.inputs, cases, devices), *before),)
    for layer in profile.layers:
        step.work(layer.update / devices)
    return simulate(step.tasks)


def hybrid(profile: Profile, devices: int, link: Link, is_balanced: bool = False) -> Timeline:
    """Convolutions data parallel; full connections model parallel.

    In each of as many passes as devices, one device sends its cases' activities to all others, and
    the full connections, of which each device has a part, work on these cases.

    is_balanced: in each pass all devices send a part of their cases, the last of the paper's three
    schemes, so that all ports are in use.
    """
    step, cases = _Step(devices, link, profile.minibatch), profile.minibatch
    below = [layer for layer in profile.layers if not layer.full]
    above = [layer for layer in profile.layers if layer.full]
    ends: dict[str, int] = {}
    for layer in below:
        last = step.work(layer.forward)
    for _ in range(devices):
        last = _pass(step, above, cases, last, devices if is_balanced else 1)
    for layer in reversed(below):
        ends[layer.name] = last = step.work(layer.backward, last)
    step.exchange(below, ends)
    for layer in above:
        step.work(layer.update / devices)
    return simulate(step.tasks)


def balanced_hybrid(profile: Profile, devices: int, link: Link) -> Timeline:
    """The hybrid whose passes take cases of all devices; convnet's plans have no such passes."""
    return hybrid(profile, devices, link, is_balanced=True)


def _pass(step: _Step, layers: list[Layer], cases: int, last: int, senders: int) -> int:
    """Forward and backward of the full connections for as many cases as a device has.

    senders: devices that the cases are of.
    """
    devices, first = step.devices, layers[0]
    for layer in layers:
        if layer is first:  # from the devices whose cases they are
            last = step.send(_to_all(layer.inputs, cases, devices) / senders, last)
        elif layer.weights:  # each device sends its part of the layer below
            last = step.send(_to_all(layer.inputs, cases, devices) / devices, last)
        last = step.work(layer.forward / devices, last)
    for layer in reversed(layers):
        last = step.work(layer.backward / devices, last)
        if layer is first:
            last = step.send(_to_all(layer.inputs, cases, devices) / senders, last)
        elif layer.weights:
            last = step.send(_to_all(layer.inputs, cases, devices) / devices, last)
    return last


def _to_all(inputs: int, cases: int, devices: int) -> float:
    """Bytes of so many cases' values, to each of the other devices."""
    return float(REAL_BYTES * inputs * cases * (devices - 1))


WAYS: dict[str, Callable[[Profile, int, Link], Timeline]] = {
    "data": data_parallel,
    "model": model_parallel,
    "hybrid": hybrid,
    "balanced hybrid": balanced_hybrid,
}


@dataclass(frozen=True)
class Prediction:
    """A step of so many devices.  speedup: cases a second, over those of one device.  waiting: the
    share of the step in which a device waits."""

    way: str
    devices: int
    seconds: float
    speedup: float
    waiting: float


def predict(profile: Profile, way: str, devices: int, link: Link) -> Prediction:
    """Return the prediction for a way of parallelism."""
    found = WAYS[way](profile, devices, link)
    speedup = devices * profile.seconds / found.seconds
    return Prediction(way, devices, found.seconds, speedup, found.waiting["device"])
