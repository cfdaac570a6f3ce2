"""Topographic independent component analysis."""

from convnet.operations.declaration import Array, operation


@operation(writes="inverse values")
def forward(x: Array, inverse: Array, values: Array, size: int) -> None:
    """Compute inverse = 1 / (0.001 + sqrt(the sum of x**2 over a window)), values = [its sum].

    The window of a pixel is a size x size square of the same channel whose first pixel is size // 2
    rows above and columns to the left, clipped to the image.

    x, inverse: (C, S, S, N); values: float64 (1,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dx")
def backward(
    x: Array, inverse: Array, dx: Array, size: int, coeff: float, accumulate: bool
) -> None:
    """Compute dx (+)= coeff * x * the sum of `inverse` over the pixel's window.

    x, inverse, dx: (C, S, S, N).

    Source: docs/dialect.md, 7.
    """
