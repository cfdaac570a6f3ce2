"""The records of accesses against a list of all accesses, each compared with every other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.machine.memory import loops
from emulator.machine.memory.clock import Clock
from emulator.machine.memory.records import EXTENTS

WARPS, BYTES = 4, 16  # two blocks of two warps
THREADS = 32 * WARPS
_FEW = [0, 1, 31, 32, 33, 64, 65, 96]


@dataclass(frozen=True)
class Access:
    thread: int
    start: int
    width: int
    writes: bool


accesses = st.builds(
    lambda thread, log, place, writes: Access(
        thread, place % (BYTES >> log) << log, 1 << log, writes
    ),
    st.sampled_from(_FEW),
    st.integers(0, 2),
    st.integers(0, BYTES - 1),
    st.booleans(),
)
events = st.lists(
    st.one_of(
        accesses, accesses, accesses, st.just("block"), st.integers(0, WARPS - 1), st.just("run")
    )
)


def meets(accesses: list[Any]) -> int | None:
    """Return the number of the first event that races with an earlier one."""
    for number, event in enumerate(accesses):
        if not isinstance(event, Access):
            continue
        for before, other in enumerate(accesses[:number]):
            if isinstance(other, Access) and _race(other, event, accesses[before + 1 : number]):
                return number
    return None


def _race(one: Access, other: Access, between: list[Any]) -> bool:
    apart = one.start + one.width <= other.start or other.start + other.width <= one.start
    if apart or not (one.writes or other.writes):
        return False
    if "run" in between:  # other blocks: threads are those of another run
        return True
    if one.thread == other.thread:
        return False
    if one.thread // 64 != other.thread // 64:
        return True
    if "block" in between:
        return False
    warps = one.thread // 32, other.thread // 32
    return warps[0] != warps[1] or warps[0] not in between


def found(events: list[Any], shift: int) -> int | None:
    clock = Clock()
    clock.begin_launch()
    extents = [np.array([[0, BYTES]])]
    layout = np.array([0, shift, 0, THREADS, 0])
    layout[EXTENTS] = clock.begin_run(WARPS, 64, extents)[0]
    shadow = np.zeros((BYTES, 2), np.int64)
    memory = np.zeros(BYTES, np.uint8)
    for number, event in enumerate(events):
        if event == "block":
            clock.block_barrier()
        elif event == "run":
            layout[EXTENTS] = clock.begin_run(WARPS, 64, extents)[0]
        elif isinstance(event, Access):
            active, address = np.zeros(THREADS, bool), np.zeros(THREADS, np.int64)
            active[event.thread], address[event.thread] = True, event.start
            state = clock.state
            if event.writes:
                values = np.zeros(THREADS, np.uint8)
                count = event.width
                wrong = loops.store(
                    memory, address, active, values, 0, state, layout, shadow, count
                )
            else:
                out = np.empty((event.width, THREADS), np.uint8)
                wrong = loops.load(memory, address, active, out, 0, state, layout, shadow) < 0
            if wrong:
                return number
        else:
            clock.warp_barrier(np.arange(WARPS) == event)
    return None


@settings(max_examples=400, deadline=None)
@given(events)
def test_exactly_the_first_race_is_found(events):
    assert found(events, 0) == meets(events)


@settings(max_examples=200, deadline=None)
@given(events)
def test_units_may_be_as_wide_as_the_narrowest_access(events):
    wide = [
        Access(e.thread, e.start // 4 * 4, 4, e.writes) if isinstance(e, Access) else e
        for e in events
    ]
    assert found(wide, 2) == meets(wide)
