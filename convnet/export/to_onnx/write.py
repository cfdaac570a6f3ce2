"""From a model to the bytes of an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convnet.errors import ConvnetError
from convnet.export.facts import facts, mean_of, preprocessing
from convnet.export.model import Model
from convnet.export.to_onnx import elementwise, filters, full, images, neuron, norm, pool
from convnet.export.to_onnx.builder import Builder, Operator, Rule, Value
from convnet.export.walk import PIXELS, Walk, case_dims, data_layer, walk
from convnet.graph.graph import Node

OPSET = 17  # of the versions that have all operators used, an early one: more programs read it
IR_VERSION = 8  # that of the same release
LARGEST = (1 << 31) - (1 << 20)  # bytes: a protocol buffer holds less than 2 GiB
BATCH = "N"

RULES: dict[str, Rule] = {
    "conv": filters.conv,
    "local": filters.local,
    "fc": full.fc,
    "sfc": full.sfc,
    "treefc": full.treefc,
    "pool": pool.pool,
    "cmpool": pool.cmpool,
    "cmrnorm": norm.cmrnorm,
    "rnorm": norm.rnorm,
    "cnorm": norm.cnorm,
    "neuron": neuron.neuron,
    "softmax": neuron.softmax,
    "hs": elementwise.dropout,
    "dropout": elementwise.dropout,
    "dropout2": elementwise.dropout,
    "dropout (key)": elementwise.dropout,
    "eltsum": elementwise.eltsum,
    "eltmax": elementwise.eltmax,
    "sum": elementwise.sum_,
    "concat": elementwise.concat,
    "pass": elementwise.concat,
    "href": images.href,
    "crop": images.crop,
    "nailbed": images.nailbed,
    "blur": images.blur,
    "resize": images.resize,
    "rscale": images.rscale,
    "rgb2yuv": images.rgb2yuv,
    "rgb2lab": images.rgb2lab,
}
"""What writes the nodes of each layer type."""


def onnx_bytes(model: Model, outputs: Sequence[str] = (), preprocess: bool = False) -> bytes:
    """Return a network as an ONNX file.

    outputs: the layers whose values are its outputs; by default those that the costs read.
    preprocess: the graph divides by the scale and subtracts the mean itself.

    Raises ConvnetError for layers without an exact form, if the package onnx is missing, and for a
    network that is too large for one file.
    """
    onnx = _imported()
    steps = walk(model, outputs, RULES, "ONNX")
    builder, ends = _built(model, steps, preprocess)
    size = sum(array.nbytes for array in builder.arrays.values())
    if size > LARGEST:
        raise ConvnetError(
            f"the arrays take {size:,} bytes, more than the {LARGEST:,} of an ONNX file; "
            "--format safetensors or torch has no such limit"
        )
    graph = onnx.helper.make_graph(
        [_node(onnx, operator) for operator in builder.operators],
        "convnet",
        [_info(onnx, matrix.name, matrix.dims) for matrix in steps.matrices],
        [_info(onnx, name, value.dims) for name, value in ends.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in builder.arrays.items()],
    )
    opset = [onnx.helper.make_opsetid("", OPSET)]
    made = onnx.helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    made.producer_name = "convnet"
    onnx.helper.set_model_props(made, facts(model, preprocess))
    onnx.checker.check_model(made)
    data: bytes = made.SerializeToString()
    return data


def _imported() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise ConvnetError(
            "--format onnx needs the package onnx; `pip install onnx` installs it"
        ) from None
    return onnx


# -- the graph -------------------------------------------------------------------------------------


def _built(model: Model, steps: Walk, preprocess: bool) -> tuple[Builder, dict[str, Value]]:
    """The graph's operators, and its outputs by name."""
    builder = Builder(model)
    found = _inputs(builder, steps, preprocess)
    rounded: dict[Node, Value] = {}
    for node in steps.nodes:
        values = [
            _rounded(builder, source, found, rounded)
            if (source, node) in steps.rounded
            else found[source]
            for source in node.inputs
        ]
        layer, since = node.declared_in or node, len(builder.operators)
        builder.scope = layer.name
        value = RULES[node.layer.type_name](builder, node, values)
        value = builder.shaped(value, *case_dims(node.shape))
        if node is model.graph.end_of(layer):
            value = builder.renamed(value, layer.name, since)
        found[node] = value
    return builder, {
        name: _output(builder, name, found[end]) for name, end in steps.outputs.items()
    }


def _output(builder: Builder, name: str, value: Value) -> Value:
    """A value as an output of the graph, under the layer's name."""
    if value.name == name:
        return value
    builder.scope, since = name, len(builder.operators)
    return builder.renamed(builder.elementwise("Identity", value), name, since)


def _inputs(builder: Builder, steps: Walk, preprocess: bool) -> dict[Node, Value]:
    """The values of the data layers: the graph's inputs, preprocessed and sliced."""
    values = {matrix.index: Value(matrix.name, matrix.dims) for matrix in steps.matrices}
    if preprocess:
        pixels = next((m for m in steps.matrices if m.index == PIXELS), None)
        record = preprocessing(builder.model, pixels)
        builder.scope = values[PIXELS].name
        values[PIXELS] = _centered(builder, values[PIXELS], mean_of(record), record.scale)
    found = {}
    for node in steps.data:
        layer, builder.scope = data_layer(node), node.name
        value = values[layer.data_idx]
        if node.shape.size != layer.rows:
            value = builder.sliced(builder.flat(value), 0, layer.start, node.shape.size)
        found[node] = value
    return found


def _centered(builder: Builder, value: Value, mean: np.ndarray, scale: float) -> Value:
    if scale != 1:
        value = builder.elementwise("Div", value, builder.real(scale, "scale"))
    if not mean.ndim:
        return builder.elementwise("Sub", value, builder.real(mean, "mean"))
    return builder.elementwise("Sub", value, builder.real(mean.reshape(1, *value.dims), "mean"))


def _rounded(
    builder: Builder, node: Node, found: dict[Node, Value], rounded: dict[Node, Value]
) -> Value:
    """A value as it arrives on another device, rounded to 16-bit floats."""
    if node not in rounded:
        builder.scope = (node.declared_in or node).name
        half = builder.op("Cast", found[node], dims=found[node].dims, to=_FLOAT16)
        rounded[node] = builder.op("Cast", half, dims=half.dims, to=_FLOAT)
    return rounded[node]


_FLOAT, _FLOAT16 = 1, 10  # onnx.TensorProto.DataType


# -- protocol buffers ------------------------------------------------------------------------------


def _node(onnx: Any, operator: Operator) -> Any:
    return onnx.helper.make_node(
        operator.kind, operator.inputs, [operator.output], operator.name, **operator.attributes
    )


def _info(onnx: Any, name: str, dims: tuple[int, ...]) -> Any:
    return onnx.helper.make_tensor_value_info(name, _FLOAT, [BATCH, *dims])
