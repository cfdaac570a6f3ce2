"""cp.async: copies from global to shared memory that arrive when they are waited for (PTX manual,
"Data Movement and Conversion Instructions: cp.async").

Until then their target holds 0xFF bytes, NaN, and touching it is a fault, as is a write to their
source.  A copy's bytes are read when it arrives, or when it is issued, as the seed decides.
"""

from dataclasses import dataclass

import numpy as np

from emulator.machine.memory import loops
from emulator.machine.memory.spaces import Space
from emulator.machine.types import Bytes, Int64s, Mask

_WIDEST = 16


@dataclass
class Batch:
    """Copies issued by one instruction; rows belong to its active threads.

    given: bytes that come from the source, the others become 0.  group: the thread's commit that
    they belong to.  issued: the clock.  data: what they bring, if it was read when issued.
    """

    target: Int64s
    source: Int64s
    who: Int64s
    given: Int64s
    group: Int64s
    width: int
    issued: int
    text: str
    data: Bytes | None

    def rows(self, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Batch":
        data = None if self.data is None else self.data[chosen]
        return Batch(
            self.target[chosen],
            self.source[chosen],
            self.who[chosen],
            self.given[chosen],
            self.group[chosen],
            self.width,
            self.issued,
            self.text,
            data,
        )


class Copies:
    """The asynchronous copies of a run.  early: whether they read their source when issued."""

    def __init__(self, everything: Space, shared: Space, early: bool) -> None:
        self.everything, self.shared, self.early = everything, shared, early
        self.watch = shared.watch
        self.pending: list[Batch] = []
        self.committed = np.zeros(len(self.watch.every), np.int64)

    def issue(
        self, at: Int64s, source: Int64s, width: int, given: Int64s, m: Mask, text: str
    ) -> None:
        """Start copying `given` bytes (at most `width`; the rest is filled with 0) per thread."""
        active = self.watch.mask(m)
        source = np.ascontiguousarray(source, np.int64)
        given = np.broadcast_to(np.asarray(given, np.int64), active.shape)
        self._check(source, given, width, active, text)
        reads = active & (given > 0)
        target = self.shared.places(at, width, m, text)
        place = self.everything.places(source, width, reads, text) if reads.any() else target
        self.everything.note_read(place, width, reads, text)
        self.shared.note_write(target, width, active, text, loops.COPY)
        if self.watch.observer:
            self.everything.observe("copy", source, width, reads)
            self.shared.observe("copy", np.asarray(at, np.int64), width, m)
        who = np.flatnonzero(active)
        self.shared.data[target[who][:, None] + np.arange(width)] = 0xFF
        batch = Batch(
            target[who],
            place[who],
            who,
            given[who],
            self.committed[who],
            width,
            self.watch.clock.tick(),
            text,
            None,
        )
        if self.early:
            batch.data = self._data(batch)
        self.pending.append(batch)

    def commit(self, m: Mask) -> None:
        """End each active thread's group of copies."""
        self.committed[self.watch.mask(m)] += 1

    def wait(self, pending: int, m: Mask, uncommitted: bool = False) -> None:
        """Let arrive what active threads issued, but for their last `pending` groups.

        uncommitted: also copies that no commit has followed (cp.async.wait_all).
        """
        active, left = self.watch.mask(m), []
        for batch in self.pending:
            done = active[batch.who]
            if not uncommitted:
                done &= batch.group < self.committed[batch.who] - pending
            if done.any():
                self._arrive(batch if done.all() else batch.rows(done))
            if not done.all():
                left.append(batch.rows(~done) if done.any() else batch)
        self.pending = left

    def end(self, ended: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Raise the fault of copies whose threads have ended."""
        for batch in self.pending:
            if ended[batch.who].any():
                who = int(batch.who[np.argmax(ended[batch.who])])
                self.watch.fail("the thread ends before its asynchronous copy is waited for", batch.text, who)

    def _check(
        self,
        source: Int64s,
        given: Int64s,
        width: int,
        active: np.ndarray[tuple[int], np.dtype[np.bool_]],
        text: str,
    ) -> None:
        bad = active & ((given > width) | (source % width != 0))
        if bad.any():
            who = int(np.argmax(bad))
            what = f"asynchronous copy of {given[who]} bytes, at most {width}, from {source[who]:#x}"
            self.watch.fail(what + f", which must be a multiple of {width}", text, who)

    def _data(self, batch: Batch) -> Bytes:
        data = np.zeros((len(batch.who), batch.width), np.uint8)
        offsets = np.arange(batch.width)
        reads = batch.given > 0
        data[reads] = self.everything.data[batch.source[reads][:, None] + offsets]
        data[offsets >= batch.given[:, None]] = 0
        return data

    def _arrive(self, batch: Batch) -> None:
        clock, reads = self.watch.clock, batch.given > 0
        records = self.everything.records
        if len(records) and reads.any():
            fault = np.zeros(2, np.int64)
            wrong = loops.changed(
                records,
                batch.source[reads],
                batch.who[reads],
                batch.issued,
                batch.width,
                self.everything.shift,
                fault,
            )
            if wrong:
                self.everything.conflict(wrong, int(fault[0]), int(fault[1]), batch.text)
            self._read_again(batch, reads)
        data = self._data(batch) if batch.data is None else batch.data
        loops.arrive(
            self.shared.data,
            data,
            batch.target,
            batch.who,
            self.shared.records,
            self.shared.shift,
            clock.now,
        )

    def _read_again(
        self, batch: Batch, reads: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> None:
        """Copies read their source until they arrive: a write behind a barrier that the copy was
        issued before may be too early."""
        place = np.zeros(len(self.watch.every), np.int64)
        active = np.zeros(len(self.watch.every), bool)
        place[batch.who[reads]] = batch.source[reads]
        active[batch.who[reads]] = True
        self.everything.note_read(place, batch.width, active, batch.text)
