"""Which threads of a warp execute an instruction that needs all of it."""

from dataclasses import dataclass

import numpy as np

from emulator.machine.memory.spaces import Watch
from emulator.machine.types import Bools, Int64s, Mask

WARP = 32
ALL_LANES = 0xFFFFFFFF


@dataclass
class Warps:
    """The warps of a run; ended: threads that have ended or, in a warp's padding, never were."""

    watch: Watch
    ended: Bools

    def whole(self, m: Mask, text: str) -> Bools:
        """Return the active threads; raise Fault if of a warp only some execute the instruction."""
        active = self.watch.mask(m)
        by_warp = active.reshape(-1, WARP)
        some = np.logical_or.reduce(by_warp, 1) & ~np.logical_and.reduce(by_warp, 1)
        if np.count_nonzero(some):
            self._fail("executed by only some threads of a warp", active, some, text)
        return active

    def members(self, m: Mask, members: Int64s, text: str) -> Bools:
        """Return the active threads; they must be in their member mask, with all others in it."""
        active = self.watch.mask(m)
        lanes = np.arange(len(active)) % WARP
        masks = np.broadcast_to(members.astype(np.int64), active.shape) & ALL_LANES
        outside = active & (masks >> lanes & 1 == 0)
        if outside.any():
            self.watch.fail(
                "a thread that is not in the member mask", text, int(np.argmax(outside))
            )
        by_warp = active.reshape(-1, WARP)
        there = (by_warp.astype(np.int64) << np.arange(WARP)).sum(1)
        gone = (self.ended.reshape(-1, WARP).astype(np.int64) << np.arange(WARP)).sum(1)
        missing = masks.reshape(-1, WARP) & ~(there | gone)[:, None]
        bad = ((missing != 0) & by_warp).any(1)
        if bad.any():
            self._fail("not executed by all threads of the member mask", active, bad, text)
        return active

    def _fail(self, what: str, active: Bools, warps: Bools, text: str) -> None:
        warp = int(np.argmax(warps))
        who = warp * WARP + int(np.argmax(active[warp * WARP : (warp + 1) * WARP]))
        self.watch.fail(what, text, who)
