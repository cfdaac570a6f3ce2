"""The compiled loops over the threads of an access: extents, alignment, races, and the bytes.

`records` explains what they look for and the arrays that they share.
"""

from emulator.machine.memory.compiled import compiled, inlined
from emulator.machine.memory.records import (
    BLOCKS,
    CLOCK,
    COPIED,
    COPY,
    EXTENTS,
    FINE,
    GROUP,
    HEADER,
    LANES,
    LAUNCH,
    MASK,
    ONE,
    OUTSIDE,
    READ,
    RECORD,
    RUN,
    SHIFT,
    START,
    STRIDE,
    THREADS,
    TIME,
    TOO_MANY,
    UNALIGNED,
    WARPS,
    WHO,
    WHO_FAILS,
    WRITTEN,
)
from emulator.machine.types import Bools, Bytes, Int64s, Integers


@inlined
def _written(shadow: Int64s, unit: int, who: int, kind: int, state: Int64s) -> int:
    """FINE, or how an access by `who`, or (LANES) its warp, conflicts with a unit's last write."""
    record = shadow[unit, 0]
    time, other = record >> TIME, record >> WHO & MASK
    if time < state[LAUNCH]:
        return FINE
    if record & 3 == COPY:
        return COPIED
    if time < state[RUN]:
        return WRITTEN
    if other == who and kind == ONE:
        return FINE
    if other // state[THREADS] != who // state[THREADS]:
        return WRITTEN
    ordered = time < state[HEADER + 2 * (who >> 5) + (1 if other >> 5 == who >> 5 else 0)]
    return FINE if ordered else WRITTEN


@inlined
def _read(shadow: Int64s, unit: int, who: int, state: Int64s) -> bool:
    """Whether a write by `who` conflicts with the last reads of a unit."""
    record = shadow[unit, 1]
    time, level, other = record >> TIME, record & 3, record >> WHO & MASK
    if time < state[LAUNCH] or (level == ONE and other == who and time >= state[RUN]):
        return False
    if level == BLOCKS or time < state[RUN] or other // state[THREADS] != who // state[THREADS]:
        return True
    if time < state[HEADER + 2 * (who >> 5)]:
        return False
    if level == WARPS or other >> 5 != who >> 5:
        return True
    return bool(time >= state[HEADER + 2 * (who >> 5) + 1])


@inlined
def _note_read(shadow: Int64s, unit: int, who: int, kind: int, state: Int64s) -> None:
    """Join a read by `who` (kind ONE) or by its warp (kind LANES) to the record of readers."""
    record = shadow[unit, 1]
    time, level, other = record >> TIME, record & 3, record >> WHO & MASK
    mine = state[CLOCK] << TIME | who << WHO
    if time < state[LAUNCH]:
        shadow[unit, 1] = mine | kind
    elif level == BLOCKS:
        return
    elif time < state[RUN]:
        shadow[unit, 1] = mine | BLOCKS
    elif other == who and level == ONE:
        shadow[unit, 1] = mine | kind
    elif other // state[THREADS] != who // state[THREADS]:
        shadow[unit, 1] = mine | BLOCKS
    elif time < state[HEADER + 2 * (who >> 5)]:
        shadow[unit, 1] = mine | kind
    elif level == WARPS:
        return
    elif other >> 5 != who >> 5:
        shadow[unit, 1] = mine | WARPS
    elif time < state[HEADER + 2 * (who >> 5) + 1]:
        shadow[unit, 1] = mine | kind
    else:
        shadow[unit, 1] = mine | LANES


@inlined
def _wrong_place(at: int, width: int, state: Int64s, extents: int) -> int:
    """FINE, UNALIGNED or OUTSIDE; the extent that is found comes first from now on."""
    if at & (width - 1):
        return UNALIGNED
    if state[extents + 1] <= at <= state[extents + 2] - width:
        return FINE
    for row in range(extents + 3, extents + 1 + 2 * state[extents], 2):
        if state[row] <= at <= state[row + 1] - width:
            for i in range(2):
                first = state[extents + 1 + i]
                state[extents + 1 + i] = state[row + i]
                state[row + i] = first
            return FINE
    return OUTSIDE


@inlined
def _check(
    at: int,
    place: int,
    who: int,
    width: int,
    kind: int,
    writes: bool,
    state: Int64s,
    layout: Int64s,
    shadow: Int64s,
) -> int:
    """Check and record an access.  kind: of a reader ONE or LANES, of a writer ONE or COPY."""
    wrong = _wrong_place(at, width, state, layout[EXTENTS])
    if wrong == FINE and len(shadow):
        shift = layout[SHIFT]
        for unit in range(place >> shift, (place + width) >> shift):
            state[RECORD] = shadow[unit, 0]
            wrong = _written(shadow, unit, who, ONE if writes else kind, state)
            if wrong != FINE:
                break
            if not writes:
                _note_read(shadow, unit, who, kind, state)
            elif _read(shadow, unit, who, state):
                state[RECORD] = shadow[unit, 1]
                wrong = READ
                break
            else:
                shadow[unit, 0] = state[CLOCK] << TIME | who << WHO | kind
    if wrong != FINE:
        state[WHO_FAILS] = who
    return wrong


@compiled
def touch(
    address: Int64s,
    active: Bools,
    width: int,
    state: Int64s,
    layout: Int64s,
    shadow: Int64s,
    place: Int64s,
) -> int:
    """Check and record reads that go to all of a warp; fill `place` with where the threads read."""
    for who in range(len(address)):
        if active[who]:
            at = address[who]
            place[who] = at + layout[START] + who // layout[GROUP] * layout[STRIDE]
            wrong = _check(at, place[who], who, width, LANES, False, state, layout, shadow)
            if wrong != FINE:
                return wrong
    return FINE


@compiled
def load(
    memory: Integers,
    address: Int64s,
    active: Bools,
    out: Integers,
    size_shift: int,
    state: Int64s,
    layout: Int64s,
    shadow: Int64s,
) -> int:
    """Fill `out`, a row for each value behind an address, with those of the active threads.

    Returns how many threads are active or, negative, what is wrong.
    """
    count, found, offset, until = out.shape[0], 0, layout[START], layout[GROUP]
    width = count << size_shift
    for who in range(len(address)):
        if who == until:
            offset, until = offset + layout[STRIDE], until + layout[GROUP]
        if active[who]:
            at = address[who]
            place = at + offset
            wrong = _check(at, place, who, width, ONE, False, state, layout, shadow)
            if wrong != FINE:
                return -wrong
            for i in range(count):
                out[i, found] = memory[(place >> size_shift) + i]
            found += 1
    return found


@compiled
def store(
    memory: Integers,
    address: Int64s,
    active: Bools,
    values: Integers,
    size_shift: int,
    state: Int64s,
    layout: Int64s,
    shadow: Int64s,
    count: int,
) -> int:
    """Check `count` values behind each address, and write the first of them."""
    offset, until, width = layout[START], layout[GROUP], count << size_shift
    for who in range(len(address)):
        if who == until:
            offset, until = offset + layout[STRIDE], until + layout[GROUP]
        if active[who]:
            at = address[who]
            place = at + offset
            wrong = _check(at, place, who, width, ONE, True, state, layout, shadow)
            if wrong != FINE:
                return wrong
            memory[place >> size_shift] = values[who]
    return FINE


@compiled
def put(
    memory: Integers,
    address: Int64s,
    active: Bools,
    values: Integers,
    size_shift: int,
    layout: Int64s,
    ahead: int,
    backward: bool,
) -> None:
    """Write values `ahead` behind addresses that have been checked.

    backward: the last thread first.
    """
    threads = len(address)
    for step in range(threads):
        who = threads - 1 - step if backward else step
        if active[who]:
            place = address[who] + layout[START] + who // layout[GROUP] * layout[STRIDE]
            memory[(place >> size_shift) + ahead] = values[who]


@compiled
def issue(
    queue: Int64s,
    length: int,
    target: Int64s,
    source: Int64s,
    given: Int64s,
    active: Bools,
    committed: Int64s,
    state: Int64s,
    outer: Int64s,
    outer_shadow: Int64s,
    inner: Int64s,
    inner_shadow: Int64s,
    memory: Bytes,
    width: int,
    text: int,
) -> int:
    """Queue the active threads' copies of `width` bytes, and fill their targets with 0xFF.

    Returns FINE, what is wrong in global memory or, negative, in shared memory.
    """
    state[CLOCK] += 1  # so that writes before the copy, and those behind it, are told apart
    for who in range(len(target)):
        if not active[who]:
            continue
        at, row = source[who], length
        place = at + outer[START]
        if given[who] > 0:
            wrong = _check(at, place, who, width, ONE, False, state, outer, outer_shadow)
        else:
            wrong = UNALIGNED if at & (width - 1) else FINE
        if given[who] > width:
            wrong = TOO_MANY
        if wrong != FINE:
            state[WHO_FAILS] = who
            return wrong
        goal = target[who] + inner[START] + who // inner[GROUP] * inner[STRIDE]
        wrong = _check(target[who], goal, who, width, COPY, True, state, inner, inner_shadow)
        if wrong != FINE:
            return -wrong
        memory[goal : goal + width] = 0xFF
        queue[row, 0], queue[row, 1], queue[row, 2] = goal, place, who
        queue[row, 3], queue[row, 4], queue[row, 5] = given[who], committed[who], width
        queue[row, 6], queue[row, 7] = state[CLOCK], text
        length += 1
    return FINE


@compiled
def arrive(
    queue: Int64s,
    length: int,
    active: Bools,
    committed: Int64s,
    pending: int,
    state: Int64s,
    outer: Int64s,
    outer_shadow: Int64s,
    inner: Int64s,
    inner_shadow: Int64s,
    outer_memory: Bytes,
    memory: Bytes,
) -> int:
    """Write what active threads' copies bring, but for their last `pending` groups.

    Returns how many rows of the queue are left, or -1 - the row whose source has been changed.
    """
    left = 0
    for row in range(length):
        goal, place, who, given, group, width = (
            queue[row, 0],
            queue[row, 1],
            queue[row, 2],
            queue[row, 3],
            queue[row, 4],
            queue[row, 5],
        )
        if not active[who] or group >= committed[who] - pending:
            for column in range(queue.shape[1]):
                queue[left, column] = queue[row, column]
            left += 1
            continue
        if given > 0 and len(outer_shadow):
            shift = outer[SHIFT]
            for unit in range(place >> shift, (place + width) >> shift):
                if outer_shadow[unit, 0] >> TIME >= queue[row, 6]:
                    state[WHO_FAILS], state[RECORD] = who, outer_shadow[unit, 0]
                    return -1 - row
                _note_read(outer_shadow, unit, who, ONE, state)
        for byte in range(width):
            memory[goal + byte] = outer_memory[place + byte] if byte < given else 0
        if len(inner_shadow):
            shift = inner[SHIFT]
            for unit in range(goal >> shift, (goal + width) >> shift):
                inner_shadow[unit, 0] = state[CLOCK] << TIME | who << WHO
    return left
