"""Capture the kernel calls of a function, and replay them without the function.

Between two kernels Python computes scratch arrays, numbers and types, which takes tens of
microseconds: noticeable in a network of small layers.  Within `captured` a kernel does not run.
Instead its call is stored with all arguments, so that a program can replay it once the kernel is
compiled (`convnet.compiling.building`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba

_calls: ContextVar[list[Callable] | None] = ContextVar("captured kernel calls", default=None)
_prepares: ContextVar[bool] = ContextVar("captured calls prepare weights", default=False)


@dataclass(frozen=True, eq=False)
class KernelCall:
    """A captured call of a kernel.

    dispatcher: Numba's.  types: of the arguments.  prepares: what it computes depends on weights
    alone (`preparing`).
    """

    dispatcher: Any
    types: tuple
    arguments: tuple
    prepares: bool = False

    def __call__(self) -> None:
        self.compiled()()

    def compiled(self) -> Callable[[], None]:
        """Return the call in the form that runs fastest, compiling the kernel if need be."""
        return partial(self.dispatcher.compile(self.types), *self.arguments)


def repeatable(function):
    """Mark a function whose captured kernel calls may be replayed in its place.

    Such a function does nothing but call kernels.  Their arguments depend only on the shapes, types
    and addresses of its own arguments, never on a value in an array, which may change between runs.
    """
    function.is_repeatable = True
    return function


def captured(function: Callable, *arguments, **options) -> list[Callable]:
    """Return the kernel calls that a repeatable function makes, without running any."""
    calls: list[Callable] = []
    before = _calls.set(calls)
    try:
        function(*arguments, **options)
    finally:
        _calls.reset(before)
    return calls


@contextmanager
def preparing() -> Iterator[None]:
    """Mark the kernel calls captured within it: they need not be replayed for the same weights."""
    before = _prepares.set(True)
    try:
        yield
    finally:
        _prepares.reset(before)


def preparing_calls(calls: Sequence[Callable]) -> int:
    """Return how many calls, the first ones, were captured within `preparing`."""
    return sum(isinstance(call, KernelCall) and call.prepares for call in calls)


def bind(function: Callable, *arguments, **options) -> list[Callable]:
    """Return calls that do the function's work on these arguments; they may be called repeatedly.

    These are its captured kernel calls if it is repeatable, otherwise one call of the function.
    """
    if getattr(function, "is_repeatable", False):
        return captured(function, *arguments, **options)
    return [partial(function, *arguments, **options)]


class Kernel:
    """A compiled kernel as Python calls it; `dispatcher` is Numba's."""

    def __init__(self, dispatcher):
        self.dispatcher = dispatcher
        self.__name__, self.__doc__ = dispatcher.__name__, dispatcher.__doc__

    def __call__(self, *arguments):
        calls = _calls.get()
        if calls is None:
            return self.dispatcher(*arguments)
        types = tuple(numba.typeof(argument) for argument in arguments)
        calls.append(KernelCall(self.dispatcher, types, arguments, _prepares.get()))
        return None
