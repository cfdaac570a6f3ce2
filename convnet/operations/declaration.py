"""How an operation is declared, and how a call of a declaration is recorded."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, Protocol

P = ParamSpec("P")


class Array(Protocol):
    """An array argument: a view of planned memory when recorded, an array when executed."""

    @property
    def size(self) -> int: ...


class Recorder(Protocol):
    """Keeps the calls that layers make."""

    def record(self, operation: "Operation[Any]", arguments: tuple[object, ...]) -> None: ...


class Operation(Generic[P]):
    """A declared operation.

    name: "module.function", as in printed steps.  parameters: names of all arguments, in order.
    arrays: of those that are arrays.  writes: of the arrays that it changes; all others it only
    reads.
    """

    def __init__(self, declaration: Callable[P, None], writes: tuple[str, ...]):
        code = declaration.__code__
        self.name = f"{declaration.__module__.rpartition('.')[2]}.{declaration.__name__}"
        self.parameters: tuple[str, ...] = code.co_varnames[: code.co_argcount]
        types = declaration.__annotations__
        self.arrays = tuple(name for name in self.parameters if types[name] is Array)
        self.writes = writes
        self.__doc__ = declaration.__doc__

    def __call__(self, recorder: Recorder, /, *arguments: P.args, **named: P.kwargs) -> None:
        """Record a call.  TypeError if the arguments are not the declared ones."""
        rest = self.parameters[len(arguments) :]
        if len(arguments) > len(self.parameters) or set(named) != set(rest):
            raise TypeError(f"{self.name} takes ({', '.join(self.parameters)})")
        recorder.record(self, (*arguments, *(named[name] for name in rest)))

    def positions(self, names: Iterable[str]) -> set[int]:
        """Positions of the arguments of these names."""
        return {self.parameters.index(name) for name in names}

    def __repr__(self) -> str:
        return self.name


def operation(*, writes: str) -> Callable[[Callable[P, None]], Operation[P]]:
    """Declare an operation: the decorated function's arguments and docstring, without a body.

    writes: names of the array arguments that it changes, separated by spaces.
    """

    def declare(declaration: Callable[P, None]) -> Operation[P]:
        return Operation(declaration, tuple(writes.split()))

    return declare
