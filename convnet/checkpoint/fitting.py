"""Taking the layers of a checkpoint that fit into another network, for fine-tuning (paper, 6)."""

import re
from dataclasses import dataclass

import numpy as np

from convnet.checkpoint.contents import Checkpoint
from convnet.checkpoint.restore import check_connections, saved_tables
from convnet.errors import CheckpointError
from convnet.language import harmless

_PARAMETER = re.compile(r"(.+)\.(weights\.\d+|biases|connections\.\d+)")
_LISTED = 6  # layers that a message lists at most


@dataclass(frozen=True)
class Fit:
    """What became of a layer.

    values: weights, biases and connections of it in the network, or in the checkpoint where the
    network has no such layer.  left: why it was not taken; "" if it was.
    """

    layer: str
    values: int
    left: str = ""


def take_fitting(network, checkpoint: Checkpoint) -> list[Fit]:
    """Set the weights and biases of all layers whose arrays are, by name and shape, the same.

    A layer is taken whole or not at all.  Velocities, position, rates and seed stay the network's
    own.  Tells of every layer of the two what became of it, the network's first.  CheckpointError,
    before anything is changed, if no layer fits.
    """
    mine, theirs = _arrays_of(_network_arrays(network)), _arrays_of(checkpoint.arrays)
    found = [_fit(name, arrays, theirs.get(name)) for name, arrays in mine.items()]
    if all(fit.left for fit in found):
        raise CheckpointError(
            f"no layer of the checkpoint fits the network: it has {_told(theirs)}; the network has "
            f"{_told(mine)}. Layers fit if name and shapes are the same"
        )
    taken = [fit.layer for fit in found if not fit.left]
    for name, table in saved_tables(network).items():
        if _PARAMETER.fullmatch(name)[1] in taken:
            check_connections(name, table.spec, checkpoint.arrays[name])
    _write(network, checkpoint, taken)
    rest = [name for name in theirs if name not in mine]
    return found + [
        Fit(n, _size(theirs[n].values()), "the network has no such layer") for n in rest
    ]


def _network_arrays(network) -> dict[str, tuple[int, ...]]:
    """Shapes by name."""
    shapes = {name: parameter.value.dims for name, parameter in network.parameters.items()}
    return shapes | {name: (table.spec.size,) for name, table in saved_tables(network).items()}


def _arrays_of(named) -> dict[str, dict[str, tuple[int, ...]]]:
    """layer -> "weights.0", "biases", ... -> shape.  Velocities and the like are none."""
    layers: dict[str, dict] = {}
    for name, value in named.items():
        match = _PARAMETER.fullmatch(name)
        if match:
            layers.setdefault(match[1], {})[match[2]] = tuple(getattr(value, "shape", value))
    return layers


def _fit(name, mine, theirs) -> Fit:
    return Fit(name, _size(mine.values()), _misfit(mine, theirs))


def _misfit(mine, theirs) -> str:
    if theirs is None:
        return "the checkpoint has no such layer"
    for part in [*mine, *theirs]:
        if part not in theirs:
            return f"the checkpoint has no {part} of it"
        if part not in mine:
            return f"the checkpoint has {part} of it too"
        if mine[part] != theirs[part]:
            return f"{part} is {_by(theirs[part])} in the checkpoint, {_by(mine[part])} here"
    return ""


def _write(network, checkpoint, layers):
    real = network.engine.real
    for name, parameter in network.parameters.items():
        if _PARAMETER.fullmatch(name)[1] in layers:
            network.write(parameter, checkpoint.arrays[name].astype(real, copy=False))
    for name, table in saved_tables(network).items():
        if _PARAMETER.fullmatch(name)[1] in layers:
            network.write_table(table, checkpoint.arrays[name])


def _size(shapes):
    return sum(int(np.prod(shape)) for shape in shapes)


def _by(shape):
    return "x".join(map(str, shape))


def _told(layers):
    shown = [
        f"{harmless(name)} ({_by(next(iter(arrays.values())))})"
        for name, arrays in list(layers.items())[:_LISTED]
    ]
    return ", ".join(shown) + ", ..." * (len(layers) > _LISTED) if shown else "none with weights"
