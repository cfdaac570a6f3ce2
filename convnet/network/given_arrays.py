"""Checks of the arrays that a user gives a network: one for each data matrix, cases first."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from convnet.errors import DataError
from convnet.graph.graph import Graph, Node
from convnet.layers.cost import Cost
from convnet.layers.data import Data

Matrices = dict[int, np.ndarray]


def checked_matrices(
    graph: Graph,
    given: Sequence[npt.ArrayLike],
    largest: int,
    real: np.dtype,
    needs_all: bool = True,
) -> Matrices:
    """Return (values, cases) arrays by dataIdx, as `Network.load` takes them.

    given: matrix 0, 1, ..., (cases, ...) each.  largest: most cases.  real: the network's type.
    needs_all: False fills matrices at the end that are left out, such as labels, with zeros.
    DataError, with the shapes that were found and expected, unless all fit.
    """
    layers = _data_layers(graph)
    _check_count(layers, len(given), needs_all)
    arrays = [_matrix(index, value) for index, value in enumerate(given)]
    cases = _cases(arrays, largest)
    for index, array in enumerate(arrays):
        if index in layers:
            _check_shape(layers[index], index, array)
            _check_values(index, array, real)
            _check_labels(graph, index, array)
    found = {index: array.reshape(cases, -1).T for index, array in enumerate(arrays)}
    missing = {i: np.zeros((_data(n).rows, cases)) for i, n in layers.items() if i not in found}
    return found | missing


def _data_layers(graph: Graph) -> dict[int, Node]:
    """A data layer for each matrix that the network reads, in order of dataIdx."""
    found: dict[int, Node] = {}
    for node in graph.nodes:
        if isinstance(node.layer, Data):
            known = found.get(node.layer.data_idx)
            if known is None or node.shape.height > known.shape.height:  # it knows the image
                found[node.layer.data_idx] = node
    return dict(sorted(found.items()))


def _data(node: Node) -> Data:
    assert isinstance(node.layer, Data)  # noqa: S101 -- for mypy
    return node.layer


def _check_count(layers: dict[int, Node], given: int, needs_all: bool) -> None:
    wanted = max(layers, default=-1) + 1
    first = min(layers, default=-1) + 1
    if given > wanted or given < (wanted if needs_all else first):
        read = ", ".join(f"{index} ({node.name})" for index, node in layers.items())
        raise DataError(
            f"found {given} matri{'x' if given == 1 else 'ces'}; the network reads matrices "
            f"{read}: give {wanted}, in the order of dataIdx"
        )


def checked_array(name: str, value: npt.ArrayLike) -> np.ndarray:
    """Return a value as an array of real numbers or integers.  DataError if it is none."""
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise DataError(f"{name} is not an array: {problem}") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} holds numbers, found an array of type {array.dtype}")
    return array


def _matrix(index: int, value: npt.ArrayLike) -> np.ndarray:
    array = checked_array(f"matrix {index}", value)
    if not array.ndim:
        raise DataError(f"matrix {index} has the cases in its first dimension, found a number")
    return array


def _cases(arrays: Sequence[np.ndarray], largest: int) -> int:
    counts = [len(array) for array in arrays]
    if len(set(counts)) > 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise DataError(f"the matrices must have equally many cases, found the shapes {shapes}")
    cases = counts[0] if counts else 0
    if not 1 <= cases <= largest:
        shape = arrays[0].shape if arrays else ()
        raise DataError(
            f"a minibatch has 1 to {largest} cases here, found {cases} (an array of shape "
            f"{shape}); the option minibatch sets the most"
        )
    return cases


def _check_shape(node: Node, index: int, array: np.ndarray) -> None:
    rows, shape = _data(node).rows, tuple(node.shape)
    values = int(np.prod(array.shape[1:]))
    is_image = node.shape.size == rows and node.shape.height * node.shape.width > 1
    good = values == rows
    if is_image and array.ndim > 2:  # (cases, rows, columns) for images of one channel
        good = array.shape[1:] in (shape, shape[1:] if shape[0] == 1 else shape)
    elif array.ndim == 4:
        good = good and array.shape[2] == array.shape[3]  # images are square: not channels last
    if not good:
        expected = f"(cases, {', '.join(map(str, shape))}) or " if is_image else ""
        plain = f"(cases, {rows})" if rows > 1 else "(cases,)"
        raise DataError(
            f"matrix {index}, which {node.name} reads, has the shape {expected}{plain}, found an "
            f"array of shape {array.shape}"
        )


def _check_values(index: int, array: np.ndarray, real: np.dtype) -> None:
    if array.dtype.kind != "f":
        return
    low, high = array.min(), array.max()  # NaN if any value is
    most = np.finfo(real).max
    if not (low >= -most and high <= most):
        wrong = np.flatnonzero(~(np.abs(array.reshape(len(array), -1)) <= most).all(axis=1))
        raise DataError(
            f"matrix {index} holds values that are not finite numbers of {real}, first in case "
            f"{wrong[0]} ({len(wrong)} of {len(array)} cases; shape {array.shape})"
        )


def _check_labels(graph: Graph, index: int, array: np.ndarray) -> None:
    """Refuse labels that name no class of a cost that reads them."""
    for node in graph.nodes:
        classes = node.layer.classes if isinstance(node.layer, Cost) else None
        source = node.inputs[0].layer if node.inputs else None
        if classes is None or not isinstance(source, Data) or source.data_idx != index:
            continue
        labels = array.reshape(len(array), -1)[:, source.start]
        wrong = np.flatnonzero((labels < 0) | (labels >= classes) | (labels != np.floor(labels)))
        if len(wrong):
            raise DataError(
                f"matrix {index} has the label {labels[wrong[0]]} in case {wrong[0]}; the labels "
                f"that {node.name} reads are integers from 0 to {classes - 1}"
            )
