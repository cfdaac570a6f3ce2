"""Sums along a tree of labels, and the update of its weights."""

from convnet.operations.declaration import Array, operation


@operation(writes="y")
def forward(products: Array, parents: Array, y: Array) -> None:
    """Sum along the tree: y[c] = the sum of `products` of the labels from the root to class c.

    products: (labels, N); parents: int32 (labels,), the parent of each label, -1 for the root;
    y: (classes, N).  The labels of classes come first.

    Source: docs/dialect.md, 3.9.
    """


@operation(writes="gradients")
def backward(dy: Array, parents: Array, order: Array, gradients: Array) -> None:
    """Compute gradients[k] = the sum of dy over the classes at or below label k.

    dy: (classes, N); parents: int32 (labels,), as for `forward`; order: int32 (labels,), the labels
    with parents before children; gradients: (labels, N).

    Source: docs/dialect.md, 3.9.
    """


@operation(writes="w v")
def update(w: Array, dw: Array, v: Array, hyper: Array, leaves: Array) -> None:
    """Take a step as `update.sgd`, with rate / z and decay / z for a label with z classes below.

    v = momentum * v - (rate / z) / cases * dw - (rate / z) * (decay / z) * w, w += v.

    w, dw, v: (labels, inputs); hyper: float64 (3,), momentum, rate / cases and rate * decay;
    leaves: int32 (labels,), z of each label.

    Source: docs/dialect.md, 3.9.
    """
