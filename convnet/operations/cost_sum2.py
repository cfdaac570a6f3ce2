"""Sum of squares."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(x: Array, values: Array) -> None:
    """Compute values = [sum of x**2] over values and cases.

    x: (rows, N); values: float64 (1,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dx")
def backward(x: Array, dx: Array, coeff: float, accumulate: bool) -> None:
    """Compute dx (+)= coeff * 2 * x.

    x, dx: (rows, N).

    Source: docs/dialect.md, 7.
    """
