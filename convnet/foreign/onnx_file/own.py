"""ONNX files of `convnet export`: arrays as docs/export.md names and arranges them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convnet.display import harmless, quoted
from convnet.errors import DataError
from convnet.export.arrays import MEAN
from convnet.export.to_onnx.filters import not_by_group
from convnet.export.to_onnx.full import not_in_blocks
from convnet.foreign.array_files import ArrayFile
from convnet.foreign.onnx_file.read import PRODUCER, metadata_of, onnx_model
from convnet.foreign.onnx_file.tensors import Damaged, Unread, integers_of, text, values_of
from convnet.graph.graph import Graph
from convnet.layers.local import Local
from convnet.layers.sfc import SplitFullyConnected
from convnet.stored.records import damage

_KINDS = ("weights", "biases", "connections")


def own_file(path: Path | str) -> ArrayFile:
    """Return the arrays of layers and the metadata of an ONNX file of `convnet export`.

    Of any other ONNX file, nothing.  DataError if it is damaged; ConvnetError if the package onnx
    is missing.
    """
    model = onnx_model(path)
    if text(model.producer_name) != PRODUCER:
        return ArrayFile(str(path), {})
    arrays: dict[str, np.ndarray] = {}
    for tensor in model.graph.initializer:
        layer, _, what = text(tensor.name).rpartition("/")
        kind = what.partition(".")[0]
        if kind in _KINDS or what == "mean":
            name = MEAN if what == "mean" else f"{layer}.{what}"
            arrays[name] = _values(path, tensor, kind)
    return ArrayFile(str(path), arrays, metadata_of(model))


def _values(path: Path | str, tensor: Any, kind: str) -> np.ndarray:
    try:
        return (integers_of if kind == "connections" else values_of)(tensor)
    except Damaged as problem:
        name = quoted(text(tensor.name))
        raise DataError(damage(path, harmless(f"{name} {problem}"))) from None
    except Unread as problem:
        raise DataError(f"{harmless(str(path))}: {quoted(text(tensor.name))} {problem}") from None


def as_documented(arrays: Mapping[str, np.ndarray], graph: Graph) -> dict[str, np.ndarray]:
    """Return arrays with those of `local` and `sfc` as docs/export.md arranges them.

    An array that does not have the form of the operators is returned as it is.
    """
    found = dict(arrays)
    for node in graph.declared():
        layer = node.layer
        for index in range(len(layer.weights())):
            name = f"{node.name}.weights.{index}"
            array = arrays.get(name)
            if array is None:
                continue
            if isinstance(layer, Local) and array.ndim == 4:
                size = layer.filter_size[index]
                form = (layer.modules**2, layer.groups[index], layer.seen[index] * size**2)
                if array.shape[:3] == form:
                    found[name] = not_by_group(array, size)
            elif isinstance(layer, SplitFullyConnected) and array.ndim == 3:
                found[name] = not_in_blocks(array)
    return found
