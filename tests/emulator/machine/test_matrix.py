"""ldmatrix against loops over the manual's table."""

import numpy as np
import pytest

from emulator.machine import Fault
from tests.emulator.support.small_kernels import Small

# Matrix i is at 128 i in shared memory, its rows one behind the other, reversed if `backward`.
COPY = """
mov.u32 %r9, s;
add.s32 %r8, %r9, %own;
ld.global.u32 %r0, [%pa];      st.shared.u32 [%r8], %r0;
ld.global.u32 %r0, [%pa+128];  st.shared.u32 [%r8+128], %r0;
ld.global.u32 %r0, [%pa+256];  st.shared.u32 [%r8+256], %r0;
ld.global.u32 %r0, [%pa+384];  st.shared.u32 [%r8+384], %r0;
bar.warp.sync 0xffffffff;
shl.b32 %r1, %t, 4;
xor.b32 %r1, %r1, {flip};
add.s32 %r1, %r1, %r9;
"""
STORE = """
shl.b32 %r2, %t, 4; cvt.u64.u32 %rd0, %r2; add.s64 %rd0, %b, %rd0;
st.global.v4.u32 [%rd0], {%r10, %r11, %r12, %r13};
"""


def loaded(count: int, transposed: bool, flip: int = 0, load: str = "", **given) -> np.ndarray:
    """Return registers by lane, each as two 16-bit values, the lower half first."""
    registers = "{" + ", ".join(f"%r{10 + i}" for i in range(count)) + "}"
    trans = ".trans" if transposed else ""
    load = load or f"ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {registers}, [%r1];"
    zero = "".join(f"mov.u32 %r{10 + i}, 0;" for i in range(4))
    body = COPY.format(flip=flip) + zero + load + STORE
    values = np.arange(256, dtype=np.uint16)
    small = Small(body, values.view(np.uint32), np.zeros((32, 4), np.uint32), shared=512, **given)
    return small.launch(32).b.view(np.uint16).reshape(32, 4, 2)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("flip", [0, 0x70])
def test_every_element_is_where_the_manual_says(count, transposed, flip):
    found = loaded(count, transposed, flip)
    matrices = np.arange(256).reshape(4, 8, 8)
    if flip:
        matrices = matrices[:, ::-1]
    for lane in range(32):
        for matrix in range(count):
            for half in range(2):
                row, column = lane // 4, lane % 4 * 2 + half
                place = (column, row) if transposed else (row, column)
                assert found[lane, matrix, half] == matrices[matrix][place]
    assert not found[:, count:].any()


def test_addresses_of_lanes_beyond_the_matrices_are_not_used():
    far = "setp.ge.u32 %p0, %t, 16; @%p0 mov.u32 %r1, 4096;"
    load = far + "ldmatrix.sync.aligned.m8n8.x{}.shared.b16 {}, [%r1];"
    loaded(2, False, load=load.format(2, "{%r10, %r11}"))
    with pytest.raises(Fault, match="16 bytes at shared address 0x1000 are in none"):
        loaded(4, False, load=load.format(4, "{%r10, %r11, %r12, %r13}"))


def test_rows_are_aligned_to_sixteen_bytes():
    with pytest.raises(Fault, match="is not a multiple of 16"):
        loaded(1, False, flip=8)


def test_what_lanes_of_a_warp_have_written_needs_a_barrier():
    load = "st.shared.u32 [%r1], %t; {} ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r10}}, [%r1];"
    loaded(1, False, load=load.format("bar.warp.sync 0xffffffff;"))
    with pytest.raises(Fault, match="race with a write"):  # even one's own row: others get it
        loaded(1, False, load=load.format(""))


def test_rows_that_have_been_read_are_written_behind_a_barrier():
    load = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r10}}, [%r1]; {} st.shared.u32 [%r1], %t;"
    loaded(1, False, load=load.format("bar.warp.sync 0xffffffff;"))
    with pytest.raises(Fault, match="race with a read by other threads of its warp"):
        loaded(1, False, load=load.format(""))


def test_part_of_a_warp_does_not_load():
    load = "setp.lt.u32 %p0, %t, {}; @%p0 ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%r10}}, [%r1];"
    loaded(1, False, load=load.format(32))
    with pytest.raises(Fault, match="executed by only some threads of a warp"):
        loaded(1, False, load=load.format(31))
