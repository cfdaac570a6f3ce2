"""Shipped networks of Caffe with random weights, as files and in PyTorch on raw images."""

from pathlib import Path

import numpy as np
import torch

from convnet import Net
from tests.support.caffe_proto import CLASSES, add_layer
from tests.support.caffe_proto import Net as NetParameter
from tests.support.command_line import good

MEAN = (104, 117, 123)  # blue, green, red; models/bvlc_reference_caffenet/train_val.prototxt


def draw(module: torch.nn.Module, seed: int = 1) -> list[torch.nn.Module]:
    """Give a network random weights with which its classes differ; return its layers with them."""
    generator = torch.Generator().manual_seed(seed)
    layers = [each for each in module if hasattr(each, "weight")]
    with torch.no_grad():
        for each in layers:
            shrunk = 60 if each is layers[-1] else 1
            deviation = (2 / each.weight[0].numel()) ** 0.5
            each.weight.normal_(0, deviation / shrunk, generator=generator)
            each.bias.normal_(0, 10 / shrunk, generator=generator)
    return layers


def write_caffemodel(path: Path, names: list[str], layers, generation: int = 2) -> None:
    """Write layers under these names, as Caffe does with the package protobuf."""
    net = NetParameter(name=path.stem)
    for name, each in zip(names, layers, strict=True):
        arrays = each.weight.detach().numpy(), each.bias.detach().numpy()
        add_layer(net, generation, name, *arrays, getattr(each, "groups", 1))
    path.write_bytes(net.SerializeToString())


def write_mean(path: Path, side: int) -> None:
    """Write the mean of each channel as an image, a .binaryproto."""
    blob = CLASSES["BlobProto"](num=1, channels=3, height=side, width=side)
    for value in MEAN:
        blob.data.extend([value] * side**2)
    path.write_bytes(blob.SerializeToString())


def in_torch(module: torch.nn.Module, pixels: np.ndarray) -> np.ndarray:
    """The probabilities for raw images (cases, red green blue, rows, columns), in float64."""
    blue_first = torch.from_numpy(pixels[:, ::-1].astype(np.float64))
    given = blue_first - torch.tensor(MEAN, dtype=torch.float64).reshape(3, 1, 1)
    with torch.no_grad():
        return module.double().eval()(given).softmax(1).numpy()


def ours(model: Path, layers: Path, params: Path, pixels: np.ndarray, *options) -> np.ndarray:
    """The probabilities of the network that `convnet import` makes of a file."""
    out = model.with_name("imported.safetensors")
    good("import", model, "--layers", layers, "--params", params, "--out", out, *options)
    net = Net.load(out, minibatch=len(pixels))
    net.forward(net.preprocess(pixels))
    return net.activities("probs")
