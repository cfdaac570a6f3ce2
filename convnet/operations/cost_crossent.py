"""Cross entropy over a softmax, for targets that are probabilities."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(targets: Array, y: Array, values: Array) -> None:
    """Compute values = [sum of -t * log y, top-1 errors], each summed over the cases.

    A case is right if its most probable class has a target above 0, in fractions where classes tie.
    The log of 0 counts as -50.

    targets, y: (classes, N); values: float64 (2,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dy")
def backward(
    targets: Array, y: Array, dy: Array, coeff: float, fused: bool, accumulate: bool
) -> None:
    """Compute dy (+)= coeff * (-t / y).

    fused: with respect to the input of the softmax that gives y, coeff * (y * (sum of t) - t).  The
    divisor is at least the float type's smallest normal number.

    targets, y, dy: (classes, N).

    Source: docs/dialect.md, 7.
    """
