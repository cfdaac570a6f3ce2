"""The boundary between the graph and the machines that execute it.

A backend is a package of same-named modules (`conv`, `pool`, ...) full of plain functions that
write into the arrays they are given.  What they need beside arrays they say here.
"""

import inspect
from collections.abc import Callable


def needs_scratch(size: Callable[..., int]):
    """Mark a function as using scratch memory: `size(*arguments)` gives the bytes.

    `size` sees the function's positional arguments (anything with `.shape` and `.dtype`, and the
    scalars).  At run time the function receives `scratch=`, a flat uint8 array of at least that
    many bytes whose content is garbage; one such array serves all functions of a device in turn.
    """

    def mark(function):
        function.scratch_size = size
        return function

    return mark


def never_touches(names: str):
    """Mark a function as one that has no use for some of its arrays; it receives None for them."""

    def mark(function):
        function.unused = lambda *arguments: names
        return function

    return mark


def unused_positions(function, arguments) -> set[int]:
    """Positions of the arguments that a call never touches."""
    names = getattr(function, "unused", None)
    return positions(function, names(*arguments).split()) if names else set()


def positions(function, names) -> set[int]:
    """Of a function's parameters."""
    known = list(inspect.signature(function).parameters)
    return {known.index(name) for name in names}


def operation(
    *,
    writes: str,
    scratch: Callable[..., int] | None = None,
    precision: bool = False,
    unused: Callable[..., str] | None = None,
):
    """Describe a function of a backend whose work is queued instead of done at once.

    writes: names of the array arguments that it changes; all others it only reads, so that a copy
    to another device may go on beside it.  scratch: as for `needs_scratch`.  precision: it receives
    `precision=`, one of PRECISIONS, and so does `scratch`.  unused: of its arguments, the names of
    arrays that a call with them never touches; it receives None for them.
    """

    def mark(function):
        function.writes = tuple(writes.split())
        function.scratch_size = scratch
        function.takes_precision = precision
        function.unused = unused
        return function

    return mark


PRECISIONS = ("fp32", "tf32", "bf16")
