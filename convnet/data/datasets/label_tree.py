"""The tree of labels in `batches.meta`: `tree`, with its root under `all_wnids` (dialect, 3.9)."""

import numpy as np

from convnet.errors import DataError

_ROOT = "gproot"


def label_tree(path, meta: dict) -> tuple[dict[int, tuple[int, ...]], int] | None:
    """Label -> the labels below it, and the root; None without `tree`.  DataError.

    `tree` is a dictionary, or a list with a place for each label, of lists of labels.  That all
    hang together is not checked here, only that no label has two parents.
    """
    stored = meta.get("tree")
    if stored is None:
        return None
    if type(stored) in (list, tuple):
        stored = dict(enumerate(stored))
    if type(stored) is not dict:
        raise DataError(f"{path}: its tree is no dictionary of labels")
    wnids = meta.get("all_wnids")
    if type(wnids) is not dict or _ROOT not in wnids:
        raise DataError(f"{path}: has a tree of labels, but no root: {_ROOT!r} in all_wnids")
    children: dict[int, tuple[int, ...]] = {}
    seen: set[int] = set()
    for label, below in stored.items():
        children[_label(path, label)] = _new_labels(path, below, seen)
    return children, _label(path, wnids[_ROOT])


def _new_labels(path, values, seen) -> tuple[int, ...]:
    """One label's list; `seen` holds those below other labels, so that lists cannot repeat."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    if type(values) not in (list, tuple):
        raise DataError(f"{path}: its tree has something else than a list of labels below a label")
    for value in values:
        if _label(path, value) in seen:
            raise DataError(f"{path}: its tree has label {value} below two labels, or twice")
        seen.add(value)
    return tuple(values)


def _label(path, value) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise DataError(f"{path}: its tree has a label that is no whole number from 0")
    return value
