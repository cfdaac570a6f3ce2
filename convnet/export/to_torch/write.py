"""From a model to the text of net.py and the arrays of its weights file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Template
from textwrap import indent

import numpy as np

from convnet.export.facts import mean_of, preprocessing
from convnet.export.model import Model
from convnet.export.to_torch import elementwise, filters, full, images, neuron, norm, pool
from convnet.export.to_torch.builder import Builder, Rule, Value
from convnet.export.to_torch.source import chosen
from convnet.export.walk import PIXELS, Walk, case_dims, data_layer, walk
from convnet.graph.graph import Node

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

FILE = Template('''\
"""A network of convnet as a module of PyTorch, written by `convnet export`.

    from net import load  # if this file is net.py

    net = load()  # with the weights of the .safetensors file beside this one
    $example

Inputs and outputs, for N cases:

$shapes
"""

$imports


${pieces}class Net(nn.Module):
    """The layers and what they compute in a test, where dropout multiplies by a constant.

    A comment gives the name, the type and the output of a layer.
    """

    def __init__(self) -> None:
        super().__init__()
$members

    def forward(self, $parameters) -> $returns:
$lines
        return $outputs


def load(path: str | Path | None = None) -> Net:
    """Return the network with its weights, by default those beside this file."""
    net = Net()
    load_model(net, path or Path(__file__).with_suffix(".safetensors"))
    return net.eval()
''')


def torch_module(
    model: Model, outputs: Sequence[str] = (), preprocess: bool = False
) -> tuple[str, dict[str, np.ndarray]]:
    """Return the text of a file with a `torch.nn.Module`, and the arrays of its state by name.

    outputs: the layers whose values it returns; by default those that the costs read.
    preprocess: forward divides by the scale and subtracts the mean itself.

    Raises ConvnetError for layers without an exact form.
    """
    steps = walk(model, outputs, RULES, "PyTorch")
    builder = Builder(model)
    parameters = {m.index: builder.names.of(m.name) for m in steps.matrices}
    found = _inputs(builder, steps, parameters, preprocess)
    for node in steps.nodes:
        values = [_read(source, node, found, steps) for source in node.inputs]
        found[node] = _written(builder, node, values)
    returned = [found[end].text for end in steps.outputs.values()]
    return _file(builder, steps, returned, preprocess), builder.arrays


# -- the body of forward ---------------------------------------------------------------------------


def _written(b: Builder, node: Node, values: list[Value]) -> Value:
    """Write the lines of a node; a layer's neuron goes on with the layer's variable."""
    layer, dims = node.declared_in or node, case_dims(node.shape)
    b.name = b.names.of(layer.name)
    if layer is node:
        b.lines.append("")
        b.lines.append(f"# {layer.name}: {layer.layer.type_name}, {_shape_text(dims)}")
    value = RULES[node.layer.type_name](b, node, values)
    b.assign(b.name, value.text)
    value = Value(b.name, value.dims)
    shaped = b.shaped(value, *dims)
    b.assign(b.name, shaped.text)
    return Value(b.name, dims)


def _read(source: Node, node: Node, found: dict[Node, Value], steps: Walk) -> Value:
    """A value as a node reads it: as 16-bit floats if it goes to another device like that."""
    value = found[source]
    if (source, node) not in steps.rounded:
        return value
    return Value(f"{value.text}.to(torch.float16).to({value.text})", value.dims)


def _inputs(
    b: Builder, steps: Walk, parameters: Mapping[int, str], preprocess: bool
) -> dict[Node, Value]:
    """The values of the data layers: parameters of forward, preprocessed and sliced."""
    values = {m.index: Value(parameters[m.index], m.dims) for m in steps.matrices}
    if preprocess:
        pixels = next((m for m in steps.matrices if m.index == PIXELS), None)
        record = preprocessing(b.model, pixels)
        b.name = parameters[PIXELS]
        _center(b, values[PIXELS], mean_of(record), record.scale)
    found = {}
    for node in steps.data:
        layer, value = data_layer(node), values[data_layer(node).data_idx]
        if node.shape.size != layer.rows:
            name = b.names.new(f"{node.name}_values")
            rows = f"[:, {layer.start}:{layer.last_row}]"
            b.assign(name, f"{b.flat(value).text}{rows}")
            value = Value(name, (node.shape.size,))
        found[node] = value
    return found


def _center(b: Builder, value: Value, mean: np.ndarray, scale: float) -> None:
    x = value.text
    divided = x if scale == 1 else f"{x} / {scale!r}"
    if mean.ndim:
        b.assign(x, f"{divided} - {b.buffer('mean', mean.reshape(value.dims))}")
    else:
        b.assign(x, f"{divided}{neuron.plus(-float(mean))}")


# -- the file --------------------------------------------------------------------------------------


def _file(b: Builder, steps: Walk, returned: list[str], preprocess: bool) -> str:
    pieces = chosen(b.used)
    lines = "\n".join(b.lines).strip("\n")
    parameters = [b.names.of(matrix.name) for matrix in steps.matrices]
    results = [b.names.of(name) for name in steps.outputs]
    several = len(returned) > 1
    return FILE.substitute(
        example=f"{', '.join(results)} = net({', '.join(parameters)})",
        shapes=indent("\n".join(_shapes(b, steps, preprocess)), " " * 4),
        imports=_imports("\n".join([pieces, lines, *b.members])),
        pieces=f"{pieces}\n\n\n" if pieces else "",
        members=indent("\n".join(b.members), " " * 8),
        parameters=", ".join(f"{name}: Tensor" for name in parameters),
        returns=f"tuple[{', '.join(['Tensor'] * len(returned))}]" if several else "Tensor",
        lines=indent(lines, " " * 8),
        outputs=", ".join(returned),
    )


def _imports(text: str) -> str:
    """The import lines that a text needs."""
    used = {name: re.search(rf"\b{name}\.", text) for name in ("math", "torch", "F")}
    return "\n".join(
        [
            *(["import math"] if used["math"] else []),
            "from pathlib import Path",
            "",
            *(["import torch"] if used["torch"] else []),
            "from safetensors.torch import load_model",
            "from torch import Tensor, nn",
            *(["from torch.nn import functional as F"] if used["F"] else []),
        ]
    )


def _shapes(b: Builder, steps: Walk, preprocess: bool) -> list[str]:
    """A line for each input and output."""
    lines = []
    for matrix in steps.matrices:
        line = f"{b.names.of(matrix.name)}: {_shape_text(matrix.dims)}"
        if matrix.index == PIXELS and b.model.input is not None:
            line += ", as in the data set" if preprocess else ", less the mean, as in training"
        lines.append(line)
    ends = steps.outputs.items()
    return lines + [f"{b.names.of(n)}: {_shape_text(case_dims(end.shape))}" for n, end in ends]


def _shape_text(dims: tuple[int, ...]) -> str:
    return f"(N, {', '.join(map(str, dims))})"
