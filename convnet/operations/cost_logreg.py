"""Multinomial logistic regression over a softmax."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(labels: Array, probabilities: Array, values: Array, topk: int) -> None:
    """Compute values = [sum of -log p, top-1 errors, top-`topk` errors] over the cases.

    p is the label's probability, at least the float type's smallest normal number.  Probabilities
    that tie with it share the places left to them, so errors may be fractions.  A label that names
    no class counts as a wrong answer of the smallest probability.

    labels: (1, N), class indices; probabilities: (classes, N); values: float64 (3,).

    Source: paper, 3.5; docs/dialect.md, 7.
    """


@operation(writes="dprobabilities")
def backward(
    labels: Array,
    probabilities: Array,
    dprobabilities: Array,
    coeff: float,
    fused: bool,
    accumulate: bool,
) -> None:
    """Compute dprobabilities (+)= coeff * (-onehot(label) / p).

    fused: with respect to the input of the softmax that gives p, coeff * (p - onehot(label)).  The
    one-hot vector of a label that names no class is zero.

    labels: (1, N), class indices; probabilities, dprobabilities: (classes, N).

    Source: paper, 3.5; docs/dialect.md, 7.
    """
