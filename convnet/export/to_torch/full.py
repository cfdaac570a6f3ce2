"""`fc`, `sfc` and `treefc` (docs/dialect.md, 3.2, 3.10 and 3.9)."""

from typing import cast

from convnet.export.matrices import paths
from convnet.export.model import float32
from convnet.export.to_torch.builder import Builder, Value, sum_text
from convnet.graph.graph import Node
from convnet.layers.fc import FullyConnected
from convnet.layers.sfc import SplitFullyConnected
from convnet.layers.treefc import TreeFullyConnected


def fc(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Linear for each input, added up; the first one has the biases."""
    layer = cast(FullyConnected, node.layer)
    terms = []
    for index, value in enumerate(values):
        size, bias = layer.input_sizes[index], ", bias=False" if index else ""
        arrays = {} if index else {"bias": b.model.biases(node)}
        text = f"nn.Linear({size}, {layer.outputs}{bias})"
        terms.append(f"{b.weighted(node, index, text, **arrays)}({b.flat(value).text})")
    return Value(sum_text(terms), (layer.outputs,))


def sfc(b: Builder, node: Node, values: list[Value]) -> Value:
    """A SplitLinear of pieces.py for each input, added up."""
    layer = cast(SplitFullyConnected, node.layer)
    terms = []
    for index, value in enumerate(values):
        text = b.call("SplitLinear", layer.input_sizes[index], layer.outputs, layer.parts)
        terms.append(f"{b.weighted(node, index, text)}({b.flat(value).text})")
    terms.append(b.biases(node, node.shape.size))
    return Value(sum_text(terms), (node.shape.size,))


def treefc(b: Builder, node: Node, values: list[Value]) -> Value:
    """A TreeLinear of pieces.py."""
    layer = cast(TreeFullyConnected, node.layer)
    tree = layer.tree
    text = b.call("TreeLinear", layer.input_size, tree.size, tree.classes)
    arrays = {"bias": b.model.biases(node), "paths": float32(paths(tree))}
    module = b.weighted(node, 0, text, **arrays)
    return Value(f"{module}({b.flat(values[0]).text})", (tree.classes,))
