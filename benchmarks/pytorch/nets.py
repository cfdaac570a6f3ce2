"""A network of ours in PyTorch, built from the same graph: layers, weights, cost and update.

For chains of conv, fc, relu, max pooling, cmrnorm, dropout2 and softmax under cost.logreg, which
is what the shipped specs for one device are.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Dropout2(nn.Module):
    """Training: x where kept, else 0.  Otherwise: keep * x."""

    def __init__(self, keep: float):
        super().__init__()
        self.keep = keep

    def forward(self, x):
        return F.dropout(x, 1 - self.keep, self.training) * self.keep


class TorchNet(nn.Module):
    """images (N, C, H, W) -> scores of the classes (N, classes), to which softmax is applied."""

    def __init__(self, graph):
        super().__init__()
        self.nodes = chain_of(graph)
        self.border = _overhang(self.nodes)
        self.layers = nn.Sequential(*(module_of(node) for node in self.nodes))

    def forward(self, images):
        return self.layers(images)

    def padded(self, images):
        """The images with the pixels that the last windows of the first layer hang over.

        Done once, outside of what is timed.
        """
        return F.pad(images, (0, self.border, 0, self.border)) if self.border else images

    def optimizer(self):
        """v = momentum * v + gradient + decay * w,  w -= rate * v, for the mean of the cases."""
        groups = []
        for node, module in self.weighted():
            layer = node.layer
            rates = (layer.rates_w[0], layer.mom_w[0], layer.wc[0]), (layer.rate_b, layer.mom_b, 0)
            for array, (rate, momentum, decay) in zip(
                (module.weight, module.bias), rates, strict=True
            ):
                groups.append({"params": [array], "lr": rate.rate(0.0), "momentum": momentum,
                               "weight_decay": decay})  # fmt: skip
        return torch.optim.SGD(groups, fused=True)

    def weighted(self):
        """(node, module) of the layers with weights."""
        pairs = zip(self.nodes, self.layers, strict=True)
        return [(node, module) for node, module in pairs if node.layer.weights()]

    def take_weights(self, network):
        """Copy the weights of a Network of the same graph."""
        for node, module in self.weighted():
            for key, array in (("weights.0", module.weight), ("biases", module.bias)):
                values = torch.from_numpy(network.read(network.parameters[f"{node.name}.{key}"]))
                values = values.permute(3, 0, 1, 2) if values.ndim == 4 else values
                array.data.copy_(values)


def chain_of(graph) -> list:
    """The nodes between the images and the softmax; ValueError if they are no chain."""
    nodes = [node for node in graph.nodes if not (node.is_data or node.is_cost)]
    if nodes[-1].layer.type_name != "softmax":
        raise ValueError("the last layer must be a softmax")
    for before, node in zip(nodes, nodes[1:], strict=False):
        if node.inputs != [before]:
            raise ValueError(f"{node.name} must read {before.name} alone")
    return nodes[:-1]


def mean_cost(scores, labels):
    """Softmax and the logistic cost, the mean over the cases."""
    return F.cross_entropy(scores, labels)


def _overhang(nodes) -> int:
    layer = nodes[0].layer
    covered = (layer.modules - 1) * layer.stride[0] + layer.filter_size[0]
    return covered - layer.sides[0] - 2 * layer.padding[0]


def _conv(layer):
    return nn.Conv2d(
        layer.channels[0],
        layer.total,
        layer.filter_size[0],
        layer.stride[0],
        layer.padding[0],
        groups=layer.groups[0],
    )


def _fc(layer):
    return _Linear(layer.input_sizes[0], layer.outputs)


class _Linear(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1))


_MODULES = {
    "conv": _conv,
    "fc": _fc,
    "neuron": lambda layer: nn.ReLU(inplace=True),
    "pool": lambda layer: nn.MaxPool2d(layer.size_x, layer.stride, ceil_mode=True),
    "cmrnorm": lambda layer: nn.LocalResponseNorm(layer.size, layer.scale, layer.pow, layer.k),
    "dropout2": lambda layer: Dropout2(layer.keep),
}


def module_of(node) -> nn.Module:
    """A node's layer, with weights of its own."""
    kind = node.layer.type_name
    if kind not in _MODULES:
        raise ValueError(f"{node.name}: layers of type {kind} have no counterpart here")
    if kind == "neuron" and node.layer.nonlinearity.kind != "relu":
        raise ValueError(f"{node.name}: only relu has a counterpart here")
    return _MODULES[kind](node.layer)
