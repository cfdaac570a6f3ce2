"""Loads and stores of one memory: where its bytes are, what may be touched, who touched it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from emulator.machine.memory import loops
from emulator.machine.memory.arena import UNSIGNED
from emulator.machine.memory.clock import Clock
from emulator.machine.observer import Observer
from emulator.machine.types import Array, Bools, Bytes, Int64s, Integers, Mask

Fail = Callable[[str, str, int], NoReturn]  # what, PTX text, thread


@dataclass
class Watch:
    """What the memories of a run share.

    fail: raises the fault.  every: a mask of all threads.  per_block: threads of a block, padded
    to whole warps.  backward: of threads that write to one place, the first wins.
    """

    kernel: str
    fail: Fail
    every: Bools
    per_block: int
    clock: Clock
    observer: Observer | None = None
    backward: bool = False

    def mask(self, m: Mask) -> Bools:
        return self.every if m is True else m


class Space:
    """One memory as the threads of a run see it.

    data: the bytes.  extents: rows of first address and end of what threads may touch.  offsets:
    for each thread, what is added to an address to find it in `data`.  records, shift: for races
    (`loops`), no records for no check.
    """

    def __init__(
        self,
        name: str,
        watch: Watch,
        data: Bytes,
        extents: Int64s,
        offsets: Int64s,
        records: Int64s,
        shift: int,
    ) -> None:
        self.name, self.watch, self.data, self.extents = name, watch, data, extents
        self.offsets, self.records, self.shift = offsets, records, shift
        self.views: dict[int, Array] = {n: data.view(dtype) for n, dtype in UNSIGNED.items()}
        self._fault = np.zeros(2, np.int64)

    def places(self, address: Int64s, width: int, m: Mask, text: str) -> Int64s:
        """Return where in `data` the active threads' `width` bytes begin; raise Fault."""
        active = self.watch.mask(m)
        address = np.ascontiguousarray(address, np.int64)
        place = np.empty_like(address)
        wrong = loops.access(
            address, active, self.extents, self.offsets, width, place, self._fault
        )
        if wrong:
            who = int(self._fault[0])
            self.watch.fail(self._unplaced(wrong, int(address[who]), width), text, who)
        return place

    def note_read(
        self, place: Int64s, width: int, active: Bools, text: str, kind: int = loops.ONE
    ) -> None:
        """Look for races of reads, and record them; kind: LANES if all of a warp gets what is read."""
        if not len(self.records):
            return
        clock = self.watch.clock
        wrong = loops.read(
            self.records, place, active, width, self.shift, clock.now, clock.since, self._fault, kind
        )
        if wrong:
            self.conflict(wrong, int(self._fault[0]), int(self._fault[1]), text)

    def note_write(
        self, place: Int64s, width: int, active: Bools, text: str, level: int = loops.ONE
    ) -> None:
        """Look for races of writes, and record them; level: ONE, or COPY for copies issued."""
        if not len(self.records):
            return
        clock = self.watch.clock
        wrong = loops.write(
            self.records, place, active, width, self.shift, clock.now, clock.since, self._fault, level
        )
        if wrong:
            self.conflict(wrong, int(self._fault[0]), int(self._fault[1]), text)

    def load(self, address: Int64s, size: int, count: int, m: Mask, text: str) -> list[Array]:
        """Return `count` values of `size` bytes at each active thread's address, of those threads."""
        active, width = self.watch.mask(m), size * count
        place = self.places(address, width, m, text)
        self.note_read(place, width, active, text)
        if self.watch.observer:
            self.observe("load", address, width, m)
        found: list[Array] = []
        for ahead in range(count):
            out = np.empty(len(place), UNSIGNED[size])
            many = loops.gather(
                self.views[size], place, active, size.bit_length() - 1, ahead, out
            )
            found.append(out[:many])
        return found

    def store(
        self, address: Int64s, values: Sequence[Integers], size: int, m: Mask, text: str
    ) -> None:
        """Store each active thread's values, of `size` bytes, one behind the other."""
        active, width = self.watch.mask(m), size * len(values)
        place = self.places(address, width, m, text)
        self.note_write(place, width, active, text)
        if self.watch.observer:
            self.observe("store", address, width, m)
        for ahead, value in enumerate(values):
            whole = np.ascontiguousarray(np.broadcast_to(value, len(place)))
            loops.scatter(
                self.views[size],
                place,
                active,
                size.bit_length() - 1,
                ahead,
                whole,
                self.watch.backward,
            )

    def observe(self, kind: str, address: Int64s, width: int, m: Mask) -> None:
        """Tell the observer of an access."""
        if self.watch.observer:
            whole = np.ascontiguousarray(address, np.int64)
            self.watch.observer.access(self.watch.kernel, self.name, kind, whole, width, m)

    def _unplaced(self, wrong: int, address: int, width: int) -> str:
        if wrong == loops.UNALIGNED:
            return f"{self.name} address {address:#x} is not a multiple of {width}"
        arrays = ", ".join(f"{int(s):#x}...{int(e):#x}" for s, e in self.extents if e > s)
        return f"{width} bytes at {self.name} address {address:#x} are in none of {arrays or 'none'}"

    def conflict(self, wrong: int, who: int, record: int, text: str) -> NoReturn:
        """Raise the fault of thread `who` that conflicts with what a record tells."""
        with_whom = self._other(wrong == loops.READ, record, who)
        self.watch.fail(f"{_CONFLICTS[wrong]} {with_whom} in {self.name} memory", text, who)

    def _other(self, of_readers: bool, record: int, who: int) -> str:
        """Name the thread of a record, or the threads."""
        level, other = record & 3, record >> loops.WHO & (loops.MOST_THREADS - 1)
        if record >> loops.TIME < self.watch.clock.now[loops.RUN] or (
            of_readers and level == loops.BLOCKS
        ):
            return "another block"
        if of_readers and level != loops.ONE:
            return "other threads of its " + ("warp" if level == loops.LANES else "block")
        per_block = self.watch.per_block
        if other == who:
            return "this thread"
        same = other // per_block == who // per_block
        return f"thread {other % per_block} of " + ("its block" if same else "another block")


_CONFLICTS = {
    loops.WRITTEN: "a race with a write by",
    loops.READ: "a race with a read by",
    loops.COPIED: "an asynchronous copy that has not been waited for, issued by",
    loops.CHANGED: "the source of an asynchronous copy is changed before its wait by",
}
