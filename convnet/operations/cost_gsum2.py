"""Sum of squares, each case times its gate."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(gate: Array, x: Array, values: Array) -> None:
    """Compute values = [sum over cases of gate * the sum of x**2].

    gate: (1, N); x: (rows, N); values: float64 (1,).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dgate")
def gate_grad(x: Array, dgate: Array, coeff: float, accumulate: bool) -> None:
    """Compute the gradient of the gates: dgate (+)= coeff * the sum of x**2 of each case.

    x: (rows, N); dgate: (1, N).

    Source: docs/dialect.md, 7.
    """


@operation(writes="dx")
def inputs_grad(gate: Array, x: Array, dx: Array, coeff: float, accumulate: bool) -> None:
    """Compute the gradient of the inputs: dx (+)= coeff * 2 * gate * x.

    gate: (1, N); x, dx: (rows, N).

    Source: docs/dialect.md, 7.
    """
