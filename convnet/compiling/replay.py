"""Calls of kernels that are written down once and made again and again.

Between two kernels Python works out scratch arrays, numbers and types: tens of microseconds, which
a network of small layers notices.  Within `recorded` a kernel is not run; its call is written down,
compiled and with all arguments, for whoever repeats it.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

import numba

_calls: ContextVar[list[Callable] | None] = ContextVar("calls of kernels", default=None)


def repeatable(function):
    """Mark a function as one whose calls of kernels may be repeated in place of itself.

    It does nothing but call kernels, and what they receive depends on its arguments' shapes, types
    and places only: not on a value in an array, which may be another one the next time.
    """
    function.is_repeatable = True
    return function


def recorded(function, *arguments, **options) -> list[Callable]:
    """The calls of kernels that a repeatable function makes; none is made now."""
    calls: list[Callable] = []
    before = _calls.set(calls)
    try:
        function(*arguments, **options)
    finally:
        _calls.reset(before)
    return calls


def bind(function, *arguments, **options) -> list[Callable]:
    """Calls that do the function's work, as often as they are made."""
    if getattr(function, "is_repeatable", False):
        return recorded(function, *arguments, **options)
    return [partial(function, *arguments, **options)]


class Kernel:
    """A function compiled by Numba, as Python sees it; `dispatcher` is Numba's."""

    def __init__(self, dispatcher):
        self.dispatcher = dispatcher
        self.__name__, self.__doc__ = dispatcher.__name__, dispatcher.__doc__

    def __call__(self, *arguments):
        calls = _calls.get()
        if calls is None:
            return self.dispatcher(*arguments)
        types = tuple(numba.typeof(argument) for argument in arguments)
        calls.append(partial(self.dispatcher.compile(types), *arguments))
        return None
