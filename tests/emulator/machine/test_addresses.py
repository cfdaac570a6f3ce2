"""Accesses must be aligned, and inside of an array of the launch or what the kernel declares."""

import numpy as np
import pytest

from emulator.machine import LOCAL_WINDOW, SHARED_WINDOW, Fault
from tests.emulator.support.small_kernels import Small

# A register of each width to load to.
TARGETS = {
    "u8": "%rs0",
    "u16": "%rs0",
    "u32": "%r0",
    "u64": "%rd0",
    "v2.u32": "{%r0, %r1}",
    "v4.f32": "{%f0, %f1, %f2, %f3}",
    "v2.u64": "{%rd0, %rd1}",
}
WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "v2.u32": 8, "v4.f32": 16, "v2.u64": 16}


def load(kind: str, space: str, offset: int) -> str:
    base = {"global": "%a", "shared": "s", "local": "l"}[space]
    declared = ".local .align 16 .b8 l[32];" if space == "local" else ""
    return f"{declared} ld.{space}.{kind} {TARGETS[kind]}, [{base}+{offset}];"


def store(kind: str, space: str, offset: int) -> str:
    base = {"global": "%a", "shared": "s", "local": "l"}[space]
    declared = ".local .align 16 .b8 l[32];" if space == "local" else ""
    zero = "mov.u16 %rs0, 0; mov.u32 %r0, 0; mov.u32 %r1, 0; mov.u64 %rd0, 0; mov.u64 %rd1, 0;"
    value = TARGETS[kind].replace("%f", "%r")
    kind = kind.replace("f32", "u32")
    registers = "mov.u32 %r2, 0; mov.u32 %r3, 0;"
    return f"{declared} {zero} {registers} st.{space}.{kind} [{base}+{offset}], {value};"


@pytest.mark.parametrize("access", [load, store])
@pytest.mark.parametrize("space", ["global", "shared", "local"])
@pytest.mark.parametrize("kind", TARGETS)
def test_accesses_end_with_what_is_declared(access, space, kind):
    width = WIDTHS[kind]

    def run(offset: int) -> None:
        Small(access(kind, space, offset), np.zeros(8, np.float32), shared=32).launch(1)

    run(0)
    run(32 - width)
    with pytest.raises(Fault, match=f"{width} bytes at {space} address 0x[0-9a-f]+ are in none"):
        run(32)
    with pytest.raises(Fault, match=f"{width} bytes at {space} address"):
        run(-width)


@pytest.mark.parametrize("access", [load, store])
@pytest.mark.parametrize("space", ["global", "shared", "local"])
@pytest.mark.parametrize("kind", [kind for kind, width in WIDTHS.items() if width > 1])
def test_accesses_are_aligned_to_their_width(access, space, kind):
    width = WIDTHS[kind]
    with pytest.raises(Fault, match=f"is not a multiple of {width}"):
        Small(access(kind, space, width // 2), np.zeros(16, np.float32), shared=64).launch(1)


def test_the_end_of_an_array_is_that_of_the_launch():
    body = "ld.global.f32 %f0, [%pa];"
    small = Small(body, np.zeros(32, np.float32))
    small.launch(32)
    start, size = small.a.ctypes.data, small.a.nbytes
    with pytest.raises(Fault, match=r"in none of .*thread \(31, 0, 0\)"):
        small.launch(32, extents=[(start, size - 4)])
    with pytest.raises(Fault, match=r"in none of .*thread \(0, 0, 0\)"):
        small.launch(32, extents=[(start + 4, size - 4)])
    with pytest.raises(Fault, match="in none of none"):
        small.launch(32, extents=[])


def test_an_access_does_not_span_two_arrays():
    body = "ld.global.u64 %rd0, [%a+8];"
    small = Small(body, np.zeros(8, np.float32))
    start = small.a.ctypes.data
    small.launch(1, extents=[(start, 16)])
    with pytest.raises(Fault, match="in none of"):
        small.launch(1, extents=[(start, 12), (start + 12, 20)])


def test_of_many_arrays_each_is_found():
    body = """
    mul.wide.u32 %rd0, %t, 8;
    add.s64 %rd0, %a, %rd0;
    ld.global.f32 %f0, [%rd0];
    """
    small = Small(body, np.zeros(64, np.float32))
    start = small.a.ctypes.data
    extents = [(start + 8 * i, 4) for i in range(32)]
    small.launch(32, extents=extents)
    del extents[19]
    with pytest.raises(Fault, match=r"thread \(19, 0, 0\)"):
        small.launch(32, extents=extents)


@pytest.mark.parametrize("address", [0, 4, (1 << 63) - 4, (1 << 64) - 4, 1 << 40])
def test_addresses_that_are_none(address):
    with pytest.raises(Fault, match="in none of"):
        Small(f"mov.u64 %rd0, {address}; ld.global.u32 %r0, [%rd0];", np.zeros(8)).launch(1)


def test_what_threads_do_not_execute_is_not_checked():
    body = """
    setp.lt.u32 %p0, %t, 7;
    @%p0 ld.global.f32 %f0, [%pa];
    @%p0 st.global.f32 [%pa], %f0;
    """
    Small(body, np.zeros(7, np.float32)).launch(32)
    with pytest.raises(Fault, match=r"thread \(6, 0, 0\)"):
        Small(body, np.zeros(6, np.float32)).launch(32)


def test_dynamic_shared_memory_ends_with_the_launch():
    outside = ".extern .shared .align 16 .b8 more[];"
    body = "mov.u32 %r0, more; add.s32 %r0, %r0, %own; st.shared.u32 [%r0], %t;"
    small = Small(body, shared=64, outside=outside)
    small.launch(32, shared=128)
    with pytest.raises(Fault, match=r"thread \(31, 0, 0\)"):
        small.launch(32, shared=124)


def test_threads_have_their_own_local_memory():
    body = """
    .local .align 4 .b8 l[8];
    st.local.u32 [l+4], %t;
    bar.sync 0;
    ld.local.u32 %r0, [l+4];
    st.global.u32 [%pa], %r0;
    """
    found = Small(body, np.zeros(64, np.uint32)).launch(64).a
    np.testing.assert_array_equal(found, np.arange(64))


@pytest.mark.parametrize("space", ["shared", "local"])
def test_memory_begins_as_nan(space):
    small = Small(load("v4.f32", space, 0) + "st.global.f32 [%pa], %f3;", np.zeros(32, np.float32))
    assert np.isnan(small.launch(32).a).all()
    small.launch(32)  # nor does it keep what was there
    assert np.isnan(small.a).all()


def test_generic_addresses_mean_the_memory_that_they_lie_in():
    body = f"""
    .local .align 4 .b8 l[4];
    shl.b32 %r0, %t, 5;
    st.shared.u32 [s], %r0;
    st.local.u32 [l], %t;
    ld.global.u32 %r5, [%a];
    and.b32 %r1, %t, 3;
    setp.eq.u32 %p0, %r1, 0;
    setp.eq.u32 %p1, %r1, 1;
    mov.u64 %rd0, %pa;
    @%p0 mov.u64 %rd0, {SHARED_WINDOW};
    @%p1 mov.u64 %rd0, {LOCAL_WINDOW};
    ld.u32 %r2, [%rd0];
    st.global.u32 [%pb], %r2;
    st.u32 [%rd0], %r2;
    """
    small = Small(body, np.full(1, 7, np.uint32), np.zeros(1, np.uint32))
    assert small.launch(1).b[0] == 0  # shared memory
    body = body.replace("and.b32 %r1, %t, 3;", "mov.u32 %r1, 1;")
    small = Small(body.replace("st.shared.u32 [s], %r0;", ""), np.zeros(4, np.uint32), range(4))
    np.testing.assert_array_equal(small.launch(1).b[0], 0)


def test_a_warp_may_load_from_three_memories_at_once():
    body = f"""
    .local .align 4 .b8 l[4];
    add.s32 %r0, %t, 100;
    st.local.u32 [l], %r0;
    add.s32 %r0, %t, 200;
    add.s32 %r9, %own, 0;
    mov.u32 %r8, s;
    add.s32 %r9, %r8, %own;
    st.shared.u32 [%r9], %r0;
    rem.u32 %r1, %t, 3;
    setp.eq.u32 %p0, %r1, 0;
    setp.eq.u32 %p1, %r1, 1;
    mov.u64 %rd0, %pa;
    cvt.u64.u32 %rd1, %r9;
    add.s64 %rd1, %rd1, {SHARED_WINDOW};
    @%p0 mov.u64 %rd0, %rd1;
    @%p1 mov.u64 %rd0, {LOCAL_WINDOW};
    ld.u32 %r2, [%rd0];
    st.global.u32 [%pb], %r2;
    """
    small = Small(body, np.arange(32, dtype=np.uint32), np.zeros(32, np.uint32)).launch(32)
    t = np.arange(32)
    np.testing.assert_array_equal(small.b, np.choose(t % 3, [200 + t, 100 + t, t]))
