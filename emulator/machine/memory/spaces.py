"""Loads and stores of one memory: where its bytes are, what may be touched, who touched it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from emulator.machine.memory import loops, records
from emulator.machine.memory.arena import UNSIGNED
from emulator.machine.memory.clock import Clock
from emulator.machine.observer import Observer
from emulator.machine.types import Array, Bools, Bytes, Int64s, Integers, Mask

Fail = Callable[[str, str, int], NoReturn]  # what, PTX text, thread
_INT64 = np.dtype(np.int64)


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

    data: the bytes.  extents: rows of first address and end of what threads may touch.  start,
    group, stride: a thread's address 0 is at start + thread // group * stride in `data`.  shadow:
    records for the search for races, or none; shift: log2 of the bytes of a record's unit.
    """

    def __init__(
        self,
        name: str,
        watch: Watch,
        data: Bytes,
        extents: Int64s,
        offsets: tuple[int, int, int],
        shadow: Int64s,
        shift: int,
    ) -> None:
        self.name, self.watch, self.data, self.extents = name, watch, data, extents
        self.layout = np.array([0, shift, *offsets], np.int64)
        self.shadow, self._clock = shadow, watch.clock
        self.views: dict[int, Array] = {n: data.view(dtype) for n, dtype in UNSIGNED.items()}

    def load(self, address: Int64s, size: int, count: int, m: Mask, text: str) -> Array:
        """Return `count` rows of values of `size` bytes behind each active thread's address, of
        those threads only."""
        watch = self.watch
        if address.dtype is not _INT64:
            address = address.astype(_INT64)
        out = np.empty((count, len(address)), UNSIGNED[size])
        found = loops.load(
            self.views[size],
            address,
            watch.every if m is True else m,
            out,
            _SHIFTS[size],
            self._clock.state,
            self.layout,
            self.shadow,
        )
        if found < 0:
            self.refuse(-found, size * count, address, text)
        if watch.observer:
            self.observe("load", address, size * count, m)
        return out if m is True else out[:, :found]

    def store(
        self, address: Int64s, values: Sequence[Integers], size: int, m: Mask, text: str
    ) -> None:
        """Store each active thread's values, of `size` bytes, one behind the other."""
        watch = self.watch
        active = watch.every if m is True else m
        if address.dtype is not _INT64:
            address = address.astype(_INT64)
        first, shift, view = values[0], _SHIFTS[size], self.views[size]
        if np.shape(first) != address.shape:
            first = np.full(len(address), first)
        wrong = loops.store(
            view,
            address,
            active,
            first,
            shift,
            self._clock.state,
            self.layout,
            self.shadow,
            len(values),
        )
        if wrong:
            self.refuse(wrong, size * len(values), address, text)
        if watch.observer:
            self.observe("store", address, size * len(values), m)
        for ahead in range(0 if watch.backward else 1, len(values)):
            value = values[ahead]
            if np.shape(value) != address.shape:
                value = np.full(len(address), value)
            loops.put(view, address, active, value, shift, self.layout, ahead, watch.backward)

    def rows(self, address: Int64s, width: int, active: Bools, text: str) -> Int64s:
        """Return where in `data` the active threads' `width` bytes are, which go to their warps."""
        address = np.ascontiguousarray(address, np.int64)
        place = np.zeros_like(address)
        wrong = loops.touch(
            address, active, width, self._clock.state, self.layout, self.shadow, place
        )
        if wrong:
            self.refuse(wrong, width, address, text)
        return place

    def observe(self, kind: str, address: Int64s, width: int, m: Mask) -> None:
        """Tell the observer of an access."""
        if self.watch.observer:
            self.watch.observer.access(self.watch.kernel, self.name, kind, address, width, m)

    def refuse(self, wrong: int, width: int, address: Int64s, text: str) -> NoReturn:
        """Raise the fault that a compiled loop has found."""
        who = int(self._clock.state[records.WHO_FAILS])
        at = int(address[who])
        if wrong == records.UNALIGNED:
            what = f"{self.name} address {at:#x} is not a multiple of {width}"
        elif wrong == records.OUTSIDE:
            arrays = ", ".join(f"{int(s):#x}...{int(e):#x}" for s, e in self.extents if e > s)
            what = f"{width} bytes at {self.name} address {at:#x} are in none of {arrays or 'none'}"
        else:
            what = self.conflict(wrong, who)
        self.watch.fail(what, text, who)

    def conflict(self, wrong: int, who: int) -> str:
        """Return what a thread conflicts with."""
        record = int(self._clock.state[records.RECORD])
        return f"{_CONFLICTS[wrong]} {self._other(wrong, record, who)} in {self.name} memory"

    def _other(self, wrong: int, record: int, who: int) -> str:
        """Name the thread of a record, or the threads."""
        of_readers = wrong == records.READ
        level, other = record & 3, record >> records.WHO & records.MASK
        earlier = record >> records.TIME < self._clock.state[records.RUN]
        if earlier or (of_readers and level == records.BLOCKS):
            return "another block"
        if of_readers and level != records.ONE:
            return "other threads of its " + ("warp" if level == records.LANES else "block")
        if other == who:
            return "this thread"
        per_block = self.watch.per_block
        same = other // per_block == who // per_block
        return f"thread {other % per_block} of " + ("its block" if same else "another block")


_SHIFTS = {1: 0, 2: 1, 4: 2, 8: 3}
_CONFLICTS = {
    records.WRITTEN: "a race with a write by",
    records.READ: "a race with a read by",
    records.COPIED: "an asynchronous copy that has not been waited for, issued by",
    records.CHANGED: "the source of an asynchronous copy is changed before its wait by",
}
