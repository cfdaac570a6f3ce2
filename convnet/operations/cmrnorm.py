"""Local response normalization across channels (maps)."""

from convnet.operations.declaration import Array, operation


@operation(writes="y denominators")
def forward(
    x: Array,
    y: Array,
    denominators: Array,
    size: int,
    scale: float,
    power: float,
    k: float,
    blocked: bool,
) -> None:
    """Compute y = x * denominators ** -power, denominators = k + scale * the sum of x**2.

    The sum runs over a window of channels at the same pixel: `size` channels from c - size // 2 on,
    clipped to those there are; where `blocked`, the block of `size` channels that contains c.
    A backend that recomputes the denominators in `backward` may leave them unwritten.

    x, y, denominators: (C, H, W, N).  scale: the file's `scale` divided by size.

    Source: paper, 3.3; docs/dialect.md, 3.6.
    """


@operation(writes="dx")
def backward(
    x: Array,
    y: Array,
    dy: Array,
    denominators: Array,
    dx: Array,
    size: int,
    scale: float,
    power: float,
    k: float,
    blocked: bool,
    accumulate: bool,
) -> None:
    """Compute dx_i (+)= dy_i * d_i**-power - 2 * scale * power * x_i * sum of dy_j * y_j / d_j.

    d are the denominators; the sum runs over the channels j whose window contains i.

    x, y, dy, denominators, dx: (C, H, W, N).

    Source: docs/dialect.md, 3.6.
    """
