"""What handles of the driver stand for."""

import ctypes
import threading
from dataclasses import dataclass, field
from typing import Any, TypeVar

from emulator.driver.status import Refused, Status
from emulator.driver.work import Operation, Work

Kind = TypeVar("Kind")
LEGACY, PER_THREAD = 1, 2  # handles of the default streams (CU_STREAM_LEGACY, ..._PER_THREAD)
GLOBAL_MODE, THREAD_MODE, RELAXED_MODE = 0, 1, 2  # CUstreamCaptureMode


@dataclass(eq=False)
class Context:
    """The primary context of a device.  retained: how often; 0: it does not exist."""

    device: int
    handle: int = 0
    retained: int = 0
    peers: set[int] = field(default_factory=set)
    default: "Stream | None" = None
    per_thread: dict[int, "Stream"] = field(default_factory=dict)


@dataclass(eq=False)
class Stream:
    """last: the newest work.  blocking: it and the legacy default stream wait for each other.

    capture: what its work is recorded in.  after: the nodes there that its next work follows.
    """

    device: int
    blocking: bool
    is_default: bool = False
    priority: int = 0
    last: Work | None = None
    capture: "Capture | None" = None
    after: frozenset[int] = frozenset()


@dataclass(eq=False)
class Event:
    """work: what it waits for.  time: of the GPU, in microseconds, once recorded.

    capture, after: nodes of a capture, where it was recorded in one.
    """

    device: int
    timing: bool
    work: Work | None = None
    time: float | None = None
    capture: "Capture | None" = None
    after: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Node:
    """An operation of a graph, and the numbers of the nodes that it follows."""

    operation: Operation
    after: frozenset[int]


@dataclass(eq=False)
class Capture:
    """Work that is recorded.  origin: where it began.  invalid: why it is of no use any more."""

    origin: Stream
    mode: int
    thread: int = field(default_factory=threading.get_ident)
    nodes: list[Node] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    invalid: str = ""

    def add(self, operation: Operation, after: frozenset[int]) -> frozenset[int]:
        """Append a node; return it as what later work follows."""
        self.nodes.append(Node(operation, after))
        return frozenset([len(self.nodes) - 1])

    def before(self, numbers: frozenset[int]) -> set[int]:
        """Return the nodes `numbers` and all that they follow."""
        found: set[int] = set()
        left = list(numbers)
        while left:
            number = left.pop()
            if number not in found:
                found.add(number)
                left += self.nodes[number].after
        return found


@dataclass(eq=False)
class Graph:
    """A captured graph."""

    nodes: list[Node]


@dataclass(eq=False)
class Executable:
    """An instantiated graph.  last: its newest launch; a graph does not run beside itself."""

    nodes: list[Node]
    last: Work | None = None


class Handles:
    """Handles of objects: numbers that are no addresses, and never given out twice."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._next = 0x10000

    def new(self, item: object) -> int:
        """Return a handle for an object."""
        self._next += 16
        self._objects[self._next] = item
        return self._next

    def get(self, handle: int | None, kind: type[Kind]) -> Kind:
        """Return the object of a handle; Refused if it is none of that kind."""
        found = self._objects.get(handle or 0)
        if not isinstance(found, kind):
            raise Refused(Status.INVALID_HANDLE, f"{handle} is no {kind.__name__.lower()}")
        return found

    def remove(self, handle: int | None, kind: type[Kind]) -> Kind:
        """Return the object of a handle that is no longer valid."""
        found = self.get(handle, kind)
        del self._objects[handle or 0]
        return found

    def all(self, kind: type[Kind]) -> list[tuple[int, Kind]]:
        """Return all objects of a kind with their handles."""
        return [(h, item) for h, item in self._objects.items() if isinstance(item, kind)]


class HostMemory:
    """Memory of the host that the driver has allocated or been told of: pinned, of known extent."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._owned: dict[int, ctypes.Array[ctypes.c_char]] = {}

    def allocate(self, size: int) -> int:
        """Return the address of `size` pinned bytes, which are 0xA5 at first."""
        memory = ctypes.create_string_buffer(b"\xa5" * (size + 256), size + 256)
        start = -(-ctypes.addressof(memory) // 256) * 256
        self._sizes[start], self._owned[start] = size, memory
        return start

    def free(self, address: int) -> bool:
        """Free what `allocate` gave; False if nothing of the kind begins there."""
        if self._owned.pop(address, None) is None:
            return False
        del self._sizes[address]
        return True

    def register(self, address: int, size: int) -> bool:
        """Pin memory of someone else; False if some of it is pinned already."""
        if any(address < start + n and start < address + size for start, n in self._sizes.items()):
            return False
        self._sizes[address] = size
        return True

    def unregister(self, address: int) -> bool:
        """The opposite; False if no registered memory begins there."""
        if address in self._owned or address not in self._sizes:
            return False
        del self._sizes[address]
        return True

    def is_pinned(self, address: int, size: int) -> bool:
        """Whether all of these bytes are pinned."""
        return any(s <= address and address + size <= s + n for s, n in self._sizes.items())
