"""Split full connections: a product of its own for each slice of the inputs."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, w: Array, y: Array, parts: int, accumulate: bool) -> None:
    """Multiply slice by slice: slice k of y (+)= w_k times slice k of x.

    w_k are the columns of w that meet slice k of x.

    x: (inputs, N); w: (outputs, inputs); y: (parts * outputs, N).

    Source: docs/dialect.md, 3.10.
    """


@operation(writes="y")
def forward_fused(
    x: Array,
    w: Array,
    y: Array,
    parts: int,
    accumulate: bool,
    biases: Array,
    kind: str,
    a: float,
    b: float,
) -> None:
    """Compute y = f(`forward` (+ y) + biases), where f is the neuron `kind` with parameters a, b.

    The biases are those of `bias.forward`, f is that of `neuron.forward`.

    x: (inputs, N); w: (outputs, inputs); y: (parts * outputs, N); biases: (parts * outputs,).

    Source: docs/dialect.md, 3.10 and 4.
    """


@operation(writes="dx")
def inputs_grad(dy: Array, w: Array, dx: Array, parts: int, accumulate: bool) -> None:
    """Compute the gradient of the inputs: slice k of dx (+)= w_k' times slice k of dy.

    dy: (parts * outputs, N); w: (outputs, inputs); dx: (inputs, N).

    Source: docs/dialect.md, 3.10.
    """


@operation(writes="dw")
def weights_grad(x: Array, dy: Array, dw: Array, parts: int, accumulate: bool) -> None:
    """Compute the gradient of the weights: dw_k (+)= slice k of dy times slice k of x, transposed.

    x: (inputs, N); dy: (parts * outputs, N); dw: (outputs, inputs).

    Source: docs/dialect.md, 3.10.
    """
