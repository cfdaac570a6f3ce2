"""Fixed linear maps of some layer types, float64."""

import numpy as np
import numpy.typing as npt

from convnet.layers.tree import Tree
from convnet.operations.blur import gaussian_taps

LinearMap = npt.NDArray[np.float64]

XYZ = ((0.49, 0.31, 0.2), (0.17697, 0.8124, 0.01063), (0.0, 0.01, 0.99))
LAB = ((0.0, 116.0, 0.0), (500.0, -500.0, 0.0), (0.0, 200.0, -200.0))
BEND, ROOT, STEEPNESS, SHIFT = 0.0088564517, 0.3333, 7.787037, 0.13793103
"""f(t) = t ** ROOT above BEND, else STEEPNESS·t + SHIFT (docs/dialect.md, 3.7, rgb2lab)."""


def interpolation(side: int, outputs: int, scale: float) -> LinearMap:
    """Return R (outputs, side) for which R·x·Rᵀ is an image resized (docs/dialect.md, 3.7)."""
    points = np.clip(np.arange(outputs) * scale + (side - outputs * scale) / 2, 0, side - 1.01)
    points = np.maximum(points, 0)  # an image of one pixel
    first = points.astype(int)
    share, matrix, rows = points - first, np.zeros((outputs, side)), np.arange(outputs)
    np.add.at(matrix, (rows, first), 1 - share)
    np.add.at(matrix, (rows, np.minimum(first + 1, side - 1)), share)
    return matrix


def gaussian(size: int, stdev: float) -> LinearMap:
    """Return the filter (size, size) of a `blur` layer."""
    taps = gaussian_taps(size, stdev)
    return np.outer(taps, taps)


def paths(tree: Tree) -> LinearMap:
    """Return (classes, labels): 1 where a label is on the way from the root to a class.

    (docs/dialect.md, 3.9)
    """
    parents = tree.parents()
    found = np.zeros((tree.classes, tree.size))
    for label in range(tree.classes):
        at = label
        while at >= 0:
            found[label, at] = 1
            at = parents[at]
    return found
