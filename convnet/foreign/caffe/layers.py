"""The layers of a NetParameter: weights and biases in the layout of all foreign files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convnet.foreign.caffe.blobs import array_of, by, shape_of
from convnet.foreign.contents import ForeignLayer
from convnet.foreign.protobuf_wire import Malformed

CONVOLUTION, FULL = "Convolution", "InnerProduct"
# Numbers of V1LayerParameter.LayerType of layers with arrays; the names are those of today.
_V1_TYPES = {4: CONVOLUTION, 14: FULL, 39: "Deconvolution"}
_OLDEST = (
    "is of Caffe's first format (V0LayerParameter), which is not read; Caffe's tool "
    "upgrade_net_proto_binary brings it to a later one"
)

Left = tuple[str, str]


class NotRead(Exception):
    """A file that is whole and of no use here; the text says why."""


class _NotTaken(Exception):
    """The arrays of a layer have no counterpart; the text says why."""


def layers_of(
    net: Any, runs: Sequence[np.ndarray]
) -> tuple[tuple[ForeignLayer, ...], tuple[Left, ...]]:
    """Return the convolutions and full connections of a network, and the arrays of other layers.

    Raises Malformed if arrays and parameters of a layer do not agree, NotRead for Caffe's first
    format and for networks without weights.
    """
    taken: dict[str, ForeignLayer] = {}
    left: list[Left] = []
    for name, kind, layer in _with_arrays(net):
        try:
            if name in taken:
                raise _NotTaken("another layer has the same name")
            if kind not in (CONVOLUTION, FULL):
                raise _NotTaken(f"of a layer of type {kind}: no convolution or full connection")
            make = _convolution if kind == CONVOLUTION else _full
            taken[name] = make(name, layer, runs)
            spare, why = range(2, len(layer.blobs)), "its layer has weights and biases already"
        except _NotTaken as reason:
            spare, why = range(len(layer.blobs)), str(reason)
        except Malformed as problem:
            raise Malformed(f"layer {name}: {problem}") from None
        left += [(f"{name}.{index}", why) for index in spare]
    if not taken:
        raise NotRead("holds no weights of convolutions or full connections")
    return tuple(taken.values()), tuple(left)


def _with_arrays(net: Any) -> Iterator[tuple[str, str, Any]]:
    """The name, the type and the message of each layer with arrays, of either format."""
    for old in net.layers:
        if old.HasField("layer"):
            raise NotRead(_OLDEST)
        if old.blobs:
            yield _text(old.name), _V1_TYPES.get(old.type, f"number {old.type}"), old
    for layer in net.layer:
        if layer.blobs:
            yield _text(layer.name), _text(layer.type), layer


def _text(found: bytes) -> str:
    return found.decode("utf-8", "replace")


def _convolution(name: str, layer: Any, runs: Sequence[np.ndarray]) -> ForeignLayer:
    facts = layer.convolution_param
    shape = shape_of(layer.blobs[0])
    if any(step != 1 for step in facts.dilation):
        raise _NotTaken("of a dilated convolution")
    if len(shape) != 4:
        raise _NotTaken(f"of a convolution of {max(len(shape) - 2, 0)} dimensions; 2 were expected")
    outputs = facts.num_output or shape[0]
    weights = array_of(layer.blobs[0], runs)
    if shape[0] != outputs and shape[:3] == (1, 1, outputs):
        weights = weights.reshape(*shape[2:], 1, 1)  # of 1x1, written as a full connection's
    _check_outputs(weights, outputs)
    groups = facts.group if facts.HasField("group") else 1
    if groups < 1 or outputs % groups:
        raise Malformed(f"has {outputs:,} filters in {groups:,} groups")
    return ForeignLayer(name, weights, _biases(layer, outputs, runs), groups)


def _full(name: str, layer: Any, runs: Sequence[np.ndarray]) -> ForeignLayer:
    facts = layer.inner_product_param
    if facts.HasField("axis") and facts.axis != 1:
        raise _NotTaken(f"of a full connection along axis {facts.axis}; 1 was expected")
    shape = shape_of(layer.blobs[0])
    if len(shape) < 2 or any(dim != 1 for dim in shape[:-2]):
        raise Malformed(f"its weights have the shape {by(shape)}; outputs x inputs was expected")
    weights = array_of(layer.blobs[0], runs).reshape(shape[-2:])
    if facts.transpose:
        weights = np.ascontiguousarray(weights.T)
    _check_outputs(weights, facts.num_output or len(weights))
    return ForeignLayer(name, weights, _biases(layer, len(weights), runs))


def _check_outputs(weights: np.ndarray, outputs: int) -> None:
    if len(weights) != outputs or not weights.size:
        raise Malformed(f"its weights have the shape {by(weights.shape)}, for {outputs:,} outputs")


def _biases(layer: Any, outputs: int, runs: Sequence[np.ndarray]) -> np.ndarray | None:
    if len(layer.blobs) < 2:
        return None
    biases = array_of(layer.blobs[1], runs)
    if biases.size != outputs:
        raise Malformed(f"has {biases.size:,} biases for {outputs:,} outputs")
    return biases.reshape(-1)
