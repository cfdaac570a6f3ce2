"""Bring the values of a checkpoint into a network."""

import re

import numpy as np

from convnet.checkpoint.contents import GRADIENT, OF_TRAINING, VELOCITY, Checkpoint
from convnet.checkpoint.network_protocol import NetworkState, Parameter, Table, TableSpec
from convnet.errors import CheckpointError

_LISTED = 6  # parameters that a message lists at most


def restore(network: NetworkState, checkpoint: Checkpoint) -> list[str]:
    """Set the network's weights, biases, velocities, connections, seed and step.

    Returns lines about velocities without a counterpart, which a layer has that was frozen or
    unfrozen in between.  CheckpointError, before anything is changed, if the parameters differ in
    name or shape.
    """
    _check(network, checkpoint)
    arrays, notes = checkpoint.arrays, []
    for name, parameter in network.parameters.items():
        network.write(parameter, arrays[name])
        notes += _velocity_notes(parameter, name + VELOCITY in arrays)
        for kind in parameter.state_names:
            network.write_state(parameter, kind, arrays.get(f"{name}.{kind}", 0))
    notes += _restore_sums(network, checkpoint)
    for name, table in saved_tables(network).items():
        network.write_table(table, arrays[name])
    network.seed, network.step = checkpoint.seed, checkpoint.position.step
    return notes


def _restore_sums(network: NetworkState, checkpoint: Checkpoint) -> list[str]:
    """Set the sums of gradients between two updates; return a line about those that are dropped.

    Sums of replicas that this network does not have go to the first one, so that none is lost.
    """
    saved = {n: array for n, array in checkpoint.arrays.items() if n.endswith(GRADIENT)}
    places = network.unfinished(checkpoint.position.step)
    sums = {name: np.zeros(view.dims, network.engine.real) for name, view in places.items()}
    dropped = False
    for name, array in saved.items():
        place = name if name in sums else _array_of(name) + GRADIENT
        if place in sums:
            sums[place] = sums[place] + array
        else:
            dropped = True
    for name, view in places.items():
        network.engine.write(view, network.cases, sums[name])
    if dropped and not places:
        return ["the sums of gradients since the last update are dropped: updates come otherwise"]
    return []


def _check(network: NetworkState, checkpoint: Checkpoint) -> None:
    """Raise CheckpointError unless all arrays fit the network."""
    _check_names(network, checkpoint)
    arrays = checkpoint.arrays
    for name, dims in _shapes(network, checkpoint).items():
        if name in arrays:
            _check_array(network, name, dims, arrays[name])
    for name, table in saved_tables(network).items():
        check_connections(name, table.spec, arrays[name])


def _shapes(network: NetworkState, checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Return the shapes of arrays that a checkpoint may have, by name, but for tables."""
    found = {n: view.dims for n, view in network.unfinished(checkpoint.position.step).items()}
    for name, parameter in network.parameters.items():
        further = {VELOCITY, *(f".{kind}" for kind in parameter.state_names)}
        names = [name, *(name + ending for ending in further)]
        found |= dict.fromkeys(names, parameter.value.dims)
    for name in checkpoint.arrays:
        of = network.parameters.get(_array_of(name))
        if name.endswith(GRADIENT) and of is not None:  # of a replica that is not here
            found[name] = of.value.dims
    return found


def _velocity_notes(parameter: Parameter, saved: bool) -> list[str]:
    """Return a line where only one of the network and the checkpoint has a velocity."""
    if parameter.state_names and not saved:
        return [f"{parameter.name} had been frozen: its velocity starts from 0"]
    if saved and not parameter.state_names:
        return [f"{parameter.name} is frozen now: its velocity is dropped"]
    return []


def _check_names(network: NetworkState, checkpoint: Checkpoint) -> None:
    found = {_array_of(name) for name in checkpoint.arrays if not name.endswith(GRADIENT)}
    wanted = {*network.parameters, *saved_tables(network)}
    for names, what in ((wanted - found, "lacks"), (found - wanted, "has, and the network lacks,")):
        if names:
            listed = ", ".join(sorted(names)[:_LISTED]) + ", ..." * (len(names) > _LISTED)
            raise CheckpointError(
                f"the checkpoint belongs to another network ({checkpoint.layers.path}): "
                f"it {what} {listed}"
            )
    for name in wanted - set(checkpoint.arrays):
        raise CheckpointError(f"the checkpoint has a velocity of {name}, but not {name} itself")


def _array_of(name: str) -> str:
    """Return the name of the parameter that an array belongs to; or the name itself."""
    whole = next((name.removesuffix(s) for s in OF_TRAINING if name.endswith(s)), name)
    return re.sub(r":\d+(?=\.)", "", whole)  # of a replica: of its layer


def saved_tables(network: NetworkState) -> dict[str, Table]:
    """Return the tables that a checkpoint stores, by name: those drawn at random."""
    return {name: table for name, table in network.tables.items() if table.spec.values is None}


def check_connections(name: str, spec: TableSpec, array: np.ndarray) -> None:
    """Raise CheckpointError unless each run of `spec.permuted` numbers is a permutation."""
    good = array.dtype == np.int32 and array.shape == (spec.size,)
    every = np.arange(spec.permuted)
    if not good or (np.sort(array.reshape(-1, spec.permuted), axis=1) != every).any():
        raise CheckpointError(
            f"{name} in the checkpoint does not fit {spec.size} connections to {spec.permuted} "
            "channels: it belongs to another network"
        )


def _check_array(
    network: NetworkState, name: str, shape: tuple[int, ...], array: np.ndarray
) -> None:
    if array.shape != shape:
        sizes = ["x".join(map(str, sides)) for sides in (array.shape, shape)]
        raise CheckpointError(
            f"{name} is {sizes[0]} in the checkpoint, {sizes[1]} in the network: "
            "it belongs to another network"
        )
    if not np.can_cast(array.dtype, network.engine.real):
        raise CheckpointError(
            f"{name} is of type {array.dtype} in the checkpoint, the network of "
            f"{network.engine.real}"
        )
