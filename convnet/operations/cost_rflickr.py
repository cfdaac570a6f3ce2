"""The cost log(1 + d**2) of differences."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(targets: Array, y: Array, values: Array) -> None:
    """Compute values = [sum of log(1 + (y - t)**2)] over outputs and cases.

    targets, y: (outputs, N); values: float64 (1,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dy")
def backward(targets: Array, y: Array, dy: Array, coeff: float, accumulate: bool) -> None:
    """Compute dy (+)= coeff * 2 * d / (1 + d**2), d = y - t.

    targets, y, dy: (outputs, N).

    Source: docs/dialect.md, 7.
    """
