"""Barriers of blocks and of warps."""

import numpy as np
import pytest

from emulator.machine import Fault
from tests.emulator.support.small_kernels import Small

# A sum over the block: each thread adds what the one `half` ahead holds.
SUM = """
mov.u32 %r9, s;
add.s32 %r9, %r9, %own;
st.shared.u32 [%r9], %t;
mov.u32 %r0, 64;
LOOP:
{barrier}
setp.ge.u32 %p0, %t, %r0;
@%p0 bra REST;
shl.b32 %r1, %r0, 2;
add.s32 %r1, %r9, %r1;
ld.shared.u32 %r2, [%r9];
ld.shared.u32 %r3, [%r1];
add.s32 %r2, %r2, %r3;
st.shared.u32 [%r9], %r2;
REST:
shr.u32 %r0, %r0, 1;
setp.ne.u32 %p1, %r0, 0;
@%p1 bra LOOP;
setp.eq.u32 %p2, %t, 0;
@%p2 st.global.u32 [%a], %r2;
"""


@pytest.mark.parametrize(
    "barrier", ["bar.sync 0;", "barrier.sync 0;", "barrier.sync.aligned 0;", "bar.sync 0, 128;"]
)
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_a_sum_over_a_block(barrier, seed):
    small = Small(SUM.format(barrier=barrier), np.zeros(1, np.uint32), shared=512, seed=seed)
    assert small.launch(128).a[0] == 127 * 128 // 2


def test_a_sum_without_its_barrier():
    with pytest.raises(Fault, match="race"):
        Small(SUM.format(barrier=""), np.zeros(1, np.uint32), shared=512).launch(128)


@pytest.mark.parametrize(
    "barrier", ["bar.sync 0, 64;", "bar.arrive 0, 128;", "bar.red.popc.u32 %r5, 0, %p0;"]
)
def test_barriers_of_some_threads_are_refused(barrier):
    with pytest.raises(Fault, match="a barrier of some threads of a block is not supported"):
        Small(SUM.format(barrier=barrier), np.zeros(1, np.uint32), shared=512).launch(128)


TWO_PLACES = """
setp.lt.u32 %p0, %t, {first};
@%p0 bra FIRST;
bar.sync 0;
bra END;
FIRST:
bar.sync 0;
END:
"""


@pytest.mark.parametrize("first", [1, 32, 33])
def test_threads_of_a_block_wait_at_one_barrier(first):
    Small(TWO_PLACES.format(first=0)).launch(64)
    Small(TWO_PLACES.format(first=64)).launch(64)
    with pytest.raises(Fault, match=r"threads of a block wait at different barriers.*bar.sync 0"):
        Small(TWO_PLACES.format(first=first)).launch(64)


def test_blocks_may_wait_at_different_barriers():
    body = TWO_PLACES.replace("%t, {first}", "%blk, 1")
    Small(body).launch(64, 2)


def test_different_barriers_are_told_of_the_block_that_waits_at_them():
    body = TWO_PLACES.format(first=1).replace("setp.lt", "setp.eq.u32 %p1, %blk, 1; setp.lt")
    body = body.replace("@%p0 bra FIRST", "and.pred %p0, %p0, %p1; @%p0 bra FIRST")
    with pytest.raises(Fault) as caught:
        Small(body).launch(64, 3)
    assert caught.value.block == (1, 0, 0)


def test_ended_threads_count_as_having_arrived():
    body = """
    mov.u32 %r9, s;
    add.s32 %r9, %r9, %own;
    st.shared.u32 [%r9], %t;
    setp.ge.u32 %p0, %t, 40;
    @%p0 exit;
    bar.sync 0;
    ld.shared.u32 %r0, [s+252];
    st.global.u32 [%pa], %r0;
    """
    small = Small(body, np.zeros(64, np.uint32)).launch(64)
    np.testing.assert_array_equal(small.a, [63] * 40 + [0] * 24)


EXCHANGE = """
mov.u32 %r9, s;
add.s32 %r9, %r9, %own;
st.shared.u32 [%r9], %t;
{barrier}
xor.b32 %r0, %own, 4;
mov.u32 %r8, s;
add.s32 %r0, %r0, %r8;
ld.shared.u32 %r1, [%r0];
st.global.u32 [%pa], %r1;
"""


def test_lanes_exchange_through_a_barrier_of_the_warp():
    for seed in (None, 1, 2, 3, 4, 5):
        body = EXCHANGE.format(barrier="bar.warp.sync 0xffffffff;")
        found = Small(body, np.zeros(64, np.uint32), seed=seed).launch(64).a
        np.testing.assert_array_equal(found, np.arange(64) ^ 1)


@pytest.mark.parametrize("members", ["-1", "%r5"])
def test_members_of_a_barrier_of_a_warp(members):
    body = EXCHANGE.format(barrier=f"mov.u32 %r5, 0xffffffff; bar.warp.sync {members};")
    np.testing.assert_array_equal(
        Small(body, np.zeros(32, np.uint32)).launch(32).a, np.arange(32) ^ 1
    )


def test_a_barrier_of_some_lanes_is_refused():
    with pytest.raises(Fault, match="a barrier of some threads of a warp is not supported"):
        Small(EXCHANGE.format(barrier="bar.warp.sync 0xffff;"), np.zeros(32, np.uint32)).launch(32)


def test_lanes_that_have_ended_need_not_come_to_a_barrier_of_the_warp():
    barrier = "setp.ge.u32 %p0, %t, 16; @%p0 exit; bar.warp.sync {};"
    for members in ("0xffffffff", "0xffff"):
        body = EXCHANGE.format(barrier=barrier.format(members))
        found = Small(body, np.zeros(32, np.uint32)).launch(32).a
        np.testing.assert_array_equal(found[:16], np.arange(16) ^ 1)


APART = """
setp.lt.u32 %p0, %t, 5;
@%p0 bra FIRST;
{second}
bra END;
FIRST:
{first}
END:
"""


def test_lanes_that_wait_for_each_other_at_two_places():
    warp, block = "bar.warp.sync 0xffffffff;", "bar.sync 0;"
    Small(APART.format(first="", second="")).launch(32)
    for first, second in ((warp, warp), (warp, block), (block, warp)):
        with pytest.raises(Fault, match="a barrier of a warp that not all its threads come to"):
            Small(APART.format(first=first, second=second)).launch(32)


def test_lanes_come_to_a_barrier_of_the_warp_at_different_times():
    body = """
    mov.u32 %r0, 0;
    LOOP:
    add.s32 %r0, %r0, 1;
    setp.lt.u32 %p0, %r0, %t;
    @%p0 bra LOOP;
    bar.warp.sync 0xffffffff;
    st.global.u32 [%pa], %r0;
    """
    for seed in (None, 3, 4, 5, 6):
        found = Small(body, np.zeros(64, np.uint32), seed=seed).launch(64).a
        np.testing.assert_array_equal(found, np.maximum(np.arange(64), 1))
