"""The engine of one rank: a local engine for its devices, and messages to the other ranks."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from convnet.distributed.placement import HOST, Placement
from convnet.distributed.program import DistributedProgram, Exchange, Run, SpanTimes
from convnet.distributed.schedule import Message, Segment, Start, schedule
from convnet.distributed.transport import Transport
from convnet.distributed.waiting import Waiting
from convnet.network.engine import Engine, Port, Program
from convnet.network.memory import Buffer, View
from convnet.network.record import Step

_READ = 1  # tag of values that one rank alone reads
_FIRST_TAG = 16  # of the messages of programs


class LocalEngine(Engine, Protocol):
    """What an engine needs so that it can be a rank's."""

    def port(self, view: View, cases: int, half: bool) -> Port:
        """Return a view as bytes to send or receive; half: rounded to 16-bit floats."""
        ...

    def parts(
        self, parts: list[list[Step]], sizes: tuple[int, ...], *, by_step: bool
    ) -> Sequence[Sequence[Program]]:
        """Return the programs of each part; by_step: as many as the part has steps, if it can."""
        ...

    def device_name(self, device: int) -> str:
        """Return the name of a device; -1 is the host."""
        ...


class DistributedEngine:
    """A rank's devices, and the others' as far as `read` goes.

    All ranks call its methods in the same order with the same arguments.  `read` returns the same
    values on all ranks, whoever has them; `write` and `fill` act where the memory is.
    """

    def __init__(
        self, local: LocalEngine, transport: Transport, placement: Placement, waiting: Waiting
    ) -> None:
        self._local, self._transport = local, transport
        self.placement, self.waiting = placement, waiting
        self.rank = transport.rank
        self.kind, self.loads_ahead = local.kind, local.loads_ahead
        self._reader: int | None = None
        self._host_readers: dict[Buffer, set[int]] = {}

    @property
    def real(self) -> np.dtype[Any]:
        """The type of buffers whose dtype is "real"."""
        return self._local.real

    def device_name(self, device: int) -> str:
        """Return the name of a device; -1 is the host."""
        return self._local.device_name(device)

    # -- memory ------------------------------------------------------------------------------------

    def unused(self, step: Step) -> set[int]:
        """Return the positions of the arguments that a step does not touch."""
        return self._local.unused(step)

    def expect(self, programs: Mapping[str, list[Step]]) -> None:
        """Take note of which ranks read which data of the host: only these have it."""
        self._local.expect(programs)
        self._host_readers = self.placement.host_readers(programs)

    def has(self, buffer: Buffer) -> bool:
        """Return whether a buffer's values are at this rank."""
        return self.rank in self._ranks_of(buffer)

    def allocate(self, buffers: list[Buffer], minibatch: int) -> None:
        """Allocate those of the buffers that this rank has."""
        self._local.allocate([buffer for buffer in buffers if self.has(buffer)], minibatch)

    def _ranks_of(self, buffer: Buffer) -> Collection[int]:
        """The ranks that have a buffer: of data of the host that no device reads, all."""
        if buffer.device == HOST:
            return self._host_readers.get(buffer, range(self.placement.size))
        return (self.placement.ranks[buffer.device],)

    def read(self, view: View, cases: int) -> np.ndarray:
        """Return a copy of a view's values; within `read_by`, what the other ranks get is zeros."""
        ranks = self._ranks_of(view.buffer)
        if len(ranks) == self.placement.size:
            return self._local.read(view, cases)
        owner = min(ranks)
        if self._reader is not None:
            return self._read_by(self._reader, owner, view, cases)
        array = self._array(owner, view, cases)
        request = self._transport.broadcast(array, owner)
        self.waiting.complete(request, () if owner == self.rank else (owner,))
        return array

    def _array(self, owner: int, view: View, cases: int) -> np.ndarray:
        if owner == self.rank:
            return np.ascontiguousarray(self._local.read(view, cases))
        return np.empty(view.shape(cases), self._dtype(view))

    def _read_by(self, reader: int, owner: int, view: View, cases: int) -> np.ndarray:
        array = np.broadcast_to(np.zeros((), self._dtype(view)), view.shape(cases))
        if self.rank in (reader, owner):
            array = self._array(owner, view, cases)
        if reader != owner and self.rank == owner:
            self.waiting.complete(self._transport.send(array, reader, _READ), (reader,))
        elif reader != owner and self.rank == reader:
            self.waiting.complete(self._transport.receive(array, owner, _READ), (owner,))
        return array

    def _dtype(self, view: View) -> np.dtype[Any]:
        name = view.buffer.dtype
        return self.real if name == "real" else np.dtype(name)

    @contextmanager
    def read_by(self, rank: int) -> Iterator[None]:
        """Context in which only one rank receives what all of them read, as for a checkpoint.

        The others get zeros that take no memory.
        """
        self._reader = rank
        try:
            yield
        finally:
            self._reader = None

    def write(self, view: View, cases: int, values: Any) -> None:
        """Set a view's values, if its memory is at this rank."""
        if self.has(view.buffer):
            self._local.write(view, cases, values)

    def fill(self, view: View, cases: int, values: np.ndarray) -> None:
        """Set data of the next minibatch, if this rank reads it."""
        if self.has(view.buffer):
            self._local.fill(view, cases, values)

    def swap(self) -> None:
        """Make the minibatch that was filled in last the one that programs run on."""
        self._local.swap()

    # -- programs ----------------------------------------------------------------------------------

    def program(self, steps: list[Step], sizes: tuple[int, ...]) -> DistributedProgram:
        """Return this rank's part of a program, bound to its memory."""
        items = schedule(steps, sizes, self.placement, self.rank)
        segments = [list(item.steps) for item in items if isinstance(item, Segment)]
        programs = iter(self._local.parts(segments, sizes, by_step=True))
        exchanges: dict[Message, Exchange] = {}
        actions: list[Callable[[SpanTimes | None], None]] = []
        for item in items:
            if isinstance(item, Segment):
                actions += [Run(program, self.waiting).run for program in next(programs)]
            elif isinstance(item, Start):
                exchanges[item.message] = self._exchange(item.message)
                actions.append(exchanges[item.message].start)
            else:
                actions.append(exchanges[item.message].wait)
        return DistributedProgram(actions)

    def _exchange(self, message: Message) -> Exchange:
        half, tag = message.step.operation.endswith("_half"), _FIRST_TAG + message.number
        is_sender = message.sender == self.rank
        view = message.source if is_sender else message.target
        port = self._local.port(view, message.cases, half)
        if is_sender:
            request = self._transport.send(port.array, message.receiver, tag)
        else:
            request = self._transport.receive(port.array, message.sender, tag)
        name = self.device_name(view.device)
        return Exchange(message, port, request, self.waiting, is_sender, name)

    def times(self) -> SpanTimes:
        """Return a new collection of times for `DistributedProgram.timed`."""
        return SpanTimes(self._local.times())
