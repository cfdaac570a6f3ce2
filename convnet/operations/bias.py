"""Biases."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(b: Array, y: Array) -> None:
    """Add a bias to each row: y[r, :] += b[r].

    b: (rows,); y: (rows, columns).  A row is one output, its columns the cases; where the modules
    of a filter share their bias it is one filter, its columns all modules and cases.

    Source: docs/dialect.md, 3.2 and 3.3.
    """


@operation(writes="db")
def grad(dy: Array, db: Array, accumulate: bool) -> None:
    """Compute the gradient of the biases: db[r] (+)= the sum of dy[r, :].

    dy: (rows, columns), as y of `forward`; db: (rows,).

    Source: docs/dialect.md, 3.2 and 3.3.
    """
