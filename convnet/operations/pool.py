"""Pooling over windows of pixels."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, kind: str, size: int, stride: int, start: int) -> None:
    """Pool windows of pixels: y[c, i, j] = the `kind` of x[c] over the window of (i, j).

    The window of output o is [start + o * stride, + size) in both axes, clipped to the image.
    kind: max; avg, the sum divided by the number of pixels inside the image; sum; maxabs, the
    signed value of largest magnitude, the later one in row order among equals.  A window without
    pixels gives 0.

    x: (C, H, W, N); y: (C, M, M, N).

    Source: paper, 3.4; docs/dialect.md, 3.4.
    """


@operation(writes="dx")
def backward(
    x: Array,
    y: Array,
    dy: Array,
    dx: Array,
    kind: str,
    size: int,
    stride: int,
    start: int,
    accumulate: bool,
) -> None:
    """Compute dx (+)= the gradient of `forward`.

    max, maxabs: every pixel that equals the y of its window receives all of that window's dy.  avg:
    dy divided by the number of pixels of the window.  sum: dy.

    x, dx: (C, H, W, N); y, dy: (C, M, M, N).

    Source: paper, 3.4; docs/dialect.md, 3.4.
    """
