"""Times and sizes of the layers of a network on one device, in a file: what predictions scale."""

from pathlib import Path

import msgspec
import numpy as np

from benchmarks.scaling.from_plan import measured_steps
from convnet.network.network import Network


class Layer(msgspec.Struct, frozen=True):
    """A layer on one device, for the cases of the profile.

    forward, backward, update: seconds.  weights: values.  inputs: values a case that it reads of
    layers below.  full: whether it is fully connected, or behind such a layer.
    """

    name: str
    forward: float
    backward: float
    update: float
    weights: int
    inputs: int
    full: bool


class Profile(msgspec.Struct, frozen=True):
    """The layers of a network in order, and what was measured on what.

    minibatch: cases that the times are for.
    """

    network: str
    minibatch: int
    processor: str
    layers: list[Layer]

    @property
    def seconds(self) -> float:
        """The time of a step."""
        return sum(each.forward + each.backward + each.update for each in self.layers)


def read_profile(path: Path) -> Profile:
    """Return a stored profile."""
    return msgspec.json.decode(path.read_bytes(), type=Profile)


def measure(network: Network, name: str, processor: str, repeats: int = 3) -> Profile:
    """Return the profile of a network on one device, run on random data."""
    rng = np.random.default_rng(0)
    graph, cases = network.graph, network.minibatch
    shape = graph.node("data").shape
    classes = graph.node("probs").shape.size
    labels = rng.integers(0, classes, (1, cases)).astype(np.float32)
    network.load({0: rng.standard_normal((shape.size, cases), np.float32), 1: labels})
    network.set_rates(0)
    network.run("train")
    seconds = measured_steps(network, repeats=repeats)
    times: dict[tuple[str, str], float] = {}
    for step, time in zip(network.plan.programs["train"], seconds, strict=True):
        node = next(unit.node for unit in network.plan.units if unit.name == step.layer)
        key = (node.declared_in or node).name, step.phase
        times[key] = times.get(key, 0.0) + time
    layers, full = [], False
    for node in graph.declared():
        if node.is_data:
            continue
        full = full or node.layer.type_name == "fc"
        arrays = [*node.layer.weights(), *filter(None, [node.layer.biases()])]
        spent = [times.get((node.name, phase), 0.0) for phase in ("forward", "backward", "update")]
        below = sum(shape.size for shape in node.layer.input_shapes)
        weights = sum(array.size for array in arrays)
        layers.append(Layer(node.name, *spent, weights, below, full))
    return Profile(name, cases, processor, layers)
