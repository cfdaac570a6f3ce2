"""Max pooling across channels (maps)."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, size: int, stride: int, start: int) -> None:
    """Take the maximum over windows of channels: y[o] = max of x[c] over the window of o.

    The window of o is [start + o * stride, + size), clipped to the channels there are.

    x: (C, H, W, N); y: (outputs, H, W, N).

    Source: docs/dialect.md, 3.5.
    """


@operation(writes="dx")
def backward(
    x: Array,
    y: Array,
    dy: Array,
    dx: Array,
    size: int,
    stride: int,
    start: int,
    accumulate: bool,
) -> None:
    """Compute dx (+)= dy, summed over the windows whose maximum y the value of x equals.

    Every channel that equals the maximum of its window receives all of that window's dy.

    x, dx: (C, H, W, N); y, dy: (outputs, H, W, N).

    Source: docs/dialect.md, 3.5.
    """
