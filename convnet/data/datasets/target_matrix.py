"""Targets of regression in data batches: real values for each case, in place of a class.

The original programs trained on them with a data provider of the user's own, whose matrix 1 held
`labels` as they are stored: a matrix with one column for each case (docs/dialect.md, 9.1).
"""

from pathlib import Path

import numpy as np

from convnet.errors import DataError


def holds_targets(values: object, cases: int, has_classes: bool) -> bool:
    """Return whether `labels` of a batch are targets: several values a case, or fractions.

    has_classes: the set names its classes, so a single value with a fraction is a mistake.
    """
    matrix = _as_matrix(values)
    if matrix is None or not matrix.size:
        return False
    return matrix.size > max(matrix.shape) or (not has_classes and _has_fractions(matrix))


def target_matrix(path: Path, values: object, cases: int) -> np.ndarray:
    """Return targets as float32 (targets, cases).

    values: a matrix with a column (or a row) for each case, or a list with a list for each.
    DataError, with the file, for another number of cases and for values that are not finite.
    """
    matrix = _as_matrix(values)
    if matrix is None or cases not in matrix.shape:
        shape = "no matrix" if matrix is None else "x".join(map(str, matrix.shape))
        raise DataError(
            f"{path}: its labels are {shape}, but there are {cases} cases with targets; labels "
            "must be a matrix with one column for each case"
        )
    matrix = matrix if matrix.shape[1] == cases else matrix.T
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(matrix, np.float32)
    if not np.isfinite(found).all():
        row, case = np.argwhere(~np.isfinite(found))[0]
        raise DataError(
            f"{path}: its labels have the value {matrix[row, case]} (row {row}, column {case}); "
            "targets must be finite numbers of float32"
        )
    return found


def _as_matrix(values) -> np.ndarray | None:
    """Return `labels` as a matrix whose columns, if it was a list, are the cases; None if none."""
    if isinstance(values, np.ndarray):
        matrix = values if values.ndim == 2 else values.reshape(1, -1)
        return matrix if matrix.dtype.kind in "fiub" else None
    rows = [_numbers(value) for value in values] if type(values) in (list, tuple) else []
    if not rows or not all(rows) or len({len(row) for row in rows}) != 1:
        return None
    try:
        return np.array(rows, np.float64).T
    except OverflowError:
        return None


def _numbers(value) -> list[float]:
    """Return the numbers of one case; [] if they are something else."""
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    listed = list(value) if type(value) in (list, tuple) else [value]
    return listed if all(type(number) in (int, float) for number in listed) else []


def _has_fractions(matrix) -> bool:
    """Whether one value is a number with a fraction; NaN is left to the reader of labels."""
    if matrix.dtype.kind != "f":
        return False
    finite = matrix[np.isfinite(matrix)]
    return bool((finite != np.floor(finite)).any())
