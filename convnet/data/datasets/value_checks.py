"""Checks of what the published data files hold: labels, class names, pixels."""

import numpy as np

from convnet.errors import DataError


def label_vector(path, values, classes: int) -> np.ndarray:
    """Labels as int64 (cases,), each in 0..classes-1.

    `values` is a list, or an array, of whole numbers or of one-element lists of them, as the
    originals' batches have it.
    """
    if isinstance(values, np.ndarray):
        values = values.ravel().tolist()
    if type(values) not in (list, tuple):
        raise DataError(f"{path}: its labels are no list")
    labels = [_one_label(path, value) for value in values]
    wrong = next((label for label in labels if not 0 <= label < classes), None)
    if wrong is not None:
        raise DataError(
            f"{path}: has the label {wrong}, but the set has {classes} classes, 0 to {classes - 1}"
        )
    return np.array(labels, np.int64)


def _one_label(path, value):
    if type(value) in (list, tuple):
        if len(value) != 1:
            raise DataError(
                f"{path}: has a case with {len(value)} labels; only sets with one label a case "
                "are read yet"
            )
        value = value[0]
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if type(value) not in (int, float) or value != value // 1:
        raise DataError(f"{path}: has a label that is no whole number")
    return int(value)


def class_names(path, values) -> tuple[str, ...]:
    """Names as text; Python 2 wrote them as bytes."""
    if type(values) not in (list, tuple) or not values:
        raise DataError(f"{path}: its names of classes are no list of names")
    return tuple(_name(path, value) for value in values)


def _name(path, value):
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    if type(value) is not str:
        raise DataError(f"{path}: has a name of a class that is no text")
    return value


def pixel_matrix(path, values) -> np.ndarray:
    """A two-dimensional array of pixels as uint8; other types must hold whole numbers 0..255."""
    if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.size:
        raise DataError(f"{path}: its data are no array of pixels x cases")
    pixels = values if values.dtype == np.uint8 else _as_bytes(values)
    if values is not pixels and not np.array_equal(pixels, values):
        raise DataError(f"{path}: its pixels are not all whole numbers from 0 to 255")
    return pixels


def _as_bytes(values):
    with np.errstate(invalid="ignore"):
        return values.astype(np.uint8)


def color_pca(path, values) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (3,) and eigenvectors (3, 3), in columns, of a set's colours."""
    pair = list(values) if type(values) in (list, tuple) else []
    arrays = [np.asarray(item) for item in pair if isinstance(item, np.ndarray)]
    good = [array.dtype.kind in "fiu" and np.isfinite(array).all() for array in arrays]
    if len(pair) != 2 or good != [True, True] or [a.size for a in arrays] != [3, 9]:
        raise DataError(f"{path}: its color_pca is not 3 standard deviations and 3x3 eigenvectors")
    return arrays[0].reshape(3).astype(np.float64), arrays[1].reshape(3, 3).astype(np.float64)
