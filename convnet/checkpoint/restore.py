"""Bringing a checkpoint's values into a network."""

import numpy as np

from convnet.checkpoint.contents import VELOCITY, Checkpoint
from convnet.errors import CheckpointError

_NAMED = 6  # parameters that a message names at most


def restore(network, checkpoint: Checkpoint) -> list[str]:
    """Set the network's weights, biases, velocities, seed and step to those of the checkpoint.

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
    notes = []
    for name, parameter in network.parameters.items():
        network.write(parameter, checkpoint.arrays[name])
        notes += _restore_velocity(network, parameter, checkpoint.arrays.get(name + VELOCITY))
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
    found = {name.removesuffix(VELOCITY) for name in checkpoint.arrays}
    wanted = set(network.parameters)
    for names, what in ((wanted - found, "lacks"), (found - wanted, "has, and the network lacks,")):
        if names:
            listed = ", ".join(sorted(names)[:_NAMED]) + ", ..." * (len(names) > _NAMED)
            raise CheckpointError(
                f"the checkpoint belongs to another network ({checkpoint.layers.path}): "
                f"it {what} {listed}"
            )
    for name in wanted - set(checkpoint.arrays):
        raise CheckpointError(f"the checkpoint has a velocity of {name}, but not {name} itself")


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
