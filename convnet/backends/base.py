"""The boundary between the graph and the machines that execute it.

A backend is a package `ops` of modules named like those of `convnet.operations`, whose functions
implement the operations declared there.  What a function needs beside its arguments is a matter of
its backend, which `implements` records.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast

from convnet.operations.declaration import Operation

PRECISIONS = ("fp32", "tf32", "bf16")


class Form(NamedTuple):
    """The form in which a function uses its weights: how many bytes, and all that it depends on."""

    size: int
    what: tuple[Any, ...]


class Implementation(Protocol):
    """A function of a backend with what `implements` records of it."""

    operation: Operation[Any]
    scratch_size: Callable[..., int] | None
    prepared_form: Callable[..., Form] | None
    takes_precision: bool
    unused: Callable[..., str] | None

    def __call__(self, *arguments: Any, **extra: Any) -> Any: ...


def implements(
    operation: Operation[Any],
    *,
    scratch: Callable[..., int] | None = None,
    prepared: Callable[..., Form] | None = None,
    precision: bool = False,
    unused: Callable[..., str] | None = None,
) -> Callable[[Callable[..., Any]], Implementation]:
    """Mark a function as a backend's implementation of an operation.

    scratch: `scratch(*arguments)` gives the bytes of scratch memory that a call needs, from
    anything with `.shape` and `.dtype` and from the scalars.  The function receives `scratch=`, a
    flat uint8 array of at least that many bytes whose content is garbage; all functions of a device
    share one such array.
    prepared: `prepared(*arguments)` gives the form into which a call brings the weights, its
    argument `w`, before anything else.  The function may receive `prepared=`, a flat uint8 array of
    that size for nothing but these weights in this form, and marks the kernels that write to it
    (`convnet.compiling.replay.preparing`); else they go to the scratch memory.
    precision: the function receives `precision=`, one of PRECISIONS, and so does `scratch`.
    unused: `unused(*arguments)` gives the names of arrays that a call neither reads nor writes,
    separated by spaces; the function receives None for them.

    TypeError, at import, if the function's positional parameters are not the operation's.
    """

    def mark(function: Callable[..., Any]) -> Implementation:
        code = function.__code__
        if code.co_varnames[: code.co_argcount] != operation.parameters:
            raise TypeError(
                f"{function.__module__}: {operation.name} must take "
                f"({', '.join(operation.parameters)})"
            )
        found = cast(Implementation, function)
        found.operation, found.scratch_size, found.prepared_form = operation, scratch, prepared
        found.takes_precision, found.unused = precision, unused
        return found

    return mark


def written_positions(function: Implementation) -> set[int]:
    """Return the positions of the arguments that an implementation changes."""
    return function.operation.positions(function.operation.writes)


def unused_positions(function: Implementation, arguments: Sequence[object]) -> set[int]:
    """Return the positions of the arguments that a call neither reads nor writes."""
    if function.unused is None:
        return set()
    return function.operation.positions(function.unused(*arguments).split())
