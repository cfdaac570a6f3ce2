"""Convert the matrices of an old model to the parameters of a network."""

from typing import Any, cast

import numpy as np

from convnet.graph.graph import Graph, Node
from convnet.initial.orientation import biases_shape, from_matrix, weights_shape
from convnet.layers.base import Table, Weight
from convnet.layers.weighted import WeightLayer
from convnet.originals.model import OldModel


def arrays_of(model: OldModel, graph: Graph) -> dict[str, np.ndarray]:
    """Return weights, biases, velocities and connections under the names a checkpoint uses.

    CheckpointError if the model lacks a matrix, or if one has another shape than its keys state.
    """
    found: dict[str, np.ndarray] = {}
    for node in graph.declared():
        if node.layer.weights():
            found |= _weights(model, node) | _biases(model, node) | _tables(model, node)
    return found


def _weights(model: OldModel, node: Node) -> dict[str, np.ndarray]:
    layer, stored, found = cast(WeightLayer, node.layer), model.layers[node.name], {}
    for index, spec in enumerate(layer.weights()):
        if node.owns(index):
            name, shape = f"{node.name}.weights.{index}", weights_shape(spec.shape)
            matrix = _matrix(model, stored, "weights", index, shape)
            found[name] = from_matrix(matrix, spec.shape)
            if layer.weights_learn(index):
                matrix = _matrix(model, stored, "weightsInc", index, shape)
                found[f"{name}.velocity"] = from_matrix(matrix, spec.shape)
    return found


def _biases(model: OldModel, node: Node) -> dict[str, np.ndarray]:
    layer, stored = cast(WeightLayer, node.layer), model.layers[node.name]
    spec: Weight | None = layer.biases()
    if spec is None:
        return {}
    name, shape = f"{node.name}.biases", biases_shape(spec.size, layer.weights()[0].shape)
    found = {name: _matrix(model, stored, "biases", None, shape).reshape(-1)}
    if layer.biases_learn():
        velocity = _matrix(model, stored, "biasesInc", None, shape)
        found[f"{name}.velocity"] = velocity.reshape(-1)
    return found


def _tables(model: OldModel, node: Node) -> dict[str, np.ndarray]:
    return {
        f"{node.name}.{key}": _connections(model, model.layers[node.name], table)
        for key, table in node.layer.tables().items()
        if table.values is None and table.input is not None and node.owns(table.input)
    }


def _matrix(
    model: OldModel, stored: dict[str, Any], key: str, index: int | None, shape: tuple[int, int]
) -> np.ndarray:
    """Return float32, C-ordered, of `shape`; 0 for a velocity that an old version did not store."""
    value: Any = stored.get(key)
    where = f"{key} of {stored['name']}"
    if value is None and key.endswith("Inc"):
        return np.zeros(shape, np.float32)
    if index is not None:
        listed: Any = value if type(value) in (list, tuple) else [value]
        if index >= len(listed):
            raise model.wrong(f"has no {where} for input {index}")
        value = listed[index]
    if type(value) is not np.ndarray or value.dtype.kind != "f":
        raise model.wrong(f"{where} are not an array of numbers")
    if value.shape != shape:
        sizes = ["x".join(map(str, sides)) for sides in (value.shape, shape)]
        raise model.wrong(f"{where} are {sizes[0]}, where {sizes[1]} are needed")
    return np.array(value, np.float32, order="C")


def _connections(model: OldModel, stored: dict[str, Any], table: Table) -> np.ndarray:
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
            f"filterConns of {stored['name']} are not permutations of {table.permuted} channels"
        )
    return found
