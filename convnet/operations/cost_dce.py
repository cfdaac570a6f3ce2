"""Binary cross entropy with counts for precision and recall."""

from convnet.operations.declaration import Array, operation


@operation(writes="values")
def forward(targets: Array, y: Array, values: Array, weight: float) -> None:
    """Compute values = [cost, wrong share, then by class: declared, positive, both].

    cost and wrong share as for `cost_bce.forward`; declared: cases with y > 0.5; positive: with
    t > 0.5; both: with y and t > 0.5.  All are summed over the cases.  The gradient is that of
    `cost_bce.backward`.

    targets, y: (classes, N); values: float64 (2 + 3 * classes,).

    Source: docs/dialect.md, 7.
    """
