"""What PyTorch lacks: source text that net.py contains where it needs it.  It is never imported."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Local(nn.Module):
    """A convolution whose every output position has its own filters.

    weight: (places, filters, channels of a group, size, size).  pads: pixels added to the left,
    right, top and bottom.  side: outputs a side.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        size: int,
        *,
        stride: int,
        pads: tuple[int, int, int, int],
        side: int,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.size, self.stride, self.pads, self.side, self.groups = size, stride, pads, side, groups
        shape = side * side, filters, channels // groups, size, size
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        windows = F.unfold(F.pad(x, self.pads), self.size, stride=self.stride)
        windows = windows.unflatten(1, (self.groups, -1))
        weight = self.weight.flatten(2).unflatten(1, (self.groups, -1))
        y = torch.einsum("ngkp,pgfk->ngfp", windows, weight)
        return y.reshape(len(x), -1, self.side, self.side)


class SplitLinear(nn.Module):
    """A full connection for each of `parts` equal slices of the inputs.

    weight: (outputs of a slice, inputs).
    """

    def __init__(self, inputs: int, outputs: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.weight = nn.Parameter(torch.zeros(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        slices = x.unflatten(1, (self.parts, -1))
        weight = self.weight.unflatten(1, (self.parts, -1))
        return torch.einsum("npi,opi->npo", slices, weight).flatten(1)


class TreeLinear(nn.Module):
    """A full connection whose classes share weights along a tree of labels.

    weight: (labels, inputs).  paths: (classes, labels), 1 where a label is on the way from the root
    to a class.
    """

    paths: Tensor

    def __init__(self, inputs: int, labels: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(labels, inputs))
        self.bias = nn.Parameter(torch.zeros(classes))
        self.register_buffer("paths", torch.zeros(classes, labels))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x, self.weight), self.paths, self.bias)


def max_pool(x: Tensor, size: int, stride: int, pads: tuple[int, ...]) -> Tensor:
    """Maxima over windows.  pads: pixels added left, right, above and below; dropped if < 0."""
    return F.max_pool2d(F.pad(x, pads, value=-math.inf), size, stride)


def mean_pool(x: Tensor, size: int, stride: int, pads: tuple[int, ...]) -> Tensor:
    """Means over the pixels of windows that are inside the image.

    pads: pixels added left, right, above and below; dropped if < 0.
    """
    inside = torch.ones_like(x[:1, :1])
    return sum_pool(x, size, stride, pads) / sum_pool(inside, size, stride, pads)


def sum_pool(x: Tensor, size: int, stride: int, pads: tuple[int, ...]) -> Tensor:
    """Sums over windows.  pads: pixels added left, right, above and below; dropped if < 0."""
    return F.avg_pool2d(F.pad(x, pads), size, stride, divisor_override=1)


def maxabs_pool(x: Tensor, size: int, stride: int, pads: tuple[int, ...]) -> Tensor:
    """The values of largest magnitude under windows; of equal ones the last.

    pads: pixels added left, right, above and below; dropped if < 0.
    """
    windows = F.pad(x, pads).unfold(2, size, stride).unfold(3, size, stride)
    windows = windows.flatten(4).flip(4)  # argmax returns the first
    return windows.gather(4, windows.abs().argmax(4, keepdim=True)).squeeze(4)


def map_pool(x: Tensor, size: int, stride: int, before: int, after: int) -> Tensor:
    """Maxima over neighboring maps at each pixel; before, after: maps that are not there."""
    maps = F.pad(x.flatten(2).unsqueeze(1), (0, 0, before, after), value=-math.inf)
    pooled = F.max_pool2d(maps, (size, 1), (stride, 1)).squeeze(1)
    return pooled.unflatten(2, x.shape[2:])


def block_norm(x: Tensor, size: int, scale: float, power: float, k: float) -> Tensor:
    """x / (k + scale · mean of squares) ** power over blocks of `size` maps."""
    channels = x.shape[1]
    missing = -channels % size
    squares = F.pad(x * x, (0, 0, 0, 0, 0, missing)).unflatten(1, (-1, size))
    means = squares.mean(2).repeat_interleave(size, 1)[:, :channels]
    return x / (k + scale * means) ** power


def response_norm(x: Tensor, size: int, scale: float, power: float, k: float) -> Tensor:
    """x / (k + scale · mean of squares) ** power over squares of pixels, zero outside the image."""
    return x / (k + scale * mean_square(x, size)) ** power


def contrast_norm(x: Tensor, size: int, scale: float, power: float, k: float) -> Tensor:
    """x / (k + scale · mean of squared differences) ** power over squares of pixels.

    The differences are those to the mean of the pixels inside the image, and zero outside of it.
    """
    before, after = size // 2, size - 1 - size // 2
    difference = x - mean_pool(x, size, 1, (before, after, before, after))
    return x / (k + scale * mean_square(difference, size)) ** power


def mean_square(x: Tensor, size: int) -> Tensor:
    """Sums of squares over squares of pixels, divided by size²; even sizes lean left and up."""
    before, after = size // 2, size - 1 - size // 2
    return F.avg_pool2d(F.pad(x * x, (before, after, before, after)), size, 1)


def blur(x: Tensor, size: int, deviation: float) -> Tensor:
    """Images under a Gaussian filter, zero outside."""
    distances = (torch.arange(size, dtype=torch.float64) - size // 2) / deviation
    taps = torch.exp(-0.5 * distances**2)
    taps = taps / taps.sum()
    channels = x.shape[1]
    weight = torch.outer(taps, taps).to(x).expand(channels, 1, size, size)
    return F.conv2d(x, weight, padding=size // 2, groups=channels)


def resize(x: Tensor, outputs: int, scale: float) -> Tensor:
    """Square images at points `scale` apart and centered, bilinear between pixels."""
    side = x.shape[-1]
    points = torch.arange(outputs, dtype=torch.float64) * scale + (side - outputs * scale) / 2
    points = points.clamp(max=side - 1.01).clamp(min=0)
    first = points.long()
    share, rows = points - first, torch.arange(outputs)
    matrix = torch.zeros(outputs, side, dtype=torch.float64)
    matrix.index_put_((rows, first), 1 - share, accumulate=True)
    matrix.index_put_((rows, (first + 1).clamp(max=side - 1)), share, accumulate=True)
    matrix = matrix.to(x)
    return matrix @ x @ matrix.T


def rgb_to_yuv(x: Tensor) -> Tensor:
    """Y, U and V of three planes (N, 3, pixels)."""
    rows = [0.2126, 0.7152, 0.0722], [-0.09991, -0.33609, 0.436], [0.615, -0.55861, -0.05639]
    return x.new_tensor(rows) @ x


def rgb_to_lab(x: Tensor, lowered: float) -> Tensor:
    """L - lowered, a and b (CIE) of three planes (N, 3, pixels)."""
    rows = [0.49, 0.31, 0.2], [0.17697, 0.8124, 0.01063], [0.0, 0.01, 0.99]
    t = x.new_tensor(rows) @ x
    f = torch.where(t > 0.0088564517, t**0.3333, 7.787037 * t + 0.13793103)
    fx, fy, fz = f.unbind(1)
    return torch.stack([116 * fy - lowered, 500 * (fx - fy), 200 * (fy - fz)], 1)
