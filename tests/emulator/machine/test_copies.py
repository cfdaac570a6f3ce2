"""cp.async: copies arrive when they are waited for, and not before."""

import numpy as np
import pytest

from emulator.machine import Fault
from tests.emulator.support.small_kernels import Small

SOURCE = np.arange(1, 513, dtype=np.uint32)

# Each thread copies its own 16 bytes; what it loads of them goes to b.
START = """
shl.b32 %r0, %t, 4;
mov.u32 %r9, s; add.s32 %r9, %r9, %r0;
cvt.u64.u32 %rd0, %r0; add.s64 %rd0, %a, %rd0;
"""
COPY = "cp.async.cg.shared.global [%r9], [%rd0], 16;"
COMMIT = "cp.async.commit_group;"
WAIT = "cp.async.wait_group 0;"
LOAD = "ld.shared.u32 %r1, [%r9+4]; st.global.u32 [%pb], %r1;"


def run(*lines: str, threads: int = 32, **given) -> np.ndarray:
    small = Small(
        START + "\n".join(lines), SOURCE, np.zeros(threads, np.uint32), shared=2048, **given
    )
    return small.launch(threads).b


def words(threads: int = 32) -> np.ndarray:
    return SOURCE[: 4 * threads].reshape(-1, 4)[:, 1]


@pytest.mark.parametrize(
    "wait", [[COMMIT, WAIT], ["cp.async.wait_all;"], [COMMIT, COMMIT, "cp.async.wait_group 1;"]]
)
def test_copies_that_are_waited_for(wait):
    np.testing.assert_array_equal(run(COPY, *wait, LOAD), words())


@pytest.mark.parametrize(
    "wait",
    [
        [],
        [COMMIT],
        [WAIT],  # the copy belongs to no group yet
        [COMMIT, "cp.async.wait_group 1;"],
        [COMMIT, "bar.sync 0;"],
    ],
)
def test_copies_that_are_not_waited_for(wait):
    with pytest.raises(Fault, match="an asynchronous copy that has not been waited for"):
        run(COPY, *wait, LOAD, COMMIT, WAIT)
    found = run(COPY, *wait, LOAD, COMMIT, WAIT, races=False)
    assert (found == 0xFFFFFFFF).all()  # NaN


def test_targets_are_not_written_under_way():
    with pytest.raises(Fault, match="a copy that has not been waited for|has not been waited for"):
        run(COPY, "st.shared.u32 [%r9+12], %t;", COMMIT, WAIT)
    with pytest.raises(Fault, match="has not been waited for"):
        run(COPY, COPY, COMMIT, WAIT)
    run(COPY, COMMIT, WAIT, COPY, COMMIT, WAIT)


def test_copies_under_way_at_the_end():
    for lines in ([COPY], [COPY, COMMIT], [COPY, COMMIT, "cp.async.wait_group 1;"]):
        with pytest.raises(Fault, match="the thread ends before its asynchronous copy"):
            run(*lines)


def test_groups_arrive_one_by_one():
    second = "cp.async.ca.shared.global [%r9+512], [%rd0+512], 16;"
    lines = [COPY, COMMIT, second, COMMIT, "cp.async.wait_group 1;", LOAD]
    np.testing.assert_array_equal(run(*lines, WAIT), words())
    with pytest.raises(Fault, match="has not been waited for"):
        run(*lines[:-1], LOAD.replace("%r9+4", "%r9+516"), WAIT)
    later = run(*lines[:-1], WAIT, LOAD.replace("%r9+4", "%r9+516"))
    np.testing.assert_array_equal(later, words() + 128)


def test_threads_wait_for_their_own_copies_only():
    """Another's copy is seen behind its wait and a barrier."""
    other = "xor.b32 %r2, %r0, 16; mov.u32 %r3, s; add.s32 %r9, %r2, %r3;"
    found = run(COPY, COMMIT, WAIT, "bar.sync 0;", other, LOAD)
    np.testing.assert_array_equal(found, words()[np.arange(32) ^ 1])
    with pytest.raises(Fault, match="race with a write"):
        run(COPY, COMMIT, WAIT, other, LOAD)
    half = "setp.lt.u32 %p0, %t, 16; @%p0 cp.async.wait_group 0;"
    with pytest.raises(Fault, match=r"has not been waited for.*"):
        run(COPY, COMMIT, half, "bar.sync 0;", LOAD, WAIT)
    run(COPY, COMMIT, half, "@!%p0 cp.async.wait_all;", LOAD)


def test_bytes_beyond_those_given_become_zeros():
    for size in (0, 4, 8, 16):
        copy = f"mov.u32 %r5, {size}; cp.async.cg.shared.global [%r9], [%rd0], 16, %r5;"
        for word in range(4):
            load = LOAD.replace("+4", f"+{4 * word}")
            expected = SOURCE[:128].reshape(-1, 4)[:, word] * (4 * word < size)
            np.testing.assert_array_equal(run(copy, COMMIT, WAIT, load), expected)


def test_copies_of_nothing_may_come_from_anywhere_that_is_aligned():
    copy = "mov.u32 %r5, 0; cp.async.cg.shared.global [%r9], [%rd1], 16, %r5;"
    run("mov.u64 %rd1, 4096;", copy, COMMIT, WAIT)
    with pytest.raises(Fault, match="is not a multiple of 16"):
        run("mov.u64 %rd1, 4104;", copy, COMMIT, WAIT)
    with pytest.raises(Fault, match="in none of"):
        run("mov.u64 %rd1, 4096;", copy.replace("%r5, 0", "%r5, 4"), COMMIT, WAIT)


def test_copies_are_checked_as_loads_and_stores_are():
    with pytest.raises(Fault, match="16 bytes at global address .* in none of"):
        run(COPY.replace("%rd0]", "%rd0+1600]"), COMMIT, WAIT)
    with pytest.raises(Fault, match="16 bytes at shared address .* in none of"):
        run(COPY.replace("%r9]", "%r9+1600]"), COMMIT, WAIT)
    with pytest.raises(Fault, match="global address .* is not a multiple of 16"):
        run(COPY.replace("%rd0]", "%rd0+8]"), COMMIT, WAIT)
    with pytest.raises(Fault, match="shared address .* is not a multiple of 16"):
        run(COPY.replace("%r9]", "%r9+8]"), COMMIT, WAIT)
    with pytest.raises(Fault, match="a copy of 17 of 16 bytes"):
        run("mov.u32 %r5, 17; cp.async.cg.shared.global [%r9], [%rd0], 16, %r5;")


def test_sources_are_not_changed_under_way():
    change = "st.global.u32 [%rd0+8], %t;"
    for lines in ([COPY, change], [COPY, "bar.sync 0;", change, "bar.sync 0;"]):
        with pytest.raises(Fault, match="the source of an asynchronous copy is changed before its"):
            run(*lines, COMMIT, WAIT)
    run(change, COPY, COMMIT, WAIT)
    run(COPY, COMMIT, WAIT, change)


def test_sources_of_copies_are_read_by_their_threads():
    others = "xor.b32 %r2, %r0, 16; cvt.u64.u32 %rd2, %r2; add.s64 %rd2, %a, %rd2;"
    change = "st.global.u32 [%rd2], %t;"
    with pytest.raises(Fault, match="race with a read"):
        run(others, COPY, change, COMMIT, WAIT)
    with pytest.raises(Fault, match="race with a write"):
        run(others, change, COPY, COMMIT, WAIT)
    run(others, change, "bar.sync 0;", COPY, COMMIT, WAIT)
    with pytest.raises(Fault, match="race with a read"):  # it is read until it arrives
        run(others, COPY, COMMIT, "bar.sync 0;", WAIT, change)
    run(others, COPY, COMMIT, WAIT, "bar.sync 0;", change)


def test_copies_of_four_bytes_race_in_their_bytes_only():
    copy = "cp.async.ca.shared.global [%r9], [%rd0], 4;"
    beside = "st.shared.u32 [%r9+4], %t;"
    np.testing.assert_array_equal(run(copy, beside, COMMIT, WAIT, LOAD), np.arange(32))
    with pytest.raises(Fault, match="has not been waited for"):
        run(copy, beside.replace("+4", ""), COMMIT, WAIT)


def test_a_queue_of_many_copies():
    lines = []
    for i in range(8):
        lines += [
            f"cp.async.ca.shared.global [%r9+{4 * (i % 4)}], [%rd0+{4 * (i % 4)}], 4;",
            COMMIT,
        ]
        lines += ["cp.async.wait_group 3;"]
    found = run(*lines, WAIT, LOAD)
    np.testing.assert_array_equal(found, words())
