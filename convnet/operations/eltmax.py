"""Maximum over inputs of equal size, taken one more input at a time."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(a: Array, b: Array, y: Array) -> None:
    """Compute y = max(a, b).

    a, b, y: (rows, N); y may be a.

    Source: docs/dialect.md, 3.7.
    """


@operation(writes="dx")
def backward(x: Array, y: Array, dy: Array, dx: Array, accumulate: bool) -> None:
    """Compute dx (+)= dy where x equals the maximum y, else 0.

    Every input that equals the maximum receives all of dy.

    x, y, dy, dx: (rows, N).

    Source: docs/dialect.md, 3.7.
    """
