"""Checks of values in published data files: labels, class names, pixels, color statistics.

Each raises a DataError that names the file (`path`).
"""

from pathlib import Path

import numpy as np

from convnet.data.labels import checked_labels
from convnet.errors import DataError


def label_vector(path: Path, values: object, classes: int) -> np.ndarray:
    """Return labels as int64 (cases,), each in 0..classes-1.

    values: a list or an array of integers, or of one-element lists of integers, as in the batches
    of the original systems.
    """
    if isinstance(values, np.ndarray):
        values = values.ravel().tolist()
    if type(values) not in (list, tuple):
        raise DataError(f"{path}: its labels are not a list")
    return checked_labels(path, [_one_label(path, value) for value in values], classes)


def _one_label(path, value):
    if type(value) in (list, tuple):
        if len(value) != 1:
            raise DataError(
                f"{path}: has a case with {len(value)} labels; only sets with one label per case "
                "are supported"
            )
        value = value[0]
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if type(value) not in (int, float) or value != value // 1:
        raise DataError(f"{path}: has a label that is not an integer")
    return int(value)


def class_names(path: Path, values: object) -> tuple[str, ...]:
    """Return class names as text; Python 2 wrote them as bytes."""
    if type(values) not in (list, tuple) or not values:
        raise DataError(f"{path}: its class names are not a list of names")
    return tuple(_name(path, value) for value in values)


def _name(path, value):
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    if type(value) is not str:
        raise DataError(f"{path}: has a class name that is not text")
    return value


def pixel_matrix(path: Path, values: object) -> np.ndarray:
    """Return a two-dimensional array as uint8; other types must hold integers 0..255."""
    if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.size:
        raise DataError(f"{path}: its data is not an array of pixels x cases")
    pixels = values if values.dtype == np.uint8 else _as_bytes(values)
    if values is not pixels and not np.array_equal(pixels, values):
        raise DataError(f"{path}: its pixels are not all integers from 0 to 255")
    return pixels


def _as_bytes(values):
    with np.errstate(invalid="ignore"):
        return values.astype(np.uint8)


def color_pca(path: Path, values: object) -> tuple[np.ndarray, np.ndarray]:
    """Return standard deviations (3,) and eigenvectors (3, 3), in columns, of a set's colors."""
    pair = list(values) if type(values) in (list, tuple) else []
    arrays = [np.asarray(item) for item in pair if isinstance(item, np.ndarray)]
    good = [array.dtype.kind in "fiu" and np.isfinite(array).all() for array in arrays]
    if len(pair) != 2 or good != [True, True] or [a.size for a in arrays] != [3, 9]:
        raise DataError(f"{path}: its color_pca is not 3 standard deviations and 3x3 eigenvectors")
    return arrays[0].reshape(3).astype(np.float64), arrays[1].reshape(3, 3).astype(np.float64)
