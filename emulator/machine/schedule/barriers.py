"""Barriers of a thread block and of a warp (PTX manual, "bar, barrier" and "bar.warp.sync")."""

from collections.abc import Callable

import numpy as np

from emulator.machine.memory.clock import Clock
from emulator.machine.schedule.ready import Ready
from emulator.machine.types import Array, Bools, Int64s, Mask
from emulator.machine.warps.together import ALL_LANES, WARP, Warps
from emulator.ptx import Barrier

_OF_BLOCKS = ("bar.sync", "bar.cta.sync", "barrier.sync", "barrier.sync.aligned",
              "barrier.cta.sync", "barrier.cta.sync.aligned")  # fmt: skip
_OF_WARPS = ("bar.warp.sync",)


class Barriers:
    """The threads of a run that wait at barriers.

    Ended threads count as having arrived (PTX manual, "exit").  All others of a block must wait at
    one place, as CUDA C++ demands of __syncthreads().  value: of an operand, for all threads.
    threads: of a block.
    """

    def __init__(
        self, warps: Warps, clock: Clock, ready: Ready, threads: int, value: Callable[[str], Array]
    ) -> None:
        self.warps, self.clock, self.ready = warps, clock, ready
        self.threads, self.value = threads, value
        self._blocks: dict[int, tuple[Barrier, Mask]] = {}
        self._warps: dict[int, tuple[Barrier, Mask]] = {}

    def arrive(self, number: int, end: Barrier, m: Mask) -> None:
        """Threads wait at the barrier that ends block of code `number`."""
        op, operands, text = end.instruction.op, end.instruction.operands, end.instruction.text
        active = self.warps.watch.mask(m)
        if op in _OF_WARPS:
            self._check_members(operands, active, text)
            waiting = self._warps
        elif op in _OF_BLOCKS and self._whole_block(operands):
            waiting = self._blocks
        else:
            what = "a barrier of some threads of a block is not supported"
            self.warps.watch.fail(what, text, int(np.argmax(active)))
        if number in waiting:
            there = waiting[number][1]
            m = True if m is True or there is True else m | there
        waiting[number] = end, m

    def release_warps(self) -> bool:
        """Let go on the warps all of whose threads wait at one place; whether there were any."""
        released = False
        for number, (end, m) in list(self._warps.items()):
            by_warp = self.warps.watch.mask(m).reshape(-1, WARP)
            ended = self.warps.ended.reshape(-1, WARP)
            whole = np.logical_and.reduce(by_warp | ended, 1) & np.logical_or.reduce(by_warp, 1)
            if not np.count_nonzero(whole):
                continue
            released = True
            self.clock.warp_barrier(whole)
            self.ready.go_apart(end.block, (by_warp & whole[:, None]).reshape(-1))
            left = (by_warp & ~whole[:, None]).reshape(-1)
            del self._warps[number]
            if left.any():
                self._warps[number] = end, left
        return released

    def release_blocks(self) -> bool:
        """Let go on all threads, which all wait; whether there were any.  Raise Fault if threads of
        a block wait at different barriers."""
        for end, m in self._warps.values():
            who = int(np.argmax(self.warps.watch.mask(m)))
            what = "a barrier of a warp that not all its threads come to"
            self.warps.watch.fail(what, end.instruction.text, who)
        places = list(self._blocks.values())
        self._check_one_place([(end, self.warps.watch.mask(m)) for end, m in places])
        self._blocks.clear()
        if places:
            self.clock.block_barrier()
        for end, m in places:
            self.ready.go_apart(end.block, m)
        return bool(places)

    def _check_one_place(self, places: list[tuple[Barrier, Bools]]) -> None:
        if len(places) < 2:
            return
        size = self.warps.watch.per_block
        there = [np.logical_or.reduce(m.reshape(-1, size), 1) for _, m in places]
        bad = np.add.reduce(there, 0, int) > 1
        if np.count_nonzero(bad):
            block = int(np.argmax(bad))
            end, m = next(p for p, some in zip(places, there, strict=True) if some[block])
            first = block * size
            who = first + int(np.argmax(m[first:]))
            what = "threads of a block wait at different barriers"
            self.warps.watch.fail(what, end.instruction.text, who)

    def _whole_block(self, operands: tuple[str, ...]) -> bool:
        return len(operands) < 2 or operands[1] == str(self.threads)

    def _check_members(self, operands: tuple[str, ...], active: Bools, text: str) -> None:
        """Only barriers of whole warps are known: of all their threads that have not ended."""
        members: Int64s = np.broadcast_to(self.value(operands[0]), active.shape).astype(np.int64)
        lanes = np.arange(WARP)
        alive = (~self.warps.ended.reshape(-1, WARP)).astype(np.int64) << lanes
        missing = np.sum(alive, 1)[:, None] & ~members.reshape(-1, WARP) & ALL_LANES
        bad = active & (missing != 0).reshape(-1)
        if bad.any():
            what = "a barrier of some threads of a warp is not supported"
            self.warps.watch.fail(what, text, int(np.argmax(bad)))
