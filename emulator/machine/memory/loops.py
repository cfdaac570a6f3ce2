"""The compiled loops over the threads of an access: extents, alignment, races, and the bytes.

What they share is plain arrays, because Numba takes those fastest:

now      int64[4]: the clock, its value when the launch and when the run began, threads in a block
since    int64[warps, 2]: the clock when a warp last left a barrier of its block, and of itself
extents  int64[n, 2]: first address and end of what may be touched, at least one row
shadow   int64[units, 2]: who last wrote a unit of memory and who last read it; empty: no check

A unit is as wide as the narrowest access of the kernel, so that all accesses cover whole units and
two that share a unit share a byte.  A record is clock << 20 | thread << 2 | level.  Two accesses
by threads of a block are ordered if the clock of the first is before the barrier that the second
has last left; those of different blocks of a launch never are.  One record of readers is enough,
because of readers that are not ordered it keeps how far apart they are (ONE ... BLOCKS): a write
that would be unordered with any of them is unordered with what is kept.

They call each other and so are in one file: Numba's cache looks only at the file of the caller.
"""

from emulator.machine.memory.compiled import compiled
from emulator.machine.types import Bools, Bytes, Int64s, Integers

CLOCK, LAUNCH, RUN, THREADS = 0, 1, 2, 3  # places in `now`
TIME, WHO, MOST_THREADS = 20, 2, 1 << 18
ONE, LANES, WARPS, BLOCKS = 0, 1, 2, 3  # readers: a thread; more of a warp, of a block, of blocks
COPY = 3  # a writer: an asynchronous copy that has not arrived
FINE, UNALIGNED, OUTSIDE, WRITTEN, READ, COPIED, CHANGED = 0, 1, 2, 3, 4, 5, 6
_MASK = MOST_THREADS - 1


@compiled
def _unordered(record: int, who: int, level: int, now: Int64s, since: Int64s) -> bool:
    """Whether a write in this run is not ordered before an access by `who`, or all its warp."""
    other = record >> WHO & _MASK
    if other == who and level == ONE:
        return False
    if other // now[THREADS] != who // now[THREADS]:
        return True
    return bool(record >> TIME >= since[who >> 5, 1 if other >> 5 == who >> 5 else 0])


@compiled
def _written(shadow: Int64s, unit: int, who: int, level: int, now: Int64s, since: Int64s) -> int:
    """FINE, or how an access by `who` conflicts with the last write of a unit."""
    record = shadow[unit, 0]
    if record >> TIME < now[LAUNCH]:
        return FINE
    if record & 3 == COPY:
        return COPIED
    if record >> TIME < now[RUN] or _unordered(record, who, level, now, since):
        return WRITTEN
    return FINE


@compiled
def _read(shadow: Int64s, unit: int, who: int, now: Int64s, since: Int64s) -> bool:
    """Whether a write by `who` conflicts with the last reads of a unit."""
    record = shadow[unit, 1]
    time, level, other = record >> TIME, record & 3, record >> WHO & _MASK
    if time < now[LAUNCH]:
        return False
    if level == BLOCKS or time < now[RUN] or other // now[THREADS] != who // now[THREADS]:
        return True
    if time < since[who >> 5, 0]:
        return False
    if level == WARPS or other >> 5 != who >> 5:
        return True
    if time < since[who >> 5, 1]:
        return False
    return level == LANES or other != who


@compiled
def _note_read(shadow: Int64s, unit: int, who: int, kind: int, now: Int64s, since: Int64s) -> None:
    """Join a read by `who` (kind ONE) or by its warp (kind LANES) to the record of readers."""
    record = shadow[unit, 1]
    time, level, other = record >> TIME, record & 3, record >> WHO & _MASK
    mine = now[CLOCK] << TIME | who << WHO
    if time < now[LAUNCH]:
        shadow[unit, 1] = mine | kind
    elif level == BLOCKS:
        return
    elif time < now[RUN] or other // now[THREADS] != who // now[THREADS]:
        shadow[unit, 1] = mine | BLOCKS
    elif time < since[who >> 5, 0]:
        shadow[unit, 1] = mine | kind
    elif level == WARPS:
        return
    elif other >> 5 != who >> 5:
        shadow[unit, 1] = mine | WARPS
    elif time < since[who >> 5, 1]:
        shadow[unit, 1] = mine | kind
    elif other != who or level == LANES or kind == LANES:
        shadow[unit, 1] = mine | LANES
    else:
        shadow[unit, 1] = mine


@compiled
def access(
    address: Int64s,
    active: Bools,
    extents: Int64s,
    offsets: Int64s,
    width: int,
    place: Int64s,
    fault: Int64s,
) -> int:
    """Fill `place` with the bytes' places in memory, address + offset, of the active threads.

    Returns FINE, or what is wrong, and then the thread in fault[0].
    """
    near = 0
    for who in range(len(address)):
        if not active[who]:
            continue
        at = address[who]
        if at & (width - 1):
            fault[0] = who
            return UNALIGNED
        if at < extents[near, 0] or at > extents[near, 1] - width:
            near = 0
            while near < len(extents) and not extents[near, 0] <= at <= extents[near, 1] - width:
                near += 1
            if near == len(extents):
                fault[0] = who
                return OUTSIDE
        place[who] = at + offsets[who]
    return FINE


@compiled
def read(
    shadow: Int64s,
    place: Int64s,
    active: Bools,
    width: int,
    shift: int,
    now: Int64s,
    since: Int64s,
    fault: Int64s,
    kind: int,
) -> int:
    """Record that the active threads read `width` bytes; a unit has 1 << shift bytes.

    kind: ONE, or LANES if what a thread reads goes to all of its warp.
    """
    units = width >> shift
    for who in range(len(place)):
        if not active[who]:
            continue
        first = place[who] >> shift
        for unit in range(first, first + units):
            wrong = _written(shadow, unit, who, kind, now, since)
            if wrong != FINE:
                fault[0], fault[1] = who, shadow[unit, 0]
                return wrong
            _note_read(shadow, unit, who, kind, now, since)
    return FINE


@compiled
def write(
    shadow: Int64s,
    place: Int64s,
    active: Bools,
    width: int,
    shift: int,
    now: Int64s,
    since: Int64s,
    fault: Int64s,
    level: int,
) -> int:
    """Record that the active threads write `width` bytes; level: ONE, or COPY for copies issued."""
    units = width >> shift
    for who in range(len(place)):
        if not active[who]:
            continue
        first = place[who] >> shift
        mine = now[CLOCK] << TIME | who << WHO | level
        for unit in range(first, first + units):
            wrong = _written(shadow, unit, who, ONE, now, since)
            if wrong != FINE:
                fault[0], fault[1] = who, shadow[unit, 0]
                return wrong
            if _read(shadow, unit, who, now, since):
                fault[0], fault[1] = who, shadow[unit, 1]
                return READ
            shadow[unit, 0] = mine
    return FINE


@compiled
def gather(memory: Integers, place: Int64s, active: Bools, shift: int, ahead: int, out: Integers) -> int:
    """Copy the active threads' values, `ahead` values behind `place`, to the first of `out`."""
    count = 0
    for who in range(len(place)):
        if active[who]:
            out[count] = memory[(place[who] >> shift) + ahead]
            count += 1
    return count


@compiled
def scatter(
    memory: Integers,
    place: Int64s,
    active: Bools,
    shift: int,
    ahead: int,
    values: Integers,
    backward: bool,
) -> None:
    """Write the active threads' values; backward: the last thread first."""
    count = len(place)
    for step in range(count):
        who = count - 1 - step if backward else step
        if active[who]:
            memory[(place[who] >> shift) + ahead] = values[who]


@compiled
def arrive(
    memory: Bytes,
    data: Bytes,
    target: Int64s,
    threads: Int64s,
    shadow: Int64s,
    shift: int,
    now: Int64s,
) -> None:
    """Write what copies bring, a row of `data` for each target and thread."""
    width = data.shape[1]
    for row in range(len(target)):
        place = target[row]
        for byte in range(width):
            memory[place + byte] = data[row, byte]
        if len(shadow):
            for unit in range(place >> shift, (place + width) >> shift):
                shadow[unit, 0] = now[CLOCK] << TIME | threads[row] << WHO


@compiled
def changed(
    shadow: Int64s,
    place: Int64s,
    threads: Int64s,
    issued: int,
    width: int,
    shift: int,
    fault: Int64s,
) -> int:
    """CHANGED if a copy's source was written after the copies were issued (the clock then), or FINE."""
    for row in range(len(place)):
        for unit in range(place[row] >> shift, (place[row] + width) >> shift):
            if shadow[unit, 0] >> TIME >= issued:
                fault[0], fault[1] = threads[row], shadow[unit, 0]
                return CHANGED
    return FINE
