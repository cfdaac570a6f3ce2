"""Local contrast normalization."""

from convnet.operations.declaration import Array, operation


@operation(writes="y denominators centered")
def forward(
    x: Array,
    y: Array,
    denominators: Array,
    centered: Array,
    size: int,
    scale: float,
    power: float,
    k: float,
) -> None:
    """Compute y = x * denominators ** -power, denominators = k + scale * sum of centered**2.

    centered = x - the mean of x.  Sum and mean run over a size x size square of the same channel
    whose first pixel is size // 2 rows above and columns to the left, clipped to the image.  What
    is divided is x, not x - mean.

    x, y, denominators, centered: (C, H, W, N).  scale: the file's `scale` divided by size**2.

    Source: docs/dialect.md, 3.6.
    """


@operation(writes="dx")
def backward(
    centered: Array,
    y: Array,
    dy: Array,
    denominators: Array,
    dx: Array,
    size: int,
    scale: float,
    power: float,
    accumulate: bool,
) -> None:
    """Compute dx_i (+)= dy_i * d_i**-power - 2 * scale * power * m_i * sum of dy_j * y_j / d_j.

    d are the denominators, m is `centered`; the sum runs over the pixels j whose square contains i.
    The mean is treated as a constant, so the gradient is approximate, as in the originals.

    centered, y, dy, denominators, dx: (C, H, W, N).

    Source: docs/dialect.md, 3.6.
    """
