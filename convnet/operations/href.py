"""Images mirrored left to right."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def mirror(x: Array, y: Array, accumulate: bool) -> None:
    """Mirror images: y[c, i, j] (+)= x[c, i, W - 1 - j].  The gradient is mirrored likewise.

    x, y: (C, H, W, N).

    Source: docs/dialect.md, 3.7.
    """
