"""shfl.sync and vote.sync (PTX manual, chapters of the same names)."""

import numpy as np

from emulator.machine.types import Array, Bools, Mask
from emulator.machine.warps.together import WARP, Warps


def shuffle(
    warps: Warps,
    how: str,
    value: Array,
    b: Array,
    c: Array,
    m: Mask,
    members: Array | int,
    text: str,
) -> tuple[Array, Bools]:
    """Return, for all threads, the values of the lanes they read, and whether those are in range.

    how: "up", "down", "bfly" or "idx"; b: lane or distance; c: clamp in bits 0-4, segment mask in
    bits 8-12.
    """
    active = warps.members(m, np.asarray(members), text)
    count = len(active)
    number = np.arange(count)
    lane = number % WARP
    b, c = (np.broadcast_to(x, count).astype(np.int64) for x in (b, c))
    b, clamp, segment = b & 31, c & 31, c >> 8 & 31
    least, most = lane & segment, (lane & segment) | (clamp & ~segment & 31)
    if how == "up":
        wanted, inside = lane - b, lane - b >= most
    else:
        wanted = {"down": lane + b, "bfly": lane ^ b, "idx": least | (b & ~segment & 31)}[how]
        inside = wanted <= most
    source = number - lane + np.where(inside, wanted, lane)
    absent = active & ~active[source]
    if absent.any():
        who = int(np.argmax(absent))
        what = f"reads lane {source[who] % WARP}, which does not execute the instruction"
        warps.watch.fail(what, text, who)
    return np.broadcast_to(value, count)[source], inside


def vote(
    warps: Warps, how: str, predicate: Bools, m: Mask, members: Array | int, text: str
) -> Array:
    """Return, for all threads, what their warp's active threads vote.

    how: "all", "any" or "uni" give booleans, "ballot" a bit for each lane as uint32.
    """
    active = warps.members(m, np.asarray(members), text)
    chosen = (np.broadcast_to(predicate, active.shape) & active).reshape(-1, WARP)
    there = active.reshape(-1, WARP)
    if how == "ballot":
        bits = (chosen.astype(np.uint64) << np.arange(WARP, dtype=np.uint64)).sum(1)
        return np.repeat(bits.astype(np.uint32), WARP)
    everyone, someone = (chosen == there).all(1), chosen.any(1)
    found = {"all": everyone, "any": someone, "uni": everyone | ~someone}[how]
    return np.repeat(found, WARP)
