"""Cross entropy of independent classes."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(targets: Array, y: Array, values: Array) -> None:
    """Compute values = [sum of -(t * log y + (1 - t) * log(1 - y))] over classes and cases.

    The log of 0 counts as -50.

    targets, y: (classes, N); values: float64 (1,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dy")
def backward(
    targets: Array, y: Array, dy: Array, coeff: float, fused: bool, accumulate: bool
) -> None:
    """Compute dy (+)= coeff * (-t / y + (1 - t) / (1 - y)).

    fused: with respect to the input of the logistic neuron that gives y, coeff * (y - t).
    Divisors are at least the float type's smallest normal number.

    targets, y, dy: (classes, N).

    Source: docs/dialect.md, 7.
    """
