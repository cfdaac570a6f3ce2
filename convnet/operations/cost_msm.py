"""Softmax over sets of classes."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(labels: Array, energies: Array, values: Array, size: int) -> None:
    """Compute values = [sum of -log P(label in set), top-1 errors, top-`size` errors].

    P(set) is proportional to exp(the sum of its energies), over the sets of `size` classes.  With
    Z(k) the sum over sets of k classes, Z(k) = Z'(k) + exp(energy) * Z'(k - 1) class by class, Z'
    without that class.  Errors rank by energy.  A label that names no class has the float type's
    smallest normal number as probability.

    labels: (1, N), class indices; energies: (classes, N); values: float64 (3,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="de")
def backward(
    labels: Array, energies: Array, de: Array, size: int, coeff: float, accumulate: bool
) -> None:
    """Compute de (+)= coeff * (P(class in set) - P(class in set | label in set)).

    labels: (1, N), class indices; energies, de: (classes, N).

    Source: docs/dialect.md, 7.
    """
