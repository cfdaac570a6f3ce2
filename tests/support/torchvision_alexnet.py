"""AlexNet as torchvision has it (one tower, no response normalization), in PyTorch and here.

The names and shapes of its weights are those of torchvision's files; narrower ones make tests fast.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Widths:
    """Filters of the five convolutions, outputs of the full connections, classes."""

    filters: tuple[int, int, int, int, int] = (64, 192, 384, 256, 256)
    full: int = 4096
    classes: int = 1000


NARROW = Widths((6, 8, 10, 9, 7), 20, 10)


class AlexNet(nn.Module):
    """The network as torchvision declares it; at 224 pixels its adaptive pool changes nothing."""

    def __init__(self, widths: Widths = NARROW):
        super().__init__()
        a, b, c, d, e = widths.filters
        self.features = nn.Sequential(
            nn.Conv2d(3, a, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(a, b, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(b, c, 3, padding=1), nn.ReLU(),
            nn.Conv2d(c, d, 3, padding=1), nn.ReLU(),
            nn.Conv2d(d, e, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(e * 36, widths.full), nn.ReLU(),
            nn.Dropout(), nn.Linear(widths.full, widths.full), nn.ReLU(),
            nn.Linear(widths.full, widths.classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def made(widths: Widths = NARROW, seed=0) -> AlexNet:
    """A network with random weights, whose probabilities differ from class to class."""
    torch.manual_seed(seed)
    net = AlexNet(widths).eval()
    with torch.no_grad():
        for each in net.modules():
            if isinstance(each, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
                nn.init.normal_(each.bias, std=0.1)
    return net


def probabilities(net, pixels: np.ndarray) -> np.ndarray:
    """What PyTorch computes of raw pixels 0 to 255 with torchvision's preprocessing."""
    mean, std = (torch.tensor(v).reshape(3, 1, 1)
                 for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))  # fmt: skip
    x = (torch.from_numpy(pixels).float() / 255 - mean) / std
    with torch.no_grad():
        return net(x).softmax(1).numpy()


FIRST = "stride=4\nmodulesX=55\n"
RELU = "neuron=relu\n"


def spec(widths: Widths = NARROW) -> tuple[str, str]:
    """The layer file and the parameter file of the same network."""
    a, b, c, d, e = widths.filters
    layers = f"""
[data]
type=data
dataIdx=0
channels=3
imgSize=224

[labels]
type=data
dataIdx=1
{_conv("conv1", "data", 3, a, 11, 2, FIRST)}
{_pool("pool1", "conv1", a)}
{_conv("conv2", "pool1", a, b, 5, 2)}
{_pool("pool2", "conv2", b)}
{_conv("conv3", "pool2", b, c, 3, 1)}
{_conv("conv4", "conv3", c, d, 3, 1)}
{_conv("conv5", "conv4", d, e, 3, 1)}
{_pool("pool5", "conv5", e)}
{_full("fc6", "pool5", widths.full, RELU)}
{_full("fc7", "fc6", widths.full, RELU)}
{_full("fc8", "fc7", widths.classes)}
[probs]
type=softmax
inputs=fc8

[logprob]
type=cost.logreg
inputs=labels,probs
"""
    names = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
    learned = "epsW=0.001\nepsB=0.001\nmomW=0.9\nmomB=0.9\nwc=0.0005\n"
    params = "".join(f"[{name}]\n{learned}\n" for name in names)
    return layers, f"{params}[logprob]\ncoeff=1\n\n[run]\nminibatch=8\nepochs=3\n"


def _conv(name, source, channels, filters, size, padding, more=""):
    return (
        f"[{name}]\ntype=conv\ninputs={source}\nchannels={channels}\nfilters={filters}\n"
        f"filterSize={size}\npadding={padding}\ninitW=0.01\nneuron=relu\n{more}"
    )


def _pool(name, source, channels):
    return (
        f"[{name}]\ntype=pool\npool=max\ninputs={source}\nchannels={channels}\nsizeX=3\nstride=2\n"
    )


def _full(name, source, outputs, more=""):
    return f"[{name}]\ntype=fc\ninputs={source}\noutputs={outputs}\ninitW=0.01\n{more}"
