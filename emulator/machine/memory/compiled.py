"""The decorators of compiled loops.

Their arrays are not reference-counted (`_nrt`), which the caller's references make unnecessary as
they allocate nothing: counting takes several times as long as the loops themselves.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}


def compiled(function: Function) -> Function:
    """Return the function compiled by Numba at its first call; its result is cached on disk."""
    return cast(Function, numba.njit(cache=True, **_OPTIONS)(function))


def inlined(function: Function) -> Function:
    """Return a function for compiled ones in its file to call, which it becomes part of.

    Not for those of other files: Numba's cache does not look at the files of what is called.
    """
    return cast(Function, numba.njit(inline="always", **_OPTIONS)(function))
