"""`fc`, `sfc` and `treefc` (docs/dialect.md, 3.2, 3.10 and 3.9)."""

from functools import partial
from typing import cast

import numpy as np

from convnet.export.matrices import paths
from convnet.export.to_onnx.builder import Builder, Value
from convnet.graph.graph import Node
from convnet.layers.fc import FullyConnected
from convnet.layers.sfc import SplitFullyConnected
from convnet.layers.treefc import TreeFullyConnected


def fc(b: Builder, node: Node, values: list[Value]) -> Value:
    """A Gemm for the first input, which adds the biases, and a product for each other."""
    layer = cast(FullyConnected, node.layer)
    dims = (layer.outputs,)
    arrays = b.weights(node, 0), b.biases(node)
    total = b.op("Gemm", b.flat(values[0]), *arrays, dims=dims, transB=1)
    for index, value in enumerate(values[1:], 1):
        product = b.op("Gemm", b.flat(value), b.weights(node, index), dims=dims, transB=1)
        total = b.elementwise("Add", total, product)
    return total


def sfc(b: Builder, node: Node, values: list[Value]) -> Value:
    """Products of the slices of each input with their blocks of weights."""
    layer = cast(SplitFullyConnected, node.layer)
    parts, outputs = layer.parts, layer.outputs
    form = partial(in_blocks, parts=parts)
    products = []
    for index, value in enumerate(values):
        slices = layer.input_sizes[index] // parts
        split = b.shaped(b.flat(value), parts, slices)
        by_part = b.transposed(split, (1, 0, 2), (slices,))  # (parts, cases, slices)
        product = b.op("MatMul", by_part, b.weights(node, index, form), dims=(outputs,))
        products.append(b.transposed(product, (1, 0, 2), (parts, outputs)))
    return b.elementwise("Add", b.flat(b.total(products)), b.biases(node))


def in_blocks(array: np.ndarray, parts: int) -> np.ndarray:
    """Return weights (outputs, values) of `sfc` as (parts, values of a slice, outputs)."""
    return array.reshape(len(array), parts, -1).transpose(1, 2, 0)


def not_in_blocks(array: np.ndarray) -> np.ndarray:
    """Return what `in_blocks` was given."""
    return array.transpose(2, 0, 1).reshape(array.shape[2], -1)


def treefc(b: Builder, node: Node, values: list[Value]) -> Value:
    """The products of all labels, then their sums along the paths of the tree."""
    layer = cast(TreeFullyConnected, node.layer)
    tree = layer.tree
    labels = b.op("Gemm", b.flat(values[0]), b.weights(node, 0), dims=(tree.size,), transB=1)
    arrays = b.real(paths(tree), "paths"), b.biases(node)
    return b.op("Gemm", labels, *arrays, dims=(tree.classes,), transB=1)
