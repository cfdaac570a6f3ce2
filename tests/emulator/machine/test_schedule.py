"""Orders drawn by a seed: correct kernels do not notice, others give other results."""

from collections import defaultdict

import numpy as np
import pytest

from emulator.machine import Fault
from emulator.machine.schedule.order import Order
from tests.emulator.support.small_kernels import Small

SEEDS = [None, *range(12)]

# Blocks count in turns without atomics; warps, lanes of a warp, and one store, likewise.
RACY = {
    "blocks": "ld.global.u32 %r0, [%a]; mad.lo.u32 %r0, %r0, 3, %blk; st.global.u32 [%a], %r0;",
    "warps": """
        and.b32 %r1, %t, 31;
        setp.ne.u32 %p0, %r1, 0;
        @%p0 exit;
        ld.global.u32 %r0, [%a];
        bar.sync 0;
        add.s32 %r0, %r0, %t;
        st.global.u32 [%a], %r0;
    """,
    "lanes": """
        and.b32 %r1, %t, 1;
        setp.eq.u32 %p0, %r1, 0;
        @%p0 bra EVEN;
        st.global.u32 [%a], 7;
        bra END;
        EVEN:
        st.global.u32 [%a], 8;
        END:
    """,
    "one store": "st.global.u32 [%a], %t;",
    "a vector": "mov.u32 %r0, 5; st.global.v2.u32 [%a], {%r0, %t};",
}


@pytest.mark.parametrize("name", RACY)
def test_results_of_races_depend_on_the_seed(name):
    found = set()
    for seed in SEEDS:
        small = Small(RACY[name], np.zeros(2, np.uint32), seed=seed, races=False)
        small.launch(96, 1 if name != "blocks" else 40)
        found.add(tuple(small.a))
    assert len(found) > 1, found


def test_a_seed_gives_the_same_results_again():
    for seed in SEEDS:
        found = []
        for _ in range(2):
            small = Small(RACY["blocks"], np.zeros(2, np.uint32), seed=seed, races=False)
            found.append([int(small.launch(32, 40).a[0]) for _ in range(5)])
        assert found[0] == found[1]


DIVERGENT = """
mov.u32 %r0, 0;
mov.u32 %r1, 0;
LOOP:
and.b32 %r2, %t, 3;
setp.eq.u32 %p0, %r2, 0;
@%p0 bra SKIP;
add.s32 %r1, %r1, %r2;
setp.eq.u32 %p1, %r2, 2;
@%p1 bra TWO;
mad.lo.u32 %r1, %r1, 3, %t;
bra SKIP;
TWO:
xor.b32 %r1, %r1, %blk;
SKIP:
{together}
add.s32 %r0, %r0, 1;
setp.lt.u32 %p2, %r0, {turns};
@%p2 bra LOOP;
mad.lo.u32 %r5, %blk, 64, %t;
mul.wide.u32 %rd0, %r5, 4;
add.s64 %rd0, %a, %rd0;
st.global.u32 [%rd0], %r1;
"""


def expected(shuffled: bool) -> np.ndarray:
    value = np.zeros((5, 64), np.uint32)
    t, block = np.arange(64, dtype=np.uint32), np.arange(5, dtype=np.uint32)[:, None]
    for _ in range(6):
        more = value + (t & 3)
        value = np.where(t & 3 == 0, value, np.where(t & 3 == 2, more ^ block, more * 3 + t))
        if shuffled:
            value = value[:, t ^ 1]
    return value


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "together", ["", "shfl.sync.bfly.b32 %r1, %r1, 1, 31, 0xffffffff;", "bar.sync 0;"]
)
def test_threads_that_go_different_ways_meet_again(seed, together):
    body = DIVERGENT.format(together=together, turns=6)
    small = Small(body, np.zeros(320, np.uint32), seed=seed)
    found = small.launch(64, 5).a.reshape(5, 64)
    np.testing.assert_array_equal(found, expected("shfl" in together))
    assert small.machine.instructions == instructions(together)


def instructions(together: str) -> int:
    """What all threads execute, however they are scheduled."""
    small = Small(DIVERGENT.format(together=together, turns=6), np.zeros(320, np.uint32))
    small.launch(64, 5)
    return small.machine.instructions


@pytest.mark.parametrize("seed", SEEDS)
def test_warps_run_apart_up_to_barriers_only(seed):
    """Each warp reads what another has written before the barrier."""
    body = """
    mov.u32 %r9, s; add.s32 %r9, %r9, %own;
    st.shared.u32 [%r9], %t;
    bar.sync 0;
    xor.b32 %r0, %own, 128; mov.u32 %r8, s; add.s32 %r0, %r0, %r8;
    ld.shared.u32 %r1, [%r0];
    bar.sync 0;
    st.shared.u32 [%r9], %r1;
    bar.sync 0;
    ld.shared.u32 %r2, [%r0];
    st.global.u32 [%pa], %r2;
    """
    for _ in range(4):
        found = Small(body, np.zeros(64, np.uint32), seed=seed).launch(64).a
        np.testing.assert_array_equal(found, np.arange(64))


def test_a_run_is_cut_into_groups_of_blocks(monkeypatch):
    monkeypatch.setattr("emulator.machine.machine.AT_ONCE", 128)
    body = "mad.lo.u32 %r0, %blk, 32, %t; mul.wide.u32 %rd0, %r0, 4; add.s64 %rd0, %a, %rd0;"
    body += "ld.global.u32 %r1, [%rd0]; add.s32 %r1, %r1, %r0; st.global.u32 [%rd0], %r1;"
    for seed in SEEDS:
        found = Small(body, np.ones(32 * 11, np.uint32), seed=seed).launch(32, 11).a
        np.testing.assert_array_equal(found, np.arange(32 * 11) + 1)


def test_what_seeds_decide():
    drawn = defaultdict(set)
    for seed in range(40):
        order = Order(seed, 1)
        first = next(order.blocks(100, 10))
        drawn["blocks"].add(tuple(first))
        drawn["together"].add(len(first))
        drawn["backward"].add(order.backward)
        drawn["toward zero"].add(order.sums.toward_zero)
        drawn["terms"].add(tuple(order.sums.order(8)))
        drawn["code"].add(order.pick({3: True, 7: True, 5: True}))
        drawn["apart"].add(bool(order.parts(128)))
    assert len(drawn["blocks"]) == 40 and len(drawn["terms"]) == 40
    assert drawn["together"] == {5, 10} and drawn["code"] == {3, 5, 7}
    assert all(drawn[name] == {False, True} for name in ("backward", "toward zero", "apart"))


def test_every_block_runs_once_in_every_order():
    for seed in SEEDS:
        groups = list(Order(seed, 3).blocks(37, 8))
        assert sorted(np.concatenate(groups)) == list(range(37))


def test_parts_of_a_run_are_whole_warps():
    found = 0
    for seed in range(20):
        order = Order(seed, 3)
        next(order.blocks(1, 1))
        assert order.parts(32) == []
        for threads in (64, 96, 256):
            parts = order.parts(threads)
            found += bool(parts)
            if parts:
                assert (np.sum(parts, axis=0) == 1).all()
                assert all(part.reshape(-1, 32).all(1).sum() * 32 == part.sum() for part in parts)
    assert 5 < found < 55


def test_launches_of_one_seed_differ():
    orders = [tuple(next(Order(7, launch).blocks(50, 50))) for launch in range(5)]
    assert len(set(orders)) == 5


def test_the_plain_order_is_that_of_the_numbers():
    order = Order(None, 1)
    assert [list(group) for group in order.blocks(5, 2)] == [[0, 1], [2, 3], [4]]
    assert order.pick({4: True, 2: True}) == 2 and order.parts(256) == []


def test_part_of_a_warp_waits_for_the_rest_whatever_comes_first():
    """Lanes that come early to a shuffle are not run without the others."""
    body = """
    setp.lt.u32 %p0, %t, 9;
    mov.u32 %r0, %t;
    @%p0 bra MEET;
    mov.u32 %r1, 0;
    LOOP:
    add.s32 %r1, %r1, 1;
    setp.lt.u32 %p1, %r1, %t;
    @%p1 bra LOOP;
    MEET:
    shfl.sync.bfly.b32 %r2, %r0, 31, 31, 0xffffffff;
    st.global.u32 [%pa], %r2;
    """
    for seed in SEEDS:
        found = Small(body, np.zeros(64, np.uint32), seed=seed).launch(64).a
        np.testing.assert_array_equal(found, np.arange(64) ^ 31)


def test_a_fault_repeats_with_its_seed():
    for seed in SEEDS:
        told = []
        for _ in range(2):
            with pytest.raises(Fault) as caught:
                Small(RACY["blocks"], np.zeros(2, np.uint32), seed=seed).launch(32, 40)
            told.append(str(caught.value))
        assert told[0] == told[1]
