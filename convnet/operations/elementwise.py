"""Scaled copies and sums."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def scale(x: Array, y: Array, factor: float, accumulate: bool) -> None:
    """Copy or add scaled values: y (+)= factor * x.

    eltsum, concat, the test pass of dropout and the sums of gradients consist of it.

    x, y: (...), of one shape; they may be one array.

    Source: docs/dialect.md, 3.7.
    """
