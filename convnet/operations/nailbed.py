"""Pixels at a regular grid of an image."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, stride: int, start: int) -> None:
    """Sample pixels: y[c, i, j] = x[c, start + i * stride, start + j * stride].

    x: (C, H, W, N); y: (C, M, M, N).

    Source: docs/dialect.md, 3.7.
    """


@operation(writes="dx")
def backward(dy: Array, dx: Array, stride: int, start: int, accumulate: bool) -> None:
    """Compute dx (+)= dy at the sampled pixels, 0 at all others.

    dy: (C, M, M, N); dx: (C, H, W, N).

    Source: docs/dialect.md, 3.7.
    """
