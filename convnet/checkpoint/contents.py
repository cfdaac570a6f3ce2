"""The contents of a checkpoint, and the position of a run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convnet.checkpoint.network_protocol import NetworkState
from convnet.language import Source
from convnet.stored.input_record import InputRecord

SUFFIX = ".safetensors"
VELOCITY = ".velocity"
GRADIENT = ".gradient"
MOMENTS = (".mean", ".square")
OF_TRAINING = (VELOCITY, GRADIENT, *MOMENTS)  # endings of the arrays that a test does not need


@dataclass(frozen=True)
class Position:
    """How far a run has got.

    epoch, minibatch: of the next minibatch, from 0.  step: minibatches trained.  per_epoch:
    minibatches of an epoch, 0 if not known.
    """

    epoch: int = 0
    minibatch: int = 0
    step: int = 0
    per_epoch: int = 0

    @property
    def epochs(self) -> float:
        """Return the epochs done, with a fraction."""
        return self.epoch + self.minibatch / max(self.per_epoch, 1)

    @property
    def file_name(self) -> str:
        """Return <epochs done>.<minibatches done of the next>.safetensors"""
        return f"{self.epoch}.{self.minibatch}{SUFFIX}"

    def next(self) -> "Position":
        """Return the position after one more minibatch."""
        minibatch = self.minibatch + 1
        ends = minibatch >= self.per_epoch
        epoch, minibatch = (self.epoch + 1, 0) if ends else (self.epoch, minibatch)
        return Position(epoch, minibatch, self.step + 1, self.per_epoch)


@dataclass(frozen=True)
class Checkpoint:
    """The complete state of a run, in memory.

    arrays: float32 or float64 by parameter name; the velocity under <name>.velocity; the running
    means of gradients, where the update keeps them, under <name>.mean and <name>.square; gradient
    sums between two updates under <name>.gradient; random connections as int32.
    layers, params: path and text of the spec files.  dialect: the one they were read in.
    input: how the network's input is made of an image; None in older and imported checkpoints.
    options, history: JSON objects.  number: counts the saves of a run folder.  created: UTC, ISO
    8601.  convnet: the version that wrote it.  provenance: texts by name about weights that come
    with convnet.  path: the file that it was read from, for messages.
    """

    arrays: dict[str, np.ndarray] = field(repr=False)
    layers: Source
    params: Source
    dialect: str
    seed: int = 0
    position: Position = Position()
    options: dict[str, Any] = field(default_factory=dict)
    history: dict[str, Any] = field(default_factory=dict, repr=False)
    data: str = ""
    class_names: tuple[str, ...] = ()
    input: InputRecord | None = field(default=None, repr=False)
    number: int = 0
    created: str = ""
    convnet: str = ""
    provenance: dict[str, str] = field(default_factory=dict)
    path: str = field(default="the checkpoint", compare=False)

    @classmethod
    def of(cls, network: NetworkState, /, *, keep: bool = True, **facts: Any) -> "Checkpoint":
        """Copy a network's weights, velocities, spec files and seed; `facts` are further fields.

        keep: False reads the arrays as ever and drops them, in a process that helps another one.
        """
        graph = network.graph
        params = graph.params_file.source if graph.params_file else Source("", "")
        facts = {"position": Position(step=network.step)} | facts
        sources = graph.layers_file.source, params
        arrays = {name: array for name, array in _arrays(network) if keep}
        return cls(arrays, *sources, graph.dialect.name, network.seed, **facts)


def _arrays(network: NetworkState) -> Iterator[tuple[str, np.ndarray]]:
    for name, parameter in network.parameters.items():
        yield name, network.read(parameter)
        for kind in parameter.state_names:
            yield f"{name}.{kind}", network.read_state(parameter, kind)
    for name, view in network.unfinished(network.step).items():
        yield name, network.engine.read(view, network.cases)
    for name, table in network.tables.items():
        if table.spec.values is None:
            yield name, network.engine.read(table.value, network.cases)
