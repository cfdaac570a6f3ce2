"""Sums of neighboring values."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array) -> None:
    """Sum k neighbors: y[o] = x[o * k] + ... + x[o * k + k - 1], k = rows / outputs.

    x: (rows, N); y: (outputs, N).

    Source: docs/dialect.md, 3.7.
    """


@operation(writes="dx")
def backward(dy: Array, dx: Array, accumulate: bool) -> None:
    """Compute dx[i] (+)= dy[i // k], k = rows / outputs.

    dy: (outputs, N); dx: (rows, N).

    Source: docs/dialect.md, 3.7.
    """
