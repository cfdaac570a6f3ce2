"""Maximum over inputs of equal size, taken one input at a time."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, first: bool) -> None:
    """Take one more input into the maximum: y = x if it is the `first`, else max(y, x).

    x, y: (rows, N).

    Source: docs/dialect.md, 3.7.
    """


@operation(writes="dx")
def backward(x: Array, y: Array, dy: Array, dx: Array, accumulate: bool) -> None:
    """Compute dx (+)= dy where x equals the maximum y, else 0.

    Every input that equals the maximum receives all of dy.

    x, y, dy, dx: (rows, N).

    Source: docs/dialect.md, 3.7.
    """
