"""Layers that a key of another layer declares: its neuron, and its `dropout` (cuda-convnet 1)."""

from collections.abc import Container

from convnet.graph.graph import Node
from convnet.layers import Layer
from convnet.layers.dropout import KeyDropout
from convnet.layers.neuron import Neuron
from convnet.layers.nonlinearity import Nonlinearity


def implicit_layers(node: Node, neuron: Nonlinearity | None, taken: Container[str]) -> list[Layer]:
    """Return the layers to append to a declared one, in order: dropout comes before the neuron.

    taken: names that they must not have.
    """
    layers: list[Layer] = []
    if node.layer.fields.get("dropout") and node.layer.dropout > 0:
        layers.append(_dropout(node, taken))
    if neuron is not None and not node.layer.requires_neuron:
        layers.append(_neuron(node, neuron, taken))
    return layers


def _dropout(node: Node, taken: Container[str]) -> KeyDropout:
    name = _free_name(f"{node.name}_dropout", taken)
    layer = KeyDropout(name, node.layer.dialect, node.layer.dropout)
    layer.bind([node.shape])
    return layer


def _neuron(node: Node, neuron: Nonlinearity, taken: Container[str]) -> Neuron:
    layer = Neuron(_free_name(f"{node.name}_neuron", taken), node.layer.dialect, neuron)
    layer.bind([node.shape])
    return layer


def _free_name(base: str, taken: Container[str]) -> str:
    """`base`, or `base.1`, `base.2`, ... if a section has that name."""
    number, name = 0, base
    while name in taken:
        number += 1
        name = f"{base}.{number}"
    return name
