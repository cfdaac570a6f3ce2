"""Softmax over all classes of a case."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array) -> None:
    """Compute y = exp(x - max) / the sum of exp(x - max), case by case.

    x, y: (classes, N), which may be one array.

    Source: paper, 3.5; docs/dialect.md, 3.7.
    """


@operation(writes="dx")
def backward(y: Array, dy: Array, dx: Array, accumulate: bool) -> None:
    """Compute dx_i (+)= y_i * (dy_i - the sum of dy_j * y_j), case by case.

    y, dy, dx: (classes, N).  dx may be dy unless `accumulate`.

    Source: docs/dialect.md, 3.7.
    """
