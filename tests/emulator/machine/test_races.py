"""Threads that meet in memory without a barrier; of every race a twin that is none."""

import numpy as np
import pytest

from emulator.machine import Fault
from tests.emulator.support.small_kernels import Small

ALIGNED = {1: "rs0", 2: "rs0", 4: "r0", 8: "rd0"}
SHARED_OWN = "mov.u32 %r9, s; add.s32 %r9, %r9, %own;"  # the address of the thread's word
BARRIER = "bar.sync 0;"
WARP_BARRIER = "bar.warp.sync 0xffffffff;"


def races(body: str, *, threads: int = 64, blocks: int = 1, size: int = 256, **given) -> str:
    """Return what race a kernel is refused for, or ""."""
    small = Small(
        body, np.zeros(size, np.float32), np.zeros(size, np.float32), shared=1024, **given
    )
    try:
        small.launch(threads, blocks)
    except Fault as fault:
        assert "race" in fault.what, fault
        return fault.what
    return ""


def shared(first: str, between: str, second: str) -> str:
    """First and second: "read" or "write", and an expression of the word: own or own ^ a number."""
    lines = ["mov.u32 %r0, 0;"]
    for number, access in enumerate((first, second)):
        kind, _, distance = access.partition(" ")
        address = f"%r1{number}"
        lines.append(f"xor.b32 {address}, %t, {distance or 0}; shl.b32 {address}, {address}, 2;")
        lines.append(f"mov.u32 %r9, s; add.s32 {address}, {address}, %r9;")
        if kind == "read":
            lines.append(f"ld.shared.u32 %r2{number}, [{address}];")
        else:
            lines.append(f"st.shared.u32 [{address}], %t;")
        lines += [between] * (number == 0)
    return "\n".join(lines)


# Distance 1 meets another lane, 32 another warp.
@pytest.mark.parametrize("distance", [1, 32])
@pytest.mark.parametrize("pair", [("read", "write"), ("write", "read"), ("write", "write")])
def test_accesses_of_two_threads_need_a_barrier(pair, distance):
    first, second = pair[0], f"{pair[1]} {distance}"
    found = races(shared(first, "", second))
    assert found.startswith(f"a race with a {pair[0]} by thread ")
    assert "of its block in shared memory" in found
    assert not races(shared(first, BARRIER, second))
    assert not races(shared("read", "", f"read {distance}"))
    assert not races(shared(pair[0], "", pair[1]))  # each thread with itself


@pytest.mark.parametrize("pair", [("read", "write"), ("write", "read"), ("write", "write")])
def test_a_barrier_of_the_warp_orders_its_lanes_only(pair):
    first, second = pair
    assert not races(shared(first, WARP_BARRIER, f"{second} 1"))
    assert races(shared(first, WARP_BARRIER, f"{second} 32"))
    assert races(shared(first, WARP_BARRIER, f"{second} 33"))


@pytest.mark.parametrize(
    "exchange",
    [
        "shfl.sync.bfly.b32 %r30, %t, 1, 31, 0xffffffff;",
        "vote.sync.ballot.b32 %r30, %p0, 0xffffffff;",
    ],
)
def test_other_instructions_of_a_warp_do_not_order_memory(exchange):
    exchange = "setp.eq.u32 %p0, %t, 0;" + exchange
    assert races(shared("write", exchange, "read 1"))
    assert not races(shared("write", exchange + WARP_BARRIER, "read 1"))


def test_many_readers_are_all_remembered():
    """Thread 0 reads, then others; the write of a thread that read last races with the first."""
    body = """
    mov.u32 %r0, s;
    ld.shared.u32 %r1, [%r0];
    {between}
    setp.eq.u32 %p0, %t, {writer};
    @%p0 st.shared.u32 [%r0], %t;
    """
    for writer in (0, 31, 32, 63):
        assert races(body.format(between="", writer=writer))
        assert not races(body.format(between=BARRIER, writer=writer))
        assert races(body.format(between=WARP_BARRIER, writer=writer))
        assert not races(body.format(between=WARP_BARRIER, writer=writer % 32), threads=32)
    assert not races(body.format(between="", writer=0), threads=1)


def test_readers_of_other_warps_are_not_forgotten_at_a_barrier_of_a_warp():
    body = """
    mov.u32 %r0, s;
    shr.u32 %r2, %t, 5;
    setp.eq.u32 %p1, %r2, 0;
    @%p1 bra FIRST;
    ld.shared.u32 %r1, [%r0];
    FIRST:
    {barrier}
    setp.eq.u32 %p2, %t, 5;
    @%p2 ld.shared.u32 %r1, [%r0];
    bar.warp.sync 0xffffffff;
    setp.eq.u32 %p0, %t, 4;
    @%p0 st.shared.u32 [%r0], %t;
    """
    assert races(body.format(barrier=""))
    assert not races(body.format(barrier=BARRIER))


@pytest.mark.parametrize("kind", ["read", "write"])
def test_bytes_of_one_word_are_apart(kind):
    """Each thread writes its byte, and reads or writes that of another, or beside it."""
    body = """
    mov.u32 %r0, s;
    add.s32 %r1, %r0, %t;
    st.shared.u8 [%r1], %rs0;
    {between}
    {second}
    """
    second = {"read": "ld.shared.u8 %rs1, [%r1{0}];", "write": "st.shared.u8 [%r1{0}], %rs0;"}[kind]
    assert not races(body.format(between="", second=second.format("")), threads=32)
    assert races(body.format(between="", second=second.format("+1")), threads=32)
    assert not races(body.format(between=BARRIER, second=second.format("+1")), threads=32)


def test_reading_and_writing_a_word_races_with_the_bytes_beside():
    """Lane 0 changes byte 0 by reading and writing its word, while lane 1 reads byte 1."""
    change = """
    setp.eq.u32 %p0, %t, 0;
    @!%p0 bra OTHER;
    ld.shared.u{bits} %r1, [s];
    or.b32 %r1, %r1, 5;
    st.shared.u{bits} [s], %r1;
    OTHER:
    {between}
    setp.eq.u32 %p1, %t, 1;
    @%p1 ld.shared.u8 %rs1, [s+1];
    """.replace("%r1", "{value}")
    word, byte = {"bits": 32, "value": "%r1"}, {"bits": 8, "value": "%rs1"}
    assert races(change.format(between="", **word), threads=32)
    assert not races(change.format(between=BARRIER, **word), threads=32)
    byte_change = change.replace("or.b32", "or.b16").format(between="", **byte)
    assert not races(byte_change, threads=32)


def test_a_read_is_a_race_with_a_later_change_of_its_word():
    body = """
    setp.eq.u32 %p1, %t, 1;
    @%p1 ld.shared.u8 %rs1, [s+1];
    {between}
    setp.eq.u32 %p0, %t, 0;
    @%p0 ld.shared.u32 %r1, [s];
    @%p0 st.shared.u32 [s], %r1;
    """
    assert races(body.format(between=""), threads=32)
    assert not races(body.format(between=WARP_BARRIER), threads=32)
    assert not races(body.format(between="").replace("st.shared.u32 [s]", "st.shared.u32 [s+4]"))


@pytest.mark.parametrize("wide", ["v2.u32", "v4.u32", "u64"])
def test_wide_accesses_race_in_any_of_their_words(wide):
    registers = {"v2.u32": "{%r1, %r2}", "v4.u32": "{%r1, %r2, %r3, %r4}", "u64": "%rd0"}[wide]
    words = {"v2.u32": 2, "v4.u32": 4, "u64": 2}[wide]
    for word in range(words + 1):
        body = f"""
        setp.eq.u32 %p0, %t, 0;
        setp.eq.u32 %p1, %t, 1;
        @%p0 ld.shared.{wide} {registers}, [s];
        @%p1 st.shared.u32 [s+{4 * word}], %t;
        """
        assert bool(races(body)) == (word < words)


def test_two_threads_that_write_one_place_at_once():
    assert races("st.shared.u32 [s], %t;", threads=2)
    assert not races("st.shared.u32 [s], %t;", threads=1)
    assert races("mov.u32 %r0, 3; st.shared.u32 [s], %r0;", threads=2)  # the same value


# -- global memory

OWN_OF_BLOCK = """
mul.lo.u32 %r0, %blk, 4;
cvt.u64.u32 %rd0, %r0;
add.s64 %rd0, %a, %rd0;
"""
OTHER_OF_BLOCK = """
xor.b32 %r1, %blk, 1;
mul.lo.u32 %r1, %r1, 4;
cvt.u64.u32 %rd1, %r1;
add.s64 %rd1, %a, %rd1;
"""


@pytest.mark.parametrize("pair", [("read", "write"), ("write", "read"), ("write", "write")])
@pytest.mark.parametrize("at_once", [True, False])
def test_blocks_of_a_launch_are_never_ordered(pair, at_once, monkeypatch):
    if not at_once:  # each block in a run of its own
        monkeypatch.setattr("emulator.machine.machine.AT_ONCE", 1)
    access = {"read": "ld.global.u32 %r2, [{}];", "write": "st.global.u32 [{}], %blk;"}
    own, other = access[pair[0]].format("%rd0"), access[pair[1]].format("%rd1")
    body = OWN_OF_BLOCK + OTHER_OF_BLOCK + own + BARRIER + other
    found = races(body, threads=1, blocks=2)
    assert "race with a" in found and "another block in global memory" in found
    assert not races(body, threads=1, blocks=1)
    assert not races(OWN_OF_BLOCK + OTHER_OF_BLOCK + own + own, threads=1, blocks=2)


@pytest.mark.parametrize("at_once", [True, False])
def test_readers_of_many_blocks_are_remembered_to_the_end_of_the_launch(at_once, monkeypatch):
    if not at_once:
        monkeypatch.setattr("emulator.machine.machine.AT_ONCE", 1)
    body = """
    ld.global.u32 %r0, [%a];
    bar.sync 0;
    ld.global.u32 %r1, [%a];
    bar.sync 0;
    setp.eq.u32 %p0, %blk, {writer};
    @%p0 st.global.u32 [%a], %r1;
    """
    for writer in range(3):
        assert races(body.format(writer=writer), threads=1, blocks=3)
    assert not races(body.format(writer=3), threads=1, blocks=3)
    assert not races(body.format(writer=0), threads=1, blocks=1)


def test_launches_are_ordered():
    body = "ld.global.f32 %f0, [%a]; st.global.f32 [%pb], %f0; "
    small = Small(body + "st.global.f32 [%a], %f0;", np.ones(1, np.float32), np.ones(1, np.float32))
    for _ in range(3):
        small.launch(1)


@pytest.mark.parametrize("distance", [1, 32])
def test_threads_of_a_block_meet_in_global_memory(distance):
    body = f"""
    st.global.u32 [%pa], %t;
    {{between}}
    xor.b32 %r0, %t, {distance};
    mul.wide.u32 %rd0, %r0, 4;
    add.s64 %rd0, %a, %rd0;
    ld.global.u32 %r1, [%rd0];
    """
    found = races(body.format(between=""))
    assert "of its block in global memory" in found
    assert not races(body.format(between=BARRIER))
    assert bool(races(body.format(between=WARP_BARRIER))) == (distance == 32)


def test_bytes_of_global_memory_are_apart():
    body = """
    cvt.u64.u32 %rd0, %blk;
    add.s64 %rd0, %a, %rd0;
    {change}
    """
    byte = "ld.global.u8 %rs0, [%rd0]; st.global.u8 [%rd0], %rs0;"
    assert not races(body.format(change=byte), threads=1, blocks=4)
    halves = """
    and.b64 %rd0, %rd0, -2;
    ld.global.u16 %rs0, [%rd0];
    st.global.u16 [%rd0], %rs0;
    """
    assert races(body.format(change=halves), threads=1, blocks=4)


def test_widths_of_units_may_differ_between_launches():
    """Records in bytes must not be taken for records in words, nor the other way round."""
    words = Small("st.global.u32 [%pa], %t;", np.zeros(64, np.uint32))
    words.launch(64)
    body = "cvt.u64.u32 %rd0, %t; add.s64 %rd0, %a, %rd0; st.global.u8 [%rd0], %rs0;"
    program = Small(body, np.zeros(1)).program
    for _ in range(2):
        words.program, program = program, words.program
        words.launch(64)


def test_races_are_not_looked_for_without_the_option():
    body = shared("write", "", "read 1")
    assert races(body)
    assert not races(body, races=False)


def test_a_race_names_kernel_instruction_block_thread_and_seed():
    body = "st.global.u32 [%a], %t;"
    with pytest.raises(Fault) as caught:
        Small(body, np.zeros(4, np.float32), seed=11).launch(grid=(1, 1, 1), block=(2, 2, 1))
    fault = caught.value
    assert fault.kernel == "small" and fault.text == "st.global.u32 [%a], %t"
    assert fault.block == (0, 0, 0) and fault.seed == 11 and fault.launch == 1
    assert fault.thread == (1, 0, 0)
    assert str(fault) == (
        "small: a race with a write by thread 0 of its block in global memory, "
        "at `st.global.u32 [%a], %t`, block (0, 0, 0), thread (1, 0, 0) (launch 1, seed 11)"
    )
