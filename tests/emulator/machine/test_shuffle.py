"""shfl.sync and vote.sync against loops over lanes."""

import numpy as np
import pytest

from emulator.machine import Fault
from tests.emulator.support.small_kernels import Small

VALUES = np.arange(100, 164, dtype=np.uint32)
ALL = "0xffffffff"


def shuffled(how: str, b: str, c: str, members: str = ALL, before: str = "", **given):
    """Return the values that 64 threads get, and their predicates."""
    body = f"""
    ld.global.u32 %r0, [%pa];
    mov.u32 %r1, 0;
    {before}
    shfl.sync.{how}.b32 %r1|%p1, %r0, {b}, {c}, {members};
    selp.u32 %r2, 1, 0, %p1;
    mul.lo.u32 %r2, %r2, 1000;
    add.s32 %r1, %r1, %r2;
    END:
    bar.sync 0;
    st.global.u32 [%pb], %r1;
    """
    found = Small(body, VALUES, np.zeros(64, np.uint32), **given).launch(64).b
    return found % 1000, found >= 1000


def by_the_manual(how: str, lane: int, b: int, c: int) -> tuple[int, bool]:
    """PTX manual, "shfl.sync": the lane that is read, and the predicate."""
    bval, cval, mask = b & 31, c & 31, c >> 8 & 31
    max_lane, min_lane = (lane & mask) | (cval & ~mask), lane & mask
    if how == "up":
        j = lane - bval
        inside = j >= max_lane
    elif how == "down":
        j = lane + bval
        inside = j <= max_lane
    elif how == "bfly":
        j = lane ^ bval
        inside = j <= max_lane
    else:
        j = min_lane | (bval & ~mask)
        inside = j <= max_lane
    return (j if inside else lane), inside


@pytest.mark.parametrize("how", ["up", "down", "bfly", "idx"])
@pytest.mark.parametrize("width", [32, 16, 8, 1])
def test_every_mode_and_width(how, width):
    c = (32 - width << 8) | (0 if how == "up" else 31)
    for b in (0, 1, 3, 8, 17, 31, 33):
        values, inside = shuffled(how, str(b), str(c))
        for thread in range(64):
            lane, expected = by_the_manual(how, thread % 32, b, c)
            assert values[thread] == VALUES[thread // 32 * 32 + lane], (b, thread)
            assert inside[thread] == expected


def test_lanes_below_the_clamp_of_up_keep_their_values():
    values, inside = shuffled("up", "1", "4")
    for thread in range(64):
        lane, expected = by_the_manual("up", thread % 32, 1, 4)
        assert values[thread] == VALUES[thread // 32 * 32 + lane] and inside[thread] == expected


def test_clamps_and_distances_may_differ_between_lanes():
    before = "and.b32 %r5, %t, 7; or.b32 %r6, %r5, 0x1800;"
    values, inside = shuffled("idx", "%r5", "%r6", before=before)
    for thread in range(64):
        lane, expected = by_the_manual("idx", thread % 32, thread % 8, thread % 8 | 0x1800)
        assert values[thread] == VALUES[thread // 32 * 32 + lane]
        assert inside[thread] == expected


HALF = "and.b32 %r7, %t, 16; setp.ne.u32 %p0, %r7, 0; @%p0 bra END;"


def test_lanes_that_take_part():
    values, _ = shuffled("bfly", "1", "31", "0xffff", HALF)
    lanes = np.arange(64)
    np.testing.assert_array_equal(values, np.where(lanes % 32 < 16, VALUES[lanes ^ 1], 0))
    with pytest.raises(Fault, match="not executed by all threads of the member mask"):
        shuffled("bfly", "1", "31", ALL, HALF)
    with pytest.raises(Fault, match="a thread that is not in the member mask"):
        shuffled("bfly", "1", "31", "0xffff")


def test_lanes_that_do_not_take_part_are_not_read():
    with pytest.raises(Fault, match="reads lane 16, which does not execute"):
        shuffled("bfly", "16", "31", "0xffff", HALF)


def test_lanes_that_have_ended_are_excused_but_not_read():
    ended = HALF.replace("bra END", "exit")
    values, _ = shuffled("bfly", "1", "31", ALL, ended)
    assert (values[:16] == VALUES[np.arange(16) ^ 1]).all()
    with pytest.raises(Fault, match="reads lane 16, which does not execute"):
        shuffled("bfly", "16", "31", ALL, ended)


def test_the_members_may_be_in_a_register():
    before = "mov.u32 %r8, 0xffffffff;"
    values, _ = shuffled("bfly", "1", "31", "%r8", before)
    np.testing.assert_array_equal(values, VALUES[np.arange(64) ^ 1])


def voted(how: str, members: str = ALL, before: str = "") -> np.ndarray:
    target, kind = ("%r1", "b32") if how == "ballot" else ("%p1", "pred")
    body = f"""
    ld.global.u32 %r0, [%pa];
    setp.ne.u32 %p2, %r0, 0;
    mov.u32 %r1, 0;
    {before}
    vote.sync.{how}.{kind} {target}, %p2, {members};
    {"" if how == "ballot" else "selp.u32 %r1, 1, 0, %p1;"}
    END:
    bar.sync 0;
    st.global.u32 [%pb], %r1;
    """
    return lambda given: Small(body, given, np.zeros(64, np.uint32)).launch(64).b


@pytest.mark.parametrize("how", ["all", "any", "uni"])
def test_votes(how):
    means = {"all": all, "any": any, "uni": lambda votes: all(votes) or not any(votes)}[how]
    for pattern in (0, 1, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0x12345678):
        votes = [pattern >> lane & 1 for lane in range(32)]
        other = [1 - vote for vote in votes]
        found = voted(how)(np.array(votes + other, np.uint32))
        assert found.tolist() == [means(votes)] * 32 + [means(other)] * 32


def test_ballots():
    for pattern in (0, 1, 0x80000000, 0xFFFFFFFF, 0x12345678):
        votes = [pattern >> lane & 1 for lane in range(32)]
        found = voted("ballot")(np.array(votes + votes[::-1], np.uint32))
        backward = sum(vote << 31 - lane for lane, vote in enumerate(votes))
        assert found.tolist() == [pattern] * 32 + [backward] * 32


def test_votes_of_some_lanes():
    ones = np.ones(64, np.uint32)
    found = voted("ballot", "0xffff", HALF)(ones)
    assert (found.reshape(2, 32)[:, :16] == 0xFFFF).all() and not found.reshape(2, 32)[:, 16:].any()
    assert voted("all", "0xffff", HALF)(ones).sum() == 32
    with pytest.raises(Fault, match="not executed by all threads of the member mask"):
        voted("all", ALL, HALF)(ones)
