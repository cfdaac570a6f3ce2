"""A square part of an image."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, row: int, column: int) -> None:
    """Copy a square: y[c, i, j] = x[c, row + i, column + j].

    x: (C, H, W, N); y: (C, M, M, N).

    Source: docs/dialect.md, 3.7.
    """
