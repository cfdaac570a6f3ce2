"""The boundary between the graph and the machines that execute it.

A backend is a package of same-named modules (`conv`, `pool`, ...) full of plain functions that
write into the arrays they are given.  What they need beside arrays they say here.
"""

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
