"""Layers that are written as a key of another: its neuron, and its `dropout` (cuda-convnet 1)."""

from convnet.graph.graph import Node
from convnet.layers.dropout import KeyDropout
from convnet.layers.neuron import Neuron
from convnet.layers.nonlinearity import Nonlinearity


def folded_layers(node: Node, neuron: Nonlinearity | None, taken) -> list:
    """The layers to put behind a declared one, in order: dropout comes before the neuron."""
    layers = []
    if node.layer.fields.get("dropout") and node.layer.dropout > 0:
        layers.append(_dropout(node, taken))
    if neuron is not None and not node.layer.requires_neuron:
        layers.append(_neuron(node, neuron, taken))
    return layers


def _dropout(node, taken):
    name = _free_name(f"{node.name}_dropout", taken)
    layer = KeyDropout(name, node.layer.dialect, node.layer.dropout)
    layer.bind([node.shape])
    return layer


def _neuron(node, neuron, taken):
    layer = Neuron(_free_name(f"{node.name}_neuron", taken), node.layer.dialect, neuron)
    layer.bind([node.shape])
    return layer


def _free_name(wanted, taken) -> str:
    """`wanted`, or `wanted.1`, `wanted.2` ... if a section has that name."""
    number, name = 0, wanted
    while name in taken:
        number += 1
        name = f"{wanted}.{number}"
    return name
