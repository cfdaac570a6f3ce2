"""Channels that the groups of a convolution see, where they are listed."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def gather(x: Array, connections: Array, y: Array) -> None:
    """Copy the listed channels: y[i] = x[connections[i]].

    x: (C, H, W, N); connections: int32 (listed,); y: (listed, H, W, N).

    Source: docs/dialect.md, 3.3 (`randSparse`).
    """


@operation(writes="dx")
def scatter(dy: Array, connections: Array, dx: Array, accumulate: bool) -> None:
    """Compute dx[c] (+)= the sum of dy[i] over the i with connections[i] = c, in their order.

    dy: (listed, H, W, N); connections: int32 (listed,); dx: (C, H, W, N).

    Source: docs/dialect.md, 3.3 (`randSparse`).
    """
