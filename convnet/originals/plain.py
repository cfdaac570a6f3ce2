"""Values of an old model, made safe to look at: no sharing, no cycles, no arrays by surprise.

A pickle may share one object in many places, and contain itself.  What is small in the file can
then take for ever to compare or to show.  Here every value is copied to a limited depth, each
object once, and what is too deep or stands for too many values becomes `UNKNOWN`.  UNKNOWN is of
none of the types that readers accept, so they name the key as one of an unknown form.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from convnet.data.pickle.records import Record

UNKNOWN = Record("an unknown form", ())
_DEEPEST = 5  # a list by input, of schedules, of parameters
_MOST = 10_000_000  # values that one key stands for
_LARGEST_LIST = 100_000  # values of an array that becomes a list


def plain_keys(values: Mapping[Any, Any], arrays: tuple[str, ...] = ()) -> dict[Any, Any]:
    """Return a copy of a dictionary with plain values: see `plain`.

    arrays: the keys whose values are arrays or lists of arrays, which stay as they are.
    """
    return {key: plain(value, key in arrays) for key, value in values.items()}


def plain(value: Any, keeps_arrays: bool = False) -> Any:
    """Return a copy of numbers, texts, lists, tuples and dictionaries, at most five levels deep.

    Arrays become lists (numbers, if they have one value) unless `keeps_arrays`.  Records stay.
    """
    return _Copy(keeps_arrays).of(value, _DEEPEST)[0]


class _Copy:
    """One walk over a value.  `seen`: (object, depth) -> its copy and the values it stands for."""

    def __init__(self, keeps_arrays: bool):
        self.keeps_arrays = keeps_arrays
        self.seen: dict[tuple[int, int], tuple[Any, int]] = {}

    def of(self, value: Any, depth: int) -> tuple[Any, int]:
        if type(value) is np.ndarray:
            return (value, 1) if self.keeps_arrays else self._listed(value)
        if type(value) not in (list, tuple, dict):
            return value, 1
        if depth == 0:
            return UNKNOWN, 1
        key = id(value), depth
        if key not in self.seen:
            self.seen[key] = self._container(value, depth - 1)
        return self.seen[key]

    def _container(self, value: Any, depth: int) -> tuple[Any, int]:
        values = value.values() if type(value) is dict else value
        found = [self.of(each, depth) for each in values]
        total = 1 + sum(size for _, size in found)
        if total > _MOST:
            return UNKNOWN, 1
        copies = [copy for copy, _ in found]
        if type(value) is dict:
            return dict(zip(value, copies, strict=True)), total
        return type(value)(copies), total

    @staticmethod
    def _listed(array: np.ndarray) -> tuple[Any, int]:
        if array.size == 1:
            return array.item(), 1
        return (array.tolist(), array.size) if array.size <= _LARGEST_LIST else (UNKNOWN, 1)
