"""Bringing a checkpoint's values into a network."""

import re

import numpy as np

from convnet.checkpoint.contents import GRADIENT, MOMENTS, VELOCITY, Checkpoint
from convnet.errors import CheckpointError

_NAMED = 6  # parameters that a message names at most


def restore(network, checkpoint: Checkpoint) -> list[str]:
    """Set the network's weights, biases, velocities, connections, seed and step.

    Returns lines about velocities that do not correspond, which happens where a layer has been
    frozen or freed since.  CheckpointError, before anything is changed, if the parameters are not
    the same ones in the same shapes.
    """
    _check_names(network, checkpoint)
    for name, parameter in network.parameters.items():
        _check_array(network, name, parameter, checkpoint.arrays[name])
        if name + VELOCITY in checkpoint.arrays:
            velocity = checkpoint.arrays[name + VELOCITY]
            _check_array(network, name + VELOCITY, parameter, velocity)
        for moment in parameter.moments:
            if f"{name}.{moment}" in checkpoint.arrays:
                array = checkpoint.arrays[f"{name}.{moment}"]
                _check_array(network, f"{name}.{moment}", parameter, array)
    for name, table in saved_tables(network).items():
        check_connections(name, table.spec, checkpoint.arrays[name])
    notes = []
    for name, parameter in network.parameters.items():
        network.write(parameter, checkpoint.arrays[name])
        notes += _restore_velocity(network, parameter, checkpoint.arrays.get(name + VELOCITY))
        for moment, view in parameter.moments.items():
            network.engine.write(view, network.cases, checkpoint.arrays.get(f"{name}.{moment}", 0))
    for name, view in network.unfinished(checkpoint.position.step).items():
        network.engine.write(view, network.cases, checkpoint.arrays.get(name, 0))
    for name, table in saved_tables(network).items():
        network.write_table(table, checkpoint.arrays[name])
    network.seed, network.step = checkpoint.seed, checkpoint.position.step
    return notes


def _restore_velocity(network, parameter, velocity):
    if parameter.velocity is not None:
        network.engine.write(parameter.velocity, network.cases, 0 if velocity is None else velocity)
        if velocity is None:
            return [f"{parameter.name} had been frozen: its velocity starts from 0"]
    elif velocity is not None:
        return [f"{parameter.name} is frozen now: its velocity is dropped"]
    return []


def _check_names(network, checkpoint):
    found = {_array_of(name) for name in checkpoint.arrays}
    wanted = {*network.parameters, *saved_tables(network)}
    for names, what in ((wanted - found, "lacks"), (found - wanted, "has, and the network lacks,")):
        if names:
            listed = ", ".join(sorted(names)[:_NAMED]) + ", ..." * (len(names) > _NAMED)
            raise CheckpointError(
                f"the checkpoint belongs to another network ({checkpoint.layers.path}): "
                f"it {what} {listed}"
            )
    for name in wanted - set(checkpoint.arrays):
        raise CheckpointError(f"the checkpoint has a velocity of {name}, but not {name} itself")


def _array_of(name: str) -> str:
    """The parameter that an array belongs to; or the name itself."""
    suffixes = (VELOCITY, GRADIENT, *MOMENTS)
    whole = next((name.removesuffix(s) for s in suffixes if name.endswith(s)), name)
    return re.sub(r":\d+(?=\.)", "", whole)  # of a replica: of its layer


def saved_tables(network):
    return {name: table for name, table in network.tables.items() if table.spec.values is None}


def check_connections(name, spec, array):
    """Each run of as many numbers as there are channels must be a permutation of them."""
    good = array.dtype == np.int32 and array.shape == (spec.size,)
    every = np.arange(spec.permuted)
    if not good or (np.sort(array.reshape(-1, spec.permuted), axis=1) != every).any():
        raise CheckpointError(
            f"{name} in the checkpoint does not fit {spec.size} connections to {spec.permuted} "
            "channels: it belongs to another network"
        )


def _check_array(network, name, parameter, array):
    shape = parameter.value.dims
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
