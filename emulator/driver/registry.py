"""How a Python function becomes an entry point of the driver."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from emulator.driver.status import Refused, Status

POINTER, SIZE, INT, UNSIGNED, FLOAT = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint, ctypes.c_float,
)  # fmt: skip
ADDRESS, HANDLE, TEXT = ctypes.c_ulonglong, ctypes.c_void_p, ctypes.c_char_p

Body = TypeVar("Body", bound=Callable[..., None])


@dataclass(frozen=True)
class Entry:
    """body(driver, *arguments) of these C types; returns nothing, or raises Refused."""

    body: Callable[..., None]
    types: tuple[Any, ...]


ENTRIES: dict[str, Entry] = {}


def entry(*types: Any, also: tuple[str, ...] = ()) -> Callable[[Body], Body]:
    """Register a function under its own name, and under others that CUDA has for it."""

    def decorate(body: Body) -> Body:
        for name in (body.__name__, *also):
            ENTRIES[name] = Entry(body, types)
        return body

    return decorate


def put(place: int, kind: Any, value: Any) -> None:
    """Write a result to where the caller wants it; Refused where that is NULL."""
    if not place:
        raise Refused(Status.INVALID_VALUE, "the place of the result is NULL")
    kind.from_address(place).value = value


def fill(place: int, size: int, data: bytes) -> None:
    """Write a text or other bytes, cut to the room there is."""
    ctypes.memmove(place, data[:size], min(size, len(data)))
