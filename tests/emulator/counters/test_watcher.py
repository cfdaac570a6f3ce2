"""Counts of a kernel whose accesses are known, and what they say of a GPU."""

from dataclasses import dataclass

import numpy as np
import pytest

from emulator.counters import H200, Array, Counts, Watcher, blocks_at_once, seconds
from emulator.machine import Arena, Machine, Program
from emulator.ptx import parse

# Each thread reads a[4 i], and b[0] and b[1] where i < 16; it writes to shared memory, every second
# word, and then its a to c[i].  i: its number in the grid.
PTX = """
.version 8.0
.target sm_80
.address_size 64
.visible .entry known(.param .u64 a, .param .u64 b, .param .u64 c)
{
    .reg .pred %p<2>;
    .reg .b32 %r<8>;
    .reg .f32 %f<4>;
    .reg .b64 %rd<10>;
    .shared .align 16 .b8 s[512];
    ld.param.u64 %rd1, [a];
    ld.param.u64 %rd2, [b];
    ld.param.u64 %rd3, [c];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ctaid.x;
    mad.lo.s32 %r3, %r2, 64, %r1;
    mul.wide.s32 %rd4, %r3, 16;
    add.s64 %rd5, %rd1, %rd4;
    ld.global.f32 %f1, [%rd5];
    setp.lt.s32 %p1, %r3, 16;
    @%p1 ld.global.v2.f32 {%f2, %f3}, [%rd2];
    shl.b32 %r4, %r1, 3;
    mov.u32 %r5, s;
    add.s32 %r6, %r5, %r4;
    st.shared.f32 [%r6], %f1;
    mul.wide.s32 %rd6, %r3, 4;
    add.s64 %rd7, %rd3, %rd6;
    st.global.f32 [%rd7], %f1;
    ret;
}
"""


@dataclass(frozen=True)
class Plain:
    seed: int | None = None
    races: bool = False


def counted(sample=None) -> Counts:
    arena, watcher = Arena(1 << 20), Watcher()
    machine = Machine(arena, Plain(), watcher)
    program = Program(parse(PTX)["known"])
    sizes = 4096, 8, 1024
    addresses = [arena.allocate(size) for size in sizes]
    machine.sample = sample
    extents = list(zip(addresses, sizes, strict=True))
    watcher.begin(program.translation, 4, 4 if sample is None else len(sample), 64, extents)
    params = np.array(addresses, np.uint64).tobytes()
    machine.launch(program, (4, 1, 1), (64, 1, 1), params, extents)
    return watcher.end()


def test_all_blocks():
    counts = counted()
    a, b, c = counts.arrays
    assert (a.read, a.needed, a.written) == (4096, 1024, 0)  # a quarter of each sector
    assert (b.read, b.needed) == (32, 8)
    assert (c.written, c.needed, c.read) == (1024, 1024, 0)
    assert (a.own_read, b.own_read, c.own_written) == (4096, 32, 1024)
    assert counts.asked == 4096 + 32 + 1024 and counts.touched == 4096 + 8 + 1024
    assert counts.used == pytest.approx((1024 + 8 + 1024) / counts.asked)
    assert (counts.wavefronts, counts.least_wavefronts) == (16, 8) and counts.conflicts == 0.5
    assert counts.predicated_off == pytest.approx(240 / 768)
    assert counts.instructions["ld.global"] == 16 and counts.instructions["st.global"] == 8
    assert counts.executed == 8 * 19


def test_a_sample_stands_for_all_blocks():
    counts = counted(np.array([1, 3]))
    assert counts.scale == 2 and counts.asked == 4096 + 1024
    assert counts.touched == 4096 + 1024 and counts.executed == 4 * 19


def test_blocks_at_once():
    assert blocks_at_once(H200, 256, 32, 0) == 8  # 64 warps
    assert blocks_at_once(H200, 256, 64, 0) == 4  # 65,536 registers
    assert blocks_at_once(H200, 128, 255, 0) == 2
    assert blocks_at_once(H200, 128, 32, 48 * 1024) == 4  # 49 of 228 KB each
    assert blocks_at_once(H200, 32, 16, 0) == 32


def test_the_busiest_resource_decides():
    counts = Counts("k", 264, 2, [Array(9_600_000, 4800, 0, 4800, 4800, 0)], wavefronts=2000)
    counts.instructions["fp32"] = counts.instructions["mma"] = 4000
    counts.multiply_adds = 4000 * 2048
    times = seconds(H200, counts, "bf16")
    assert times["memory"] == pytest.approx(4800 * 132 / 4.8e12)
    assert times["shared"] == pytest.approx(2000 / 1.83e9)  # two blocks a multiprocessor
    assert times["issue"] == pytest.approx(8000 / 4 / 1.83e9)
    assert times["fp32"] == pytest.approx(4000 * 32 * 132 * 2 / 67e12)
    assert times["mma"] == pytest.approx(4000 * 2048 * 2 * 132 / (0.62 * 989.4e12))
