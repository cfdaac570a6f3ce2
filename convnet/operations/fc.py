"""Full connections."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, w: Array, y: Array, accumulate: bool) -> None:
    """Multiply by the weights: y (+)= w x.

    x: (inputs, N); w: (outputs, inputs); y: (outputs, N).

    Source: docs/dialect.md, 3.2.
    """


@operation(writes="y")
def forward_fused(
    x: Array,
    w: Array,
    y: Array,
    accumulate: bool,
    biases: Array,
    kind: str,
    a: float,
    b: float,
) -> None:
    """Compute y = f(w x (+ y) + biases), where f is the neuron `kind` with parameters a, b.

    The biases are those of `bias.forward`, f is that of `neuron.forward`.

    x: (inputs, N); w: (outputs, inputs); y: (outputs, N); biases: (outputs,).

    Source: docs/dialect.md, 3.2 and 4.
    """


@operation(writes="dx")
def inputs_grad(dy: Array, w: Array, dx: Array, accumulate: bool) -> None:
    """Compute the gradient of the inputs: dx (+)= w' dy, w' the transpose of w.

    dy: (outputs, N); w: (outputs, inputs); dx: (inputs, N).

    Source: docs/dialect.md, 3.2.
    """


@operation(writes="dw")
def weights_grad(x: Array, dy: Array, dw: Array, accumulate: bool) -> None:
    """Compute the gradient of the weights: dw (+)= dy x', x' the transpose of x.

    x: (inputs, N); dy: (outputs, N); dw: (outputs, inputs).

    Source: docs/dialect.md, 3.2.
    """
