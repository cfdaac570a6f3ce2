"""Checks of the options that a user gives a network in Python."""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from convnet.errors import ConvnetError
from convnet.graph.dialect import TITLES

MOST_CASES = 1 << 31  # of a minibatch
MOST_SEEDS = 1 << 64


def check_options(
    *,
    minibatch: int,
    seed: int,
    dtype: npt.DTypeLike,
    dialect: str | None,
    data_dims: Mapping[int, int] | None,
    classes: int | None,
) -> None:
    """Raise ConvnetError, with the option's name and what it may be, for the first that cannot be.

    The arguments are those of `convnet.Net`.
    """
    _check_integer("minibatch", minibatch, 1, MOST_CASES)
    _check_integer("seed", seed, 0, MOST_SEEDS)
    if classes is not None:
        _check_integer("classes", classes, 1, 1 << 31)
    if not _is_real(dtype):
        raise ConvnetError(f"dtype is float32 or float64, found {dtype!r}")
    if dialect is not None and dialect not in TITLES:
        raise ConvnetError(f"dialect is one of {', '.join(TITLES)} or None, found {dialect!r}")
    if data_dims is not None:
        if not isinstance(data_dims, Mapping):
            raise ConvnetError(
                "data_dims is a dictionary from dataIdx to values a case, such as {0: 3072, 1: 1}, "
                f"found {data_dims!r}"
            )
        for index, rows in data_dims.items():
            _check_integer("a dataIdx in data_dims", index, 0, 65)
            _check_integer(f"data_dims[{index}]", rows, 1, 1 << 31)


def _check_integer(name: str, value: Any, low: int, limit: int) -> None:
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if not low <= number < limit:
        raise ConvnetError(f"{name} is an integer from {low} to {limit - 1}, found {value!r}")


def _is_real(dtype: npt.DTypeLike) -> bool:
    try:
        return np.dtype(dtype) in (np.dtype(np.float32), np.dtype(np.float64))
    except TypeError:
        return False
