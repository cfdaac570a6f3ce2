"""The elementwise nonlinearities."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(x: Array, y: Array, kind: str, a: float, b: float) -> None:
    """Apply the neuron `kind`: y = f(x).

    x, y: (rows, N), which may be one array.  a, b: the neuron's parameters, or 0.

    Source: paper, 3.1; docs/dialect.md, 4.
    """


@operation(writes="dx")
def backward(
    x: Array, y: Array, dy: Array, dx: Array, kind: str, a: float, b: float, accumulate: bool
) -> None:
    """Compute dx (+)= f'(x) * dy.

    The derivative of drelu, abs, square and log is taken from x, that of every other kind from y,
    so that y may have overwritten x.

    x, y, dy, dx: (rows, N).  dx may be dy unless `accumulate`.

    Source: paper, 3.1; docs/dialect.md, 4.
    """


@operation(writes="dx db")
def backward_fused(
    x: Array,
    y: Array,
    dy: Array,
    dx: Array,
    kind: str,
    a: float,
    b: float,
    db: Array,
    db_adds: bool,
) -> None:
    """Compute dx = f'(x) * dy as `backward`, and db[r] (+)= the sum of dx[r, :] as `bias.grad`.

    db_adds: db is added to.  dx may be dy.

    x, y, dy, dx: (rows, columns); db: (rows,).

    Source: docs/dialect.md, 3.2, 3.3 and 4.
    """


@operation(writes="y")
def noisy(x: Array, y: Array, random: Array) -> None:
    """Apply nrelu: y = max(0, r + sqrt(r) * noise), r = max(0, x), noise normal of variance 1.

    The noise is sampled at each call from the Philox generator in the state `random`.  The four
    words of a group give two pairs (u1, u2), u = ((word >> 8) + 1) * 2**-24; each pair gives two
    consecutive elements sqrt(-2 * log u1) * cos(2 * pi * u2) and the same with sin.

    x, y: (rows, N), which may be one array; random: uint32 (state,).

    Source: docs/dialect.md, 4.
    """
