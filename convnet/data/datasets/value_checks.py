"""Checks of values in published data files: labels, class names, pixels, color statistics.

Each raises a DataError that names the file (`path`).
"""

import math
from pathlib import Path

import numpy as np

from convnet.data.labels import checked_labels
from convnet.errors import DataError

MAX_CLASSES = 1_000_000


def plain(value: object) -> object:
    """Return a NumPy scalar, or an array of one value, as Python's own; anything else as it is.

    Old programs stored counts and names as NumPy scalars, 0-d arrays, or bytes, which become text.
    """
    if isinstance(value, np.ndarray | np.generic) and value.size == 1:
        value = value.reshape(-1)[0].item() if isinstance(value, np.ndarray) else value.item()
    return value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else value


def whole(value: object) -> object:
    """Return a number without a fraction as an int; anything else as `plain` does."""
    value = plain(value)
    return int(value) if type(value) is float and value.is_integer() else value


def label_vector(path: Path, values: object, classes: int, offset: int = 0) -> np.ndarray:
    """Return labels as int64 (cases,), each in 0..classes-1.

    values: a list or an array of integers, or of one-element lists of integers, as in the batches
    of the original systems.  offset: what is added to each of them.
    """
    labels = [_one_label(path, value) + offset for value in _listed_labels(path, values)]
    try:
        return checked_labels(path, labels, classes)
    except DataError as problem:
        if not offset:
            raise
        raise DataError(f"{problem} (a label_offset of {offset} was added to it)") from None


def _listed_labels(path, values):
    if isinstance(values, np.ndarray):
        values = values.ravel().tolist()
    if type(values) not in (list, tuple):
        raise DataError(f"{path}: its labels are not a list")
    return values


def _one_label(path, value):
    if type(value) in (list, tuple) or (isinstance(value, np.ndarray) and value.ndim):
        if len(value) != 1:
            raise DataError(
                f"{path}: has a case with {len(value)} labels; only sets with one label per case "
                "are supported"
            )
        value = value[0]
    value = plain(value)
    if type(value) not in (int, float) or not math.isfinite(value) or value != value // 1:
        raise DataError(f"{path}: has a label that is not an integer")
    return int(value)


def class_names(path: Path, values: object) -> tuple[str, ...]:
    """Return class names as text; programs also stored them as bytes, numbers or NumPy scalars."""
    if isinstance(values, np.ndarray) and values.ndim:
        values = values.ravel().tolist()
    if type(values) is dict and set(values) == set(range(len(values))):
        values = [values[label] for label in range(len(values))]
    if type(values) not in (list, tuple) or not values:
        raise DataError(f"{path}: its class names are not a list of names")
    return tuple(_name(path, value) for value in values)


def _name(path, value):
    value = whole(value)
    if type(value) not in (str, int, float):
        raise DataError(f"{path}: has a class name that is neither text nor a number")
    return str(value).encode("utf-8", "replace").decode()  # half a surrogate pair is no character


def pixel_matrix(path: Path, values: object) -> np.ndarray:
    """Return a two-dimensional array as uint8 if it holds only integers 0..255, else as float32.

    Other values are images that were whitened, scaled to 0..1, or measured in other units.
    """
    if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.size:
        raise DataError(f"{path}: its data is not an array of pixels x cases")
    if values.dtype.kind not in "fiub":
        raise DataError(f"{path}: its data is not an array of numbers")
    if values.dtype == np.uint8:
        return values
    with np.errstate(invalid="ignore", over="ignore"):
        small, real = values.astype(np.uint8), values.astype(np.float32)
    if np.array_equal(small, values):
        return small
    if not np.isfinite(real).all():
        row, case = np.argwhere(~np.isfinite(real))[0]
        raise DataError(
            f"{path}: its data has the value {values[row, case]} (row {row}, column {case}); all "
            "pixels must be finite numbers of float32"
        )
    return real


def color_pca(path: Path, values: object) -> tuple[np.ndarray, np.ndarray]:
    """Return standard deviations (3,) and eigenvectors (3, 3), in columns, of a set's colors."""
    pair = list(values) if type(values) in (list, tuple) else []
    arrays = [np.asarray(item) for item in pair if isinstance(item, np.ndarray)]
    good = [array.dtype.kind in "fiu" and np.isfinite(array).all() for array in arrays]
    if len(pair) != 2 or good != [True, True] or [a.size for a in arrays] != [3, 9]:
        raise DataError(f"{path}: its color_pca is not 3 standard deviations and 3x3 eigenvectors")
    return arrays[0].reshape(3).astype(np.float64), arrays[1].reshape(3, 3).astype(np.float64)
