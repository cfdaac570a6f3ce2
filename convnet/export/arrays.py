"""`npz` and `safetensors`: the arrays of a network in the layouts of docs/export.md."""

from __future__ import annotations

import io
import json

import numpy as np
from safetensors.numpy import save

from convnet.export.facts import facts, mean_of
from convnet.export.model import Model, filters_first
from convnet.graph.graph import Node
from convnet.layers.weighted import WeightLayer

METADATA = "metadata"
MEAN = "input.mean"


def exported_arrays(model: Model) -> dict[str, np.ndarray]:
    """Return weights and biases, float32, and random connections, int64, by name.

    The names are those of checkpoints; filters come first.  Shared weights have their owner's name.
    With a recorded mean image, it is there too, cropped as the network's input is.
    """
    found: dict[str, np.ndarray] = {}
    for node in model.graph.declared():
        found |= _of_node(model, node)
    if model.input is not None and model.input.mean_image is not None:
        found[MEAN] = mean_of(model.input)
    return found


def npz_bytes(model: Model) -> bytes:
    """Return the arrays as a NumPy archive; `metadata` holds the facts, a text of JSON."""
    file = io.BytesIO()
    arrays = exported_arrays(model) | {METADATA: np.array(json.dumps(facts(model)))}
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def safetensors_bytes(model: Model) -> bytes:
    """Return the arrays as a safetensors file, with the facts as its metadata."""
    data: bytes = save(exported_arrays(model), facts(model))
    return data


def _of_node(model: Model, node: Node) -> dict[str, np.ndarray]:
    layer = node.layer
    if not isinstance(layer, WeightLayer):
        return {}
    found: dict[str, np.ndarray] = {}
    for index in range(len(layer.weights())):
        name = model.weights_name(node, index)
        found[name] = filters_first(model.arrays[name])
    for table in layer.tables().values():
        if table.permuted and table.input is not None:
            name = model.connections_name(node, table.input)
            found[name] = model.connections(node, table.input)
    return found | {model.biases_name(node): model.biases(node)}
