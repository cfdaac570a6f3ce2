"""The decorator of compiled loops."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba  # type: ignore[import-untyped]

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Return the function compiled by Numba at its first call; its result is cached on disk."""
    return cast(Function, numba.njit(cache=True)(function))
