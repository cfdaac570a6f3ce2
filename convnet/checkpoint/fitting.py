"""Copy those layers of a checkpoint that fit another network, for fine-tuning (paper, 6)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from convnet.checkpoint.contents import Checkpoint
from convnet.checkpoint.network_protocol import NetworkState
from convnet.checkpoint.restore import check_connections, saved_tables
from convnet.errors import CheckpointError
from convnet.language import harmless

Dims = tuple[int, ...]
Parts = dict[str, Dims]  # "weights.0", "biases", ... of a layer -> shape

_PARAMETER = re.compile(r"(.+)\.(weights\.\d+|biases|connections\.\d+)")
_LISTED = 6  # layers that a message lists at most


@dataclass(frozen=True)
class Fit:
    """Whether a layer was copied.

    values: how many weights, biases and connections it has in the network, or in the checkpoint
    where the network has no such layer.  left: why it was not copied; "" if it was.
    """

    layer: str
    values: int
    left: str = ""


def take_fitting(network: NetworkState, checkpoint: Checkpoint) -> list[Fit]:
    """Copy the weights and biases of all layers whose arrays match by name and shape.

    A layer is copied completely or not at all.  Velocities, position, rates and seed stay the
    network's own.  Returns the outcome for every layer of the two, the network's first.
    CheckpointError, before anything is changed, if no layer fits.
    """
    mine = _by_layer(_network_shapes(network))
    theirs = _by_layer({name: array.shape for name, array in checkpoint.arrays.items()})
    found = [
        Fit(name, _size(parts.values()), _misfit(parts, theirs.get(name)))
        for name, parts in mine.items()
    ]
    if all(fit.left for fit in found):
        raise CheckpointError(
            f"no layer of the checkpoint fits the network: it has {_shown(theirs)}; the network "
            f"has {_shown(mine)}. Layers fit if name and shapes are the same"
        )
    taken = {fit.layer for fit in found if not fit.left}
    for name, table in saved_tables(network).items():
        if _layer_of(name) in taken:
            check_connections(name, table.spec, checkpoint.arrays[name])
    _write(network, checkpoint, taken)
    rest = [name for name in theirs if name not in mine]
    return found + [
        Fit(n, _size(theirs[n].values()), "the network has no such layer") for n in rest
    ]


def _network_shapes(network: NetworkState) -> dict[str, Dims]:
    shapes = {name: parameter.value.dims for name, parameter in network.parameters.items()}
    return shapes | {name: (table.spec.size,) for name, table in saved_tables(network).items()}


def _by_layer(shapes: Mapping[str, Dims]) -> dict[str, Parts]:
    """Group shapes by layer.  Velocities and the like belong to none."""
    layers: dict[str, Parts] = {}
    for name, shape in shapes.items():
        match = _PARAMETER.fullmatch(name)
        if match:
            layers.setdefault(match[1], {})[match[2]] = shape
    return layers


def _layer_of(name: str) -> str | None:
    match = _PARAMETER.fullmatch(name)
    return match and match[1]


def _misfit(mine: Parts, theirs: Parts | None) -> str:
    """Return why a layer does not fit, or ""."""
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


def _write(network: NetworkState, checkpoint: Checkpoint, layers: set[str]) -> None:
    real = network.engine.real
    for name, parameter in network.parameters.items():
        if _layer_of(name) in layers:
            network.write(parameter, checkpoint.arrays[name].astype(real, copy=False))
    for name, table in saved_tables(network).items():
        if _layer_of(name) in layers:
            network.write_table(table, checkpoint.arrays[name])


def _size(shapes: Iterable[Dims]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes)


def _by(shape: Dims) -> str:
    return "x".join(map(str, shape))


def _shown(layers: Mapping[str, Parts]) -> str:
    shown = [
        f"{harmless(name)} ({_by(next(iter(parts.values())))})"
        for name, parts in list(layers.items())[:_LISTED]
    ]
    return ", ".join(shown) + ", ..." * (len(layers) > _LISTED) if shown else "none with weights"
