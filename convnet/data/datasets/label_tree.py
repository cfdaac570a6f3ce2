"""The tree of labels in `batches.meta` (docs/dialect.md, 3.9)."""

from pathlib import Path

import numpy as np

from convnet.data.datasets.value_checks import whole
from convnet.errors import DataError

_ROOT = "gproot"


def label_tree(
    path: Path, stored: object, wnids: object
) -> tuple[dict[int, tuple[int, ...]], int] | None:
    """Return label -> the labels below it, and the root; None without a tree.

    stored, wnids: `tree` and `all_wnids` of `batches.meta`.  `tree` is a dictionary of lists of
    labels, or a list with one such list per label.  DataError if a label is not an integer or has
    two parents; whether the labels are connected is not checked.
    """
    if stored is None:
        return None
    if type(stored) in (list, tuple):
        stored = dict(enumerate(stored))
    if type(stored) is not dict:
        raise DataError(f"{path}: its tree is not a dictionary of labels")
    if type(wnids) is not dict or _ROOT not in wnids:
        raise DataError(
            f"{path}: has a tree of labels but no root, which is {_ROOT!r} in all_wnids"
        )
    children: dict[int, tuple[int, ...]] = {}
    seen: set[int] = set()
    for label, below in stored.items():
        children[_label(path, label)] = _new_labels(path, below, seen)
    return children, _label(path, wnids[_ROOT])


def _new_labels(path, values, seen) -> tuple[int, ...]:
    """Return one label's list; `seen` collects the labels of all lists, to find repetitions."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    if type(values) not in (list, tuple):
        raise DataError(f"{path}: its tree has a label whose children are not a list of labels")
    labels = tuple(_label(path, value) for value in values)
    for label in labels:
        if label in seen:
            raise DataError(f"{path}: its tree has label {label} below two labels, or twice")
        seen.add(label)
    return labels


def _label(path, value) -> int:
    value = whole(value)
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise DataError(f"{path}: its tree has a label that is not an integer >= 0")
    return value
