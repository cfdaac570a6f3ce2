"""Full connection over a tree of labels. docs/dialect.md, 3.9.

children: label -> labels below it; a label without any is a class. w (labels, inputs).
"""

import numpy as np

from tests.support.reference.learning import update


def _paths(children, root, above=()):
    """Yield (class, the labels from the root to it)."""
    path = (*above, root)
    if not children.get(root):
        yield root, path
    for child in children.get(root, ()):
        yield from _paths(children, child, path)


def _vectors(w, children, root):
    """Each class' weights: the sum of the offsets on its path."""
    vectors = {c: sum(w[label] for label in path) for c, path in _paths(children, root)}
    return np.array([vectors[c] for c in range(len(vectors))])


def treefc(x, w, children, root):
    """y (classes, N) from x (inputs, N)."""
    return _vectors(np.asarray(w, np.float64), children, root) @ np.asarray(x, np.float64)


def treefc_grads(x, w, dy, children, root):
    """(dx, dw)"""
    x, w, dy = (np.asarray(array, np.float64) for array in (x, w, dy))
    dw = np.zeros(w.shape)
    for c, path in _paths(children, root):
        for label in path:
            dw[label] += x @ dy[c]
    return _vectors(w, children, root).T @ dy, dw


def tree_update(w, v, gradient_sum, cases, rate, momentum, decay, children, root):
    """(w, v) after one step: rate and decay of a label are divided by the classes below it."""
    w, v = np.array(w, np.float64), np.zeros(w.shape) + v
    below = np.zeros(len(w))
    for _, path in _paths(children, root):
        below[list(path)] += 1
    for label, z in enumerate(below):
        row = w[label], v[label], gradient_sum[label]
        w[label], v[label] = update(*row, cases, rate / z, momentum, decay / z)
    return w, v
