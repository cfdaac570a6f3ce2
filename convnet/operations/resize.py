"""Bilinear interpolation at a regular grid of points."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, scale: float) -> None:
    """Resize images: output pixel t lies at t * scale + S/2 - M * scale/2 of the input.

    The same holds for rows and columns; coordinates are clamped to 0..S - 1.01.

    x: (C, S, S, N); y: (C, M, M, N).

    Source: docs/dialect.md, 3.7.
    """
