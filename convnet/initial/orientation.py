"""Convert weights to the matrices of the original systems, and back.

Their matrices have one column per filter or output (docs/dialect.md, 3.2, 3.3 and 5.1): those of
fully connected layers are (inputs, outputs), those of conv layers (channels·rows·columns, filters);
local layers have one such block of rows for each output position.  Biases are (1, outputs) of fully
connected layers, else (filters, 1).
"""

import numpy as np


def weights_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (rows, columns) of the original's matrix for weights of `shape`."""
    if len(shape) == 2:
        return shape[1], shape[0]
    return int(np.prod(shape[:-1])), shape[-1]


def biases_shape(size: int, weights: tuple[int, ...]) -> tuple[int, int]:
    """Return (rows, columns) for `size` biases of a layer with weights of the shape `weights`."""
    return (1, size) if len(weights) == 2 else (size, 1)


def to_matrix(weights: np.ndarray) -> np.ndarray:
    """Return weights as the original's matrix."""
    return weights.T if weights.ndim == 2 else weights.reshape(-1, weights.shape[-1])


def from_matrix(matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the original's matrix, of `weights_shape(shape)`, as an array of `shape`."""
    ours = matrix.T if len(shape) == 2 else matrix.reshape(shape)
    return np.ascontiguousarray(ours)
