"""Binary cross entropy with weighted positive targets."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(targets: Array, y: Array, values: Array, weight: float) -> None:
    """Compute values = [cost, wrong share, top-1 errors], each summed over the cases.

    cost: the sum over outputs of -(weight * t * log y + (1 - t) * log(1 - y)); wrong share: outputs
    on another side of 0.5 than their target, divided by the number of outputs; top-1 errors: cases
    whose largest output has no target above 0, in fractions where outputs tie.  The log of 0 counts
    as -50.

    targets, y: (outputs, N); values: float64 (3,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dy")
def backward(
    targets: Array,
    y: Array,
    dy: Array,
    weight: float,
    coeff: float,
    fused: bool,
    accumulate: bool,
) -> None:
    """Compute dy (+)= coeff * (-weight * t / y + (1 - t) / (1 - y)).

    fused: with respect to the input of the logistic neuron that gives y, coeff * (-weight * t *
    (1 - y) + (1 - t) * y).  Divisors are at least the float type's smallest normal number.

    targets, y, dy: (outputs, N).

    Source: docs/dialect.md, 7.
    """
