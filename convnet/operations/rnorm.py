"""Local response normalization within a channel (map)."""

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
) -> None:
    """Compute y = x * denominators ** -power, denominators = k + scale * the sum of x**2.

    The sum runs over a size x size square of the same channel whose first pixel is size // 2 rows
    above and columns to the left, clipped to the image.

    x, y, denominators: (C, H, W, N).  scale: the file's `scale` divided by size**2.

    Source: docs/dialect.md, 3.6.
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
    accumulate: bool,
) -> None:
    """Compute dx_i (+)= dy_i * d_i**-power - 2 * scale * power * x_i * sum of dy_j * y_j / d_j.

    d are the denominators; the sum runs over the pixels j whose square contains i.

    x, y, dy, denominators, dx: (C, H, W, N).

    Source: docs/dialect.md, 3.6.
    """
