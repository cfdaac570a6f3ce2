"""The one check of labels: every data set makes it where it reads them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convnet.errors import DataError


def checked_labels(
    source: str | Path,
    labels: Sequence[int] | np.ndarray,
    classes: int,
    cases: np.ndarray | None = None,
) -> np.ndarray:
    """Return labels as int64 (cases,), each in 0..classes-1.

    source: the file, or the name of the data set, for the message; cases: the numbers of the cases
    in it, by default 0, 1, ...  DataError for a label that is not an integer, or that names no
    class.
    """
    found = np.asarray(labels)
    if found.ndim != 1:
        raise DataError(f"{source}: its labels have the shape {found.shape}, not one for each case")
    if found.dtype.kind not in "iu" and found.size:
        raise DataError(f"{source}: its labels are of type {found.dtype}, not integers")
    wrong = np.flatnonzero((found < 0) | (found >= classes))
    if len(wrong):
        first = int(wrong[0])
        case = first if cases is None else int(cases[first])
        raise DataError(
            f"{source}: case {case:,} has the label {found[first]}, but the set has {classes:,} "
            f"classes, 0 to {classes - 1:,}: correct the labels, or the list of classes"
        )
    return found.astype(np.int64, copy=False)
