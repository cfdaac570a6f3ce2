"""Scaled copies and sums."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def scale(x: Array, y: Array, factor: float, accumulate: bool) -> None:
    """Copy or add scaled values: y (+)= factor * x.

    concat, the test pass of dropout and the sums of gradients consist of it.

    x, y: (...), of one shape; they may be one array.

    Source: docs/dialect.md, 3.7.
    """


@operation(writes="y")
def weighted_sum(a: Array, b: Array, y: Array, factor_a: float, factor_b: float) -> None:
    """Compute y = factor_a * a + factor_b * b, the first two terms of eltsum.

    a, b, y: (...), of one shape; y is neither a nor b.

    Source: docs/dialect.md, 3.7.
    """
