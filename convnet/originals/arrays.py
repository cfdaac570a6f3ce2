"""The matrices of an old model as the parameters of a network of ours."""

import numpy as np

from convnet.graph.graph import Graph
from convnet.initial.orientation import biases_shape, from_matrix, weights_shape
from convnet.originals.model import OldModel


def arrays_of(model: OldModel, graph: Graph) -> dict[str, np.ndarray]:
    """Weights, biases, velocities and connections under the names of a checkpoint of ours.

    CheckpointError where the model lacks a matrix, or has it in another shape than its keys say.
    """
    found = {}
    for node in graph.declared():
        if node.layer.weights():
            found |= _of_layer(model, node)
    return found


def _of_layer(model, node):
    layer, stored, found = node.layer, model.layers[node.name], {}
    specs = layer.weights()
    for index, spec in enumerate(specs):
        if node.owns(index):
            name, shape = f"{node.name}.weights.{index}", weights_shape(spec.shape)
            kinds = ("weights", "weightsInc")[: 1 + layer.weights_learn(index)]
            for kind, key in zip(kinds, (name, f"{name}.velocity"), strict=False):
                matrix = _matrix(model, stored, kind, index, shape)
                found[key] = from_matrix(matrix, spec.shape)
    shape = biases_shape(layer.biases().size, specs[0].shape)
    kinds = ("biases", "biasesInc")[: 1 + layer.biases_learn()]
    keys = f"{node.name}.biases", f"{node.name}.biases.velocity"
    for kind, key in zip(kinds, keys, strict=False):
        found[key] = _matrix(model, stored, kind, None, shape).reshape(-1)
    for key, table in layer.tables().items():
        if table.values is None and node.owns(table.input):
            found[f"{node.name}.{key}"] = _connections(model, stored, table)
    return found


def _matrix(model, stored, key, index, shape) -> np.ndarray:
    """float32, C-ordered, of `shape`; the velocity is 0 where an old version did not store it."""
    value = stored.get(key)
    where = f"{key} of {stored['name']}"
    if value is None and key.endswith("Inc"):
        return np.zeros(shape, np.float32)
    if index is not None:
        listed = value if type(value) in (list, tuple) else [value]
        if index >= len(listed):
            raise model.wrong(f"has no {where} for input {index}")
        value = listed[index]
    if type(value) is not np.ndarray or value.dtype.kind != "f":
        raise model.wrong(f"{where} are no array of numbers")
    if value.shape != shape:
        sizes = ["x".join(map(str, sides)) for sides in (value.shape, shape)]
        raise model.wrong(f"{where} are {sizes[0]}, where {sizes[1]} are needed")
    return np.array(value, np.float32, order="C")


def _connections(model, stored, table) -> np.ndarray:
    try:
        conns = stored["filterConns"]
        flat = not isinstance(conns[0], list | tuple | np.ndarray)  # early versions: one input
        found = np.array(conns if flat else conns[table.input], np.int32).ravel()
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        found = np.empty(0, np.int32)
    every = np.arange(table.permuted)
    good = found.size == table.size
    if not good or (np.sort(found.reshape(-1, table.permuted), axis=1) != every).any():
        raise model.wrong(
            f"filterConns of {stored['name']} are no permutations of {table.permuted} channels"
        )
    return found
