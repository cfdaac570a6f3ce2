"""Conv, Gemm and MatMul with constant weights as layers."""

from __future__ import annotations

import re

import numpy as np

from convnet.foreign.contents import ForeignLayer
from convnet.foreign.onnx_file.graph import Graph, Operator

_OWN = re.compile(r"(.+)/(?:Conv|Gemm|MatMul)(?:\.(\d+))?")  # names of `convnet export`
_OWN_WEIGHTS = re.compile(r"/weights(?:\.\d+)?$")
# features.0.weight, conv1_w_0, fc6/kernel:0
_OF_WEIGHTS = re.compile(r"(.+?)[./_](?:weights?|kernel|w)(?:[._:]\d+)?", re.IGNORECASE)
_OF_OPERATOR = re.compile(r"/?(.+?)(?:/(?:Conv2D|Conv|Gemm|MatMul))?")
_UNNAMED = re.compile(r"(?:Conv|Gemm|MatMul)_?\d*|")  # names that old exporters count up
FURTHER = "the weights of a further input; `convnet import` without --map takes all of them"


def layers_of(graph: Graph, operators: list[Operator], is_own: bool) -> list[ForeignLayer]:
    """Return the layers in the order of their operators.

    is_own: the file was written by `convnet export`.  Notes in the graph why constants are not
    taken.  Damaged for a tensor whose data do not have its shape.
    """
    found: dict[str, ForeignLayer] = {}
    adders = _adders(graph, operators)
    for operator in operators:
        if operator.kind not in _RULES:
            for name in operator.inputs:
                graph.refuse(name, f"an input of {operator.kind}")
            continue
        name, problem = _own_name(graph, operator) if is_own else (_name(graph, operator), "")
        layer = _layer(graph, operator, adders, _unique(name, operator, found), problem)
        if layer is not None:
            found[layer.name] = layer
    return list(found.values())


def _layer(
    graph: Graph, operator: Operator, adders: dict[str, Operator], name: str, problem: str
) -> ForeignLayer | None:
    """A layer, with the biases of the Add behind its operator; None if it cannot be taken."""
    problem = problem or _RULES[operator.kind](graph, operator)
    if not problem and len(operator.inputs) > 2 and operator.inputs[2]:
        problem = _no_biases(graph, operator, operator.inputs[2])
    if problem:
        for each in operator.inputs:
            graph.refuse(each, problem)
        return None
    weights = graph.take(operator.inputs[1])
    if operator.kind == "Conv":
        groups, last = operator.integer("group", 1), False
    else:
        groups, last = 1, operator.inputs[0] in graph.channels_last
        weights = _scaled(weights, operator, "alpha")
        weights = weights if operator.integer("transB", 0) else weights.T
    return ForeignLayer(name, weights, _biases(graph, operator, adders), groups, last)


# -- weights ---------------------------------------------------------------------------------------


def _no_conv(graph: Graph, operator: Operator) -> str:
    """Why a Conv is no layer here; "" if it is."""
    shape = graph.shape(operator.inputs[1]) if len(operator.inputs) > 1 else None
    if shape is None:
        return f"read by {operator.shown()}, whose weights are not constant"
    if len(shape) != 4:
        return f"the weights of a convolution over {max(0, len(shape) - 2)} axes, not of images"
    groups = operator.integer("group", 1)
    if groups < 1 or shape[0] % groups:
        return f"{shape[0]} filters in {groups} groups"
    if any(each != 1 for each in operator.integers("dilations")):
        return "the weights of a dilated convolution"
    return "" if all(shape) else "holds no values"


def _no_product(graph: Graph, operator: Operator) -> str:
    """Why a Gemm or MatMul is no layer here; "" if it is."""
    shape = graph.shape(operator.inputs[1]) if len(operator.inputs) > 1 else None
    if shape is None:
        return f"read by {operator.shown()}, whose weights are not constant"
    if operator.inputs[0] in graph.constants or operator.integer("transA", 0):
        return f"read by {operator.shown()}, whose factors are in another order than a layer's"
    if len(shape) != 2:
        return f"has {len(shape)} dimensions; the weights of a full connection have 2"
    if _is_scaled(operator, "alpha") and _is_used(graph, operator.inputs[1]):
        return "scaled by several operators"
    return "" if all(shape) else "holds no values"


_RULES = {"Conv": _no_conv, "Gemm": _no_product, "MatMul": _no_product}


def _outputs(graph: Graph, operator: Operator) -> int:
    shape = graph.shape(operator.inputs[1]) or (0, 0)
    by_rows = operator.kind == "Conv" or operator.integer("transB", 0)
    return shape[0 if by_rows else 1]


def _is_scaled(operator: Operator, factor: str) -> bool:
    return operator.kind == "Gemm" and operator.number_of(factor, 1.0) != 1


def _is_used(graph: Graph, name: str) -> bool:
    return graph.constants[name].name in graph.used


def _scaled(array: np.ndarray, operator: Operator, factor: str) -> np.ndarray:
    """An array times a factor of a Gemm.  A copy is made once: see _is_used."""
    if not _is_scaled(operator, factor):
        return array
    with np.errstate(all="ignore"):
        return array * np.float32(operator.number_of(factor, 1.0))


# -- biases ----------------------------------------------------------------------------------------


def _no_biases(graph: Graph, operator: Operator, name: str) -> str:
    """Why a third input is no vector of biases; "" if it is."""
    shape, outputs = graph.shape(name), _outputs(graph, operator)
    if shape is None:
        return f"read by {operator.shown()}, whose biases are not constant"
    if _is_scaled(operator, "beta") and _is_used(graph, name):
        return "scaled by several operators"
    good = shape == (outputs,) or (operator.kind == "Gemm" and shape == (1, outputs))
    return "" if good else f"read by {operator.shown()}, whose biases are not one for each output"


def _biases(graph: Graph, operator: Operator, adders: dict[str, Operator]) -> np.ndarray | None:
    if len(operator.inputs) > 2 and operator.inputs[2]:
        return _scaled(graph.take(operator.inputs[2]).reshape(-1), operator, "beta")
    adder = adders.get(operator.outputs[0]) if len(operator.outputs) == 1 else None
    if adder is None:
        return None
    outputs = _outputs(graph, operator)
    per_output = (outputs, 1, 1) if operator.kind == "Conv" else (outputs,)
    for name in adder.inputs:
        if graph.shape(name) in (per_output, (1, *per_output)):
            return graph.take(name).reshape(-1)
    return None


def _adders(graph: Graph, operators: list[Operator]) -> dict[str, Operator]:
    """The Add of a constant to each value that nothing else reads."""
    found = {}
    for operator in operators:
        if operator.kind == "Add" and len(operator.inputs) == 2:
            values = [name for name in operator.inputs if name not in graph.constants]
            if len(values) == 1 and graph.readers[values[0]] == 1:
                found[values[0]] = operator
    return found


# -- names -----------------------------------------------------------------------------------------


def _name(graph: Graph, operator: Operator) -> str:
    """The name of a layer: that of its weights or operator, without what every layer has."""
    constant = graph.constants.get(operator.inputs[1]) if len(operator.inputs) > 1 else None
    match = _OF_WEIGHTS.fullmatch(constant.name) if constant else None
    if match is None and not _UNNAMED.fullmatch(operator.name):
        match = _OF_OPERATOR.fullmatch(operator.name)
    if match is not None:
        return match[1]
    return constant.name if constant and constant.name else f"{operator.kind}_{operator.number}"


def _own_name(graph: Graph, operator: Operator) -> tuple[str, str]:
    """The name of a layer that `convnet export` wrote; and why it is left, or ""."""
    constant = graph.constants.get(operator.inputs[1]) if len(operator.inputs) > 1 else None
    match = _OWN.fullmatch(operator.name)
    if match is None or constant is None or not _OWN_WEIGHTS.search(constant.name):
        return operator.name, f"an input of {operator.kind}"
    return match[1], FURTHER if match[2] else ""


def _unique(name: str, operator: Operator, found: dict[str, ForeignLayer]) -> str:
    if name in found:
        name = f"{name}.{operator.number}"
    while name in found:
        name += "'"
    return name
