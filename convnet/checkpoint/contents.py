"""What a checkpoint holds, and where a run stands."""

from dataclasses import dataclass, field

import numpy as np

from convnet.language import Source

SUFFIX = ".safetensors"
VELOCITY = ".velocity"
GRADIENT = ".gradient"
MOMENTS = (".mean", ".square")


@dataclass(frozen=True)
class Position:
    """Where a run stands.  epoch, minibatch: of the next minibatch, from 0; step: minibatches
    trained; per_epoch: minibatches of an epoch, 0 if not known."""

    epoch: int = 0
    minibatch: int = 0
    step: int = 0
    per_epoch: int = 0

    @property
    def epochs(self) -> float:
        """Epochs done, as a fraction."""
        return self.epoch + self.minibatch / max(self.per_epoch, 1)

    @property
    def file_name(self) -> str:
        """<epochs done>.<minibatches done of the next>.safetensors"""
        return f"{self.epoch}.{self.minibatch}{SUFFIX}"

    def next(self) -> "Position":
        minibatch = self.minibatch + 1
        ends = minibatch >= self.per_epoch
        epoch, minibatch = (self.epoch + 1, 0) if ends else (self.epoch, minibatch)
        return Position(epoch, minibatch, self.step + 1, self.per_epoch)


@dataclass(frozen=True)
class Checkpoint:
    """All of a run, in memory.

    arrays: parameter name, or that + ".velocity" -> float32 or float64 array; the running means of
    gradients, where the update keeps them, as + ".mean" and ".square"; tables of random connections
    -> int32 array.  layers, params: path
    and text of the spec files.  dialect: the one they were read in.  options, history: as JSON
    objects.  number: counts the saves of a run folder.  created: UTC, ISO 8601.
    """

    arrays: dict[str, np.ndarray] = field(repr=False)
    layers: Source
    params: Source
    dialect: str
    seed: int = 0
    position: Position = Position()
    options: dict = field(default_factory=dict)
    history: dict = field(default_factory=dict, repr=False)
    data: str = ""
    class_names: tuple[str, ...] = ()
    number: int = 0
    created: str = ""
    convnet: str = ""

    @classmethod
    def of(cls, network, **facts) -> "Checkpoint":
        """The network's weights, velocities, spec files and seed; `facts` are further fields."""
        graph = network.graph
        params = graph.params_file.source if graph.params_file else Source("", "")
        facts = {"position": Position(step=network.step)} | facts
        sources = graph.layers_file.source, params
        return cls(_arrays(network), *sources, graph.dialect.name, network.seed, **facts)


def _arrays(network):
    arrays = {}
    for name, parameter in network.parameters.items():
        arrays[name] = network.read(parameter)
        if parameter.velocity is not None:
            arrays[name + VELOCITY] = network.engine.read(parameter.velocity, network.cases)
        for moment, view in parameter.moments.items():
            arrays[f"{name}.{moment}"] = network.engine.read(view, network.cases)
    for name, view in network.unfinished(network.step).items():
        arrays[name] = network.engine.read(view, network.cases)
    for name, table in network.tables.items():
        if table.spec.values is None:
            arrays[name] = network.engine.read(table.value, network.cases)
    return arrays
