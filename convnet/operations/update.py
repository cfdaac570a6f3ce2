"""Updates of weights, and constraints on them."""

from convnet.operations.declaration import Array, operation


@operation(writes="w v")
def sgd(w: Array, dw: Array, v: Array, hyper: Array) -> None:
    """Take a step with momentum: v = momentum * v - rate / cases * dw - rate * decay * w, w += v.

    w, dw, v: (...), of one shape; hyper: float64 (3,), momentum, rate / cases and rate * decay.

    Source: paper, 5; docs/dialect.md, 6.2.
    """


@operation(writes="w v mean square")
def by_deviation(
    w: Array,
    dw: Array,
    v: Array,
    mean: Array,
    square: Array,
    hyper: Array,
    epsilon: float,
) -> None:
    """Take a step divided by the gradient's deviation (`superEps`).

    g = -dw / cases, mean = momentum * mean + (1 - momentum) * g, square likewise of g**2, then
    v = 0.9 * v + rate * g / sqrt(square - mean + epsilon) - rate * decay * w, w += v.  The mean is
    subtracted unsquared, as in the 2012 source: where it exceeds square + epsilon, v is NaN.

    w, dw, v, mean, square: (...), of one shape; hyper: float64 (4,), momentum, rate / cases,
    rate * decay and 1 / cases.

    Source: docs/dialect.md, 6.3.
    """


@operation(writes="dw_to")
def scaled_add(dw_from: Array, dw_to: Array, factor: Array) -> None:
    """Add a user's gradient of shared weights: dw_to += factor[0] * dw_from.

    dw_from, dw_to: (...), of one shape; factor: float64 (1,).

    Source: docs/dialect.md, 5.2.
    """


@operation(writes="w3")
def weight_ball(w3: Array, limit: float, always: bool) -> None:
    """Scale each filter of an L2 norm above `limit`, or every one if `always`, to that norm.

    A filter is a column of a block.  A filter of zeros stays.

    w3: (blocks, weights, filters).

    Source: docs/dialect.md, 6.5 (`wball`).
    """


@operation(writes="w3")
def contrast(w3: Array, low: float, high: float) -> None:
    """Scale each filter so that its contrast lies in [low, high]; a bound of 0 is off.

    The contrast is sqrt(the sum of (w - mean)**2) / the number of weights.  A filter is a column of
    a block.  A filter without contrast stays.

    w3: (blocks, weights, filters).

    Source: docs/dialect.md, 6.5 (`wcNormMax`, `wcNormMin`).
    """
