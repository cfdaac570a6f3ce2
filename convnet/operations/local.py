"""Local connections: every position has filters of its own."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(
    x: Array,
    w: Array,
    y: Array,
    padding: int,
    stride: int,
    groups: int,
    accumulate: bool,
) -> None:
    """Apply each module's filters to its window: y (+)= the sum of w[module] * x.

    Module (i, j) reads the K x K window whose first pixel is (i * stride - padding,
    j * stride - padding); pixels outside the image are zero.  Filters are not flipped.  Of `groups`
    groups, the filters of group g see the channels of group g only.

    x: (C, S, S, N); w: (M * M, C / groups, K, K, F); y: (F, M, M, N).

    Source: docs/dialect.md, 3.3.
    """


@operation(writes="y")
def forward_fused(
    x: Array,
    w: Array,
    y: Array,
    padding: int,
    stride: int,
    groups: int,
    accumulate: bool,
    biases: Array,
    kind: str,
    a: float,
    b: float,
) -> None:
    """Compute y = f(`forward` (+ y) + biases), where f is the neuron `kind` with parameters a, b.

    The biases are those of `bias.forward`, one an output; f is that of `neuron.forward`.

    x: (C, S, S, N); w: (M * M, C / groups, K, K, F); y: (F, M, M, N); biases: (F * M * M,).

    Source: docs/dialect.md, 3.3 and 4.
    """


@operation(writes="dx")
def images_grad(
    dy: Array,
    w: Array,
    dx: Array,
    padding: int,
    stride: int,
    groups: int,
    accumulate: bool,
) -> None:
    """Compute the gradient of the images: dx (+)= the transpose of `forward` applied to dy.

    Each pixel gathers w * dy from the modules whose windows contain it.

    dy: (F, M, M, N); w: (M * M, C / groups, K, K, F); dx: (C, S, S, N).

    Source: docs/dialect.md, 3.3.
    """


@operation(writes="dw")
def weights_grad(
    x: Array,
    dy: Array,
    dw: Array,
    padding: int,
    stride: int,
    groups: int,
    accumulate: bool,
) -> None:
    """Compute the gradient of the weights: dw (+)= x * dy, summed over cases.

    x: (C, S, S, N); dy: (F, M, M, N); dw: (M * M, C / groups, K, K, F).

    Source: docs/dialect.md, 3.3.
    """
