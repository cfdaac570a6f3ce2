"""cp.async: copies from global to shared memory that arrive when they are waited for (PTX manual,
"Data Movement and Conversion Instructions: cp.async").

Until then their target holds 0xFF bytes, NaN, and touching it is a fault, as is a write to their
source, which is read only when they arrive.
"""

import numpy as np

from emulator.machine.memory import loops, records
from emulator.machine.memory.spaces import Space
from emulator.machine.types import Array, Int64s, Mask

_INT64 = np.dtype(np.int64)
_COLUMNS = 8  # target, source, thread, bytes given, group, width, clock, number of the text
_THREAD, _TEXT = 2, 7


class Copies:
    """The asynchronous copies of a run."""

    def __init__(self, everything: Space, shared: Space) -> None:
        self.everything, self.shared = everything, shared
        self.watch = shared.watch
        self._queue, self._length = np.empty((0, _COLUMNS), np.int64), 0
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._committed = np.zeros(len(self.watch.every), np.int64)

    def issue(
        self, target: Int64s, source: Int64s, width: int, given: Array, m: Mask, text: str
    ) -> None:
        """Start copying `given` bytes (at most `width`; the rest is filled with 0) per thread."""
        active = self.watch.mask(m)
        count = len(active)
        target, source, given = _whole(target, count), _whole(source, count), _whole(given, count)
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        self._make_room(count)
        wrong = loops.issue(
            self._queue,
            self._length,
            target,
            source,
            given,
            active,
            self._committed,
            self.watch.clock.state,
            self.everything.layout,
            self.everything.shadow,
            self.shared.layout,
            self.shared.shadow,
            self.shared.data,
            width,
            number,
        )
        if wrong == records.TOO_MANY:
            who = int(self.watch.clock.state[records.WHO_FAILS])
            self.watch.fail(f"a copy of {given[who]} of {width} bytes", text, who)
        if wrong > 0:
            self.everything.refuse(wrong, width, source, text)
        if wrong < 0:
            self.shared.refuse(-wrong, width, target, text)
        self._length += len(active) if m is True else int(np.count_nonzero(m))
        if self.watch.observer:
            self.everything.observe("copy", source, width, active & (given > 0))
            self.shared.observe("copy", target, width, m)

    def commit(self, m: Mask) -> None:
        """End each active thread's group of copies."""
        if m is True:
            self._committed += 1
        else:
            self._committed[m] += 1

    def wait(self, pending: int, m: Mask) -> None:
        """Let arrive what active threads issued, but for their last `pending` groups."""
        if not self._length:
            return
        left = loops.arrive(
            self._queue,
            self._length,
            self.watch.mask(m),
            self._committed,
            pending,
            self.watch.clock.state,
            self.everything.layout,
            self.everything.shadow,
            self.shared.layout,
            self.shared.shadow,
            self.everything.data,
            self.shared.data,
        )
        if left < 0:
            row = self._queue[-1 - left]
            who = int(row[_THREAD])
            what = self.everything.conflict(records.CHANGED, who)
            self.watch.fail(what, self._texts[int(row[_TEXT])], who)
        self._length = left

    def wait_all(self, m: Mask) -> None:
        """Let arrive all that active threads issued, committed or not."""
        self.wait(-1, m)

    def end(self) -> None:
        """Raise the fault of a copy that is under way when all threads have ended."""
        if self._length:
            row = self._queue[0]
            what = "the thread ends before its asynchronous copy has been waited for"
            self.watch.fail(what, self._texts[int(row[_TEXT])], int(row[_THREAD]))

    def _make_room(self, rows: int) -> None:
        if self._length + rows > len(self._queue):
            room = np.empty((2 * (self._length + rows), _COLUMNS), np.int64)
            room[: self._length] = self._queue[: self._length]
            self._queue = room


def _whole(value: Array, count: int) -> Int64s:
    """Return a value for each thread."""
    if value.dtype is not _INT64:
        value = value.astype(_INT64)
    return value if value.shape == (count,) else np.full(count, value)
