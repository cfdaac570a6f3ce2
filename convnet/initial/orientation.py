"""Weights as the matrices of the original systems, and back (dialect, 3.2, 3.3 and 5.1).

The originals' matrices have one column a filter or output: fully connected ones are (inputs,
outputs), those of filters (channels·rows·columns, filters), of local layers one block of rows for
each output position.  Biases are (1, outputs) where fully connected, else (filters, 1).
"""

import numpy as np


def weights_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """(rows, columns) of the original's matrix for weights of our `shape`."""
    if len(shape) == 2:
        return shape[1], shape[0]
    return int(np.prod(shape[:-1])), shape[-1]


def biases_shape(size: int, weights: tuple[int, ...]) -> tuple[int, int]:
    """(rows, columns) for `size` biases of a layer whose weights have our shape `weights`."""
    return (1, size) if len(weights) == 2 else (size, 1)


def to_matrix(weights: np.ndarray) -> np.ndarray:
    """Our array as the original's matrix."""
    return weights.T if weights.ndim == 2 else weights.reshape(-1, weights.shape[-1])


def from_matrix(matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The original's matrix, of `weights_shape(shape)`, as our array of `shape`."""
    ours = matrix.T if len(shape) == 2 else matrix.reshape(shape)
    return np.ascontiguousarray(ours)
