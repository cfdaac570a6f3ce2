"""Launches: limits, special registers, parameters, constants, counters, and who watches."""

import numpy as np
import pytest

from emulator.machine import Arena, Fault, Launch, Machine
from emulator.machine.limits import broken_limit
from emulator.machine.memory.widths import unit_shifts
from emulator.ptx import Kernel
from tests.emulator.support.small_kernels import Choices, Small, small_program


@pytest.mark.parametrize(
    ("grid", "block", "message"),
    [
        ((0, 1, 1), (1, 1, 1), "grid (0, 1, 1): x must be 1 to 2147483647"),
        ((2**31, 1, 1), (1, 1, 1), "grid (2147483648, 1, 1): x must be 1 to 2147483647"),
        ((1, 65536, 1), (1, 1, 1), "grid (1, 65536, 1): y must be 1 to 65535"),
        ((1, 1, 65536), (1, 1, 1), "grid (1, 1, 65536): z must be 1 to 65535"),
        ((1, 1, 1), (0, 1, 1), "block (0, 1, 1): x must be 1 to 1024"),
        ((1, 1, 1), (1025, 1, 1), "block (1025, 1, 1): x must be 1 to 1024"),
        ((1, 1, 1), (1, 1025, 1), "block (1, 1025, 1): y must be 1 to 1024"),
        ((1, 1, 1), (1, 1, 65), "block (1, 1, 65): z must be 1 to 64"),
        ((1, 1, 1), (33, 32, 1), "block (33, 32, 1) of 1056 threads, at most 1024"),
    ],
)
def test_limits_of_grids_and_blocks(grid, block, message):
    assert broken_limit(Kernel("k"), Launch(grid, block)) == message
    with pytest.raises(Fault) as caught:
        Small("").launch(grid=grid, block=block)
    assert caught.value.what == message


def test_the_largest_launches_are_allowed():
    kernel = Kernel("k", shared_bytes=40 * 1024)
    for grid in ((2**31 - 1, 1, 1), (1, 65535, 65535)):
        assert broken_limit(kernel, Launch(grid, (1024, 1, 1), 8 * 1024)) is None
    assert broken_limit(kernel, Launch((1, 1, 1), (4, 4, 64))) is None


def test_limits_of_shared_memory():
    kernel = Kernel("k", shared_bytes=40 * 1024)
    grid, block = (1, 1, 1), (32, 1, 1)
    found = broken_limit(kernel, Launch(grid, block, 8 * 1024 + 1))
    assert found == "40960 + 8193 bytes of shared memory, at most 49152"
    assert broken_limit(kernel, Launch(grid, block, 8 * 1024 + 1, 99 * 1024)) is None
    assert broken_limit(kernel, Launch(grid, block, -1)) is not None


def test_limits_that_a_kernel_declares():
    grid = (1, 1, 1)
    few = Kernel("k", most_threads=128)
    assert broken_limit(few, Launch(grid, (128, 1, 1))) is None
    found = broken_limit(few, Launch(grid, (129, 1, 1)))
    assert found == "block (129, 1, 1) of 129 threads, at most 128"
    shaped = Kernel("k", most_threads=64, block_shape=(32, 2, 1))
    assert broken_limit(shaped, Launch(grid, (32, 2, 1))) is None
    found = broken_limit(shaped, Launch(grid, (64, 1, 1)))
    assert found == "block (64, 1, 1), the kernel requires (32, 2, 1)"
    with pytest.raises(Fault, match="at most 64"):
        Small("", heading=" .maxntid 64, 1, 1").launch(65)


def test_limits_of_registers():
    kernel, grid = Kernel("k"), (1, 1, 1)
    assert broken_limit(kernel, Launch(grid, (1024, 1, 1), registers=64)) is None
    found = broken_limit(kernel, Launch(grid, (1024, 1, 1), registers=65))
    assert found == "73728 registers for a block of 1024 threads, at most 65536"
    assert broken_limit(kernel, Launch(grid, (256, 1, 1), registers=255)) is None


def test_parameters_are_as_many_bytes_as_declared():
    small = Small("")
    with pytest.raises(Fault, match="8 bytes of parameters, expected 16"):
        small.machine.launch(small.program, (1, 1, 1), (1, 1, 1), bytes(8), [])


@pytest.mark.parametrize("block", [(32, 1, 1), (4, 3, 5), (1, 1, 7), (16, 4, 1)])
@pytest.mark.parametrize("seed", [None, 3])
def test_special_registers(block, seed):
    grid = (3, 2, 2)
    threads, blocks = int(np.prod(block)), int(np.prod(grid))
    names = [f"{n}.{axis}" for n in ("tid", "ntid", "ctaid", "nctaid") for axis in "xyz"]
    names += ["laneid", "warpid"]
    lines = """
    mov.u32 %r0, %tid.z; mov.u32 %r1, %ntid.y; mov.u32 %r2, %tid.y;
    mad.lo.u32 %r0, %r0, %r1, %r2;
    mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x;
    mad.lo.u32 %r0, %r0, %r1, %r2;
    mov.u32 %r3, %ctaid.z; mov.u32 %r1, %nctaid.y; mov.u32 %r2, %ctaid.y;
    mad.lo.u32 %r3, %r3, %r1, %r2;
    mov.u32 %r1, %nctaid.x; mov.u32 %r2, %ctaid.x;
    mad.lo.u32 %r3, %r3, %r1, %r2;
    """
    lines += f"mad.lo.u32 %r0, %r3, {threads}, %r0; mul.lo.u32 %r0, %r0, {4 * len(names)};"
    lines += "cvt.u64.u32 %rd0, %r0; add.s64 %rd0, %a, %rd0;"
    for i, name in enumerate(names):
        lines += f"mov.u32 %r9, %{name}; st.global.u32 [%rd0+{4 * i}], %r9;"
    small = Small(lines, np.zeros(blocks * threads * len(names), np.uint32), seed=seed)
    found = small.launch(grid=grid, block=block).a.reshape(blocks, threads, len(names))
    for number in range(blocks):
        place = number % 3, number // 3 % 2, number // 6
        for thread in range(threads):
            own = thread % block[0], thread // block[0] % block[1], thread // (block[0] * block[1])
            expected = [*own, *block, *place, *grid, thread % 32, thread // 32]
            assert found[number, thread].tolist() == expected


def test_a_fault_names_block_and_thread_in_all_dimensions():
    body = """
    mov.u32 %r0, %ctaid.y; mov.u32 %r1, %tid.z;
    setp.eq.u32 %p0, %r0, 2;
    setp.eq.and.u32 %p1, %r1, 3, %p0;
    @%p1 ld.global.u32 %r5, [%a+4096];
    """
    for seed in (None, 5):
        with pytest.raises(Fault) as caught:
            Small(body, np.zeros(4, np.float32), seed=seed).launch(grid=(1, 4, 1), block=(1, 1, 5))
        assert caught.value.block == (0, 2, 0) and caught.value.thread == (0, 0, 3)


def test_tables_of_the_module():
    outside = ".global .align 4 .u32 table[4] = {10, 20, 30, 40};"
    body = """
    mov.u64 %rd0, table;
    and.b32 %r0, %own, 12; cvt.u64.u32 %rd1, %r0; add.s64 %rd0, %rd0, %rd1;
    ld.global.u32 %r1, [%rd0];
    st.global.u32 [%pa], %r1;
    """
    small = Small(body, np.zeros(8, np.uint32), outside=outside)
    for _ in range(2):
        assert small.launch(8).a.tolist() == [10, 20, 30, 40] * 2
    beyond = body.replace("ld.global.u32 %r1, [%rd0]", "ld.global.u32 %r1, [%rd0+8]")
    with pytest.raises(Fault, match="in none of"):
        Small(beyond, np.zeros(8, np.uint32), outside=outside).launch(8)


def test_instructions_are_counted_of_active_threads():
    small = Small("setp.lt.u32 %p0, %t, 5; @%p0 bra END; mov.u32 %r0, 1; mov.u32 %r1, 1; END:")
    small.launch(32, 2)
    # Eight instructions set up registers; each block of code counts one more for its end.
    expected = 64 * (8 + 1 + 1) + 54 * (2 + 1) + 64
    assert small.program.instructions == small.machine.instructions == expected
    small.launch(32, 2)
    assert small.program.launches == 2 and small.machine.instructions == 2 * expected


class Recorder:
    def __init__(self):
        self.accesses, self.blocks = [], []

    def access(self, kernel, space, kind, addresses, size, active):
        mask = np.broadcast_to(active, addresses.shape)
        self.accesses.append((kernel, space, kind, addresses[mask].tolist(), size, int(mask.sum())))

    def block(self, kernel, number, active):
        self.blocks.append((kernel, number, active))


def test_an_observer_sees_accesses_and_blocks_of_code():
    body = """
    setp.ge.u32 %p0, %t, 3; @%p0 bra END;
    ld.global.v2.u32 {%r0, %r1}, [%a+8];
    mov.u32 %r9, s; add.s32 %r9, %r9, %own; st.shared.u16 [%r9+2], %rs0;
    END:
    """
    watcher = Recorder()
    small = Small(body, np.zeros(4, np.float32), observer=watcher)
    small.launch(8)
    a = small.a.ctypes.data
    assert watcher.accesses == [
        ("small", "global", "load", [a + 8] * 3, 8, 3),
        ("small", "shared", "store", [2, 6, 10], 2, 3),
    ]
    assert watcher.blocks == [("small", 0, 8), ("small", 1, 3), ("small", 2, 8)]


def test_an_observer_sees_copies_and_matrices():
    body = """
    shl.b32 %r0, %t, 4; mov.u32 %r9, s; add.s32 %r9, %r9, %r0;
    cvt.u64.u32 %rd0, %r0; add.s64 %rd0, %a, %rd0;
    cp.async.cg.shared.global [%r9], [%rd0], 16;
    cp.async.wait_all;
    bar.sync 0;
    ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [%r9];
    """
    watcher = Recorder()
    Small(body, np.zeros(128, np.float32), shared=512, observer=watcher).launch(32)
    seen = [(space, kind, size, active) for _, space, kind, _, size, active in watcher.accesses]
    assert seen == [
        ("global", "copy", 16, 32),
        ("shared", "copy", 16, 32),
        ("shared", "load", 16, 8),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", (16, 16)),
        ("ld.global.f32 %f0, [%a];", (4, 16)),
        ("ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%a]; ld.shared.v2.f32 {%f0, %f1}, [s];", (16, 8)),
        ("ld.global.u8 %rs0, [%a]; st.shared.u16 [s], %rs0;", (1, 2)),
        ("cp.async.ca.shared.global [s], [%a], 8;", (8, 8)),
        ("ld.f64 %fd0, [%a];", (8, 8)),
        ("ld.global.nc.u16 %rs0, [%a]; st.local.u8 [%a], %rs0;", (2, 16)),
    ],
)
def test_units_are_as_wide_as_the_narrowest_access(lines, expected):
    shifts = unit_shifts(small_program(lines).kernel)
    assert (1 << shifts["global"], 1 << shifts["shared"]) == expected


def test_machines_share_an_arena_but_not_their_frames():
    arena = Arena(1 << 20)
    first, second = Machine(arena, Choices()), Machine(arena, Choices(4))
    small = Small("ld.global.f32 %f0, [%pa]; add.f32 %f0, %f0, %f0; st.global.f32 [%pa], %f0;")
    address = arena.allocate(128)
    assert address is not None
    values = arena.of(address, 128).view(np.float32)
    values[:] = np.arange(32)
    params = np.array([address, address], np.uint64).tobytes()
    for machine in (first, second, first):
        machine.launch(small.program, (1, 1, 1), (32, 1, 1), params, [(address, 128)])
    np.testing.assert_array_equal(values, 8 * np.arange(32))
