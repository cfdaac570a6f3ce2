"""mma.sync against loops over the manual's tables of fragments."""

from fractions import Fraction

import numpy as np
import pytest

from emulator.machine import Fault
from emulator.machine.schedule.order import Order
from tests.emulator.support.small_kernels import Small

# PTX manual, "Matrix fragments for mma.m16n8k8" (.tf32) and "... for mma.m16n8k16 with floating
# point type": row and column of element i of a lane, group = lane >> 2, thread = lane % 4.


def tf32_a(group, thread, i):
    row = group if i in (0, 2) else group + 8
    return row, thread if i in (0, 1) else thread + 4


def tf32_b(group, thread, i):
    return (thread if i == 0 else thread + 4), group


def bf16_a(group, thread, i):
    row = group if i in (0, 1, 4, 5) else group + 8
    return row, thread * 2 + (i & 1) + (0 if i < 4 else 8)


def bf16_b(group, thread, i):
    return thread * 2 + (i & 1) + (0 if i < 2 else 8), group


def sums(group, thread, i):
    return (group if i < 2 else group + 8), thread * 2 + (i & 1)


KINDS = {
    "tf32": ("m16n8k8", 8, (tf32_a, 4), (tf32_b, 2)),
    "bf16": ("m16n8k16", 16, (bf16_a, 8), (bf16_b, 4)),
}


def fragments(matrix, place, count):
    """Return lanes by elements."""
    found = np.empty((32, count))
    for lane in range(32):
        for i in range(count):
            found[lane, i] = matrix[place(lane >> 2, lane % 4, i)]
    return found


def registers(kind, values):
    """Return lanes by 32-bit registers; bf16 has two values in one, the lower half first."""
    bits = values.astype(np.float32).view(np.uint32)
    if kind == "tf32":
        return bits
    halves = bits >> 16
    return halves[:, 0::2] | halves[:, 1::2] << 16


def kernel(kind) -> str:
    shape, _, (_, a_values), (_, b_values) = KINDS[kind]
    counts = (a_values, b_values) if kind == "tf32" else (a_values // 2, b_values // 2)
    words = counts[0] + counts[1] + 4
    lines = [f"mad.lo.u32 %r0, %t, {4 * words}, 0;", "cvt.u64.u32 %rd0, %r0;"]
    lines += ["add.s64 %rd0, %a, %rd0;"]
    names = [f"%r{10 + i}" for i in range(counts[0] + counts[1])] + [f"%f{i}" for i in range(4)]
    for i, name in enumerate(names):
        lines.append(f"ld.global.{'f' if name[1] == 'f' else 'u'}32 {name}, [%rd0+{4 * i}];")
    a, b, c = names[: counts[0]], names[counts[0] : -4], names[-4:]
    vectors = ", ".join("{" + ", ".join(part) + "}" for part in (a, b, c))
    target = "{%f10, %f11, %f12, %f13}"
    lines.append(f"mma.sync.aligned.{shape}.row.col.f32.{kind}.{kind}.f32 {target}, {vectors};")
    lines += ["shl.b32 %r1, %t, 4;", "cvt.u64.u32 %rd1, %r1;", "add.s64 %rd1, %b, %rd1;"]
    lines += [f"st.global.f32 [%rd1+{4 * i}], %f{10 + i};" for i in range(4)]
    return "\n".join(lines)


def product(kind, a, b, c, seed=None, spoiled=False):
    """Return the machine's a b + c for a batch of matrices, one a warp."""
    _, _, (place_a, a_values), (place_b, b_values) = KINDS[kind]
    rows = []
    for one, other, start in zip(a, b, c, strict=True):
        parts = [
            registers(kind, fragments(one, place_a, a_values)),
            registers(kind, fragments(other, place_b, b_values)),
            fragments(start, sums, 4).astype(np.float32).view(np.uint32),
        ]
        if spoiled:
            parts[:2] = [part | 0x1FFF for part in parts[:2]]
        rows.append(np.concatenate(parts, axis=1))
    threads = 32 * len(a)
    small = Small(kernel(kind), np.array(rows), np.zeros((threads, 4), np.float32), seed=seed)
    found = small.launch(threads).b.reshape(len(a), 32, 4)
    result = np.empty((len(a), 16, 8), np.float32)
    for warp in range(len(a)):
        for lane in range(32):
            for i in range(4):
                result[warp][sums(lane >> 2, lane % 4, i)] = found[warp, lane, i]
    return result


def matrices(kind, rng, draw):
    depth = KINDS[kind][1]
    found = [draw(rng, shape) for shape in ((3, 16, depth), (3, depth, 8))]
    mask = np.uint32(0xFFFFE000 if kind == "tf32" else 0xFFFF0000)  # what these types can hold
    return [(m.astype(np.float32).view(np.uint32) & mask).view(np.float32) for m in found]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_every_element_is_where_the_manual_says(kind, seed):
    rng = np.random.default_rng(5)
    a, b = matrices(kind, rng, lambda rng, shape: rng.integers(-9, 10, shape))
    c = rng.integers(-99, 100, (3, 16, 8))
    np.testing.assert_array_equal(product(kind, a, b, c, seed), a @ b + c)


def test_lower_bits_of_tf32_are_ignored():
    rng = np.random.default_rng(6)
    a, b = matrices("tf32", rng, lambda rng, shape: rng.integers(-9, 10, shape))
    c = np.zeros((3, 16, 8))
    np.testing.assert_array_equal(product("tf32", a, b, c, spoiled=True), a @ b)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [None, *range(8)])
def test_sums_are_as_exact_as_in_float32(kind, seed):
    rng = np.random.default_rng(7)
    a, b = matrices(kind, rng, lambda rng, shape: rng.normal(size=shape))
    c = rng.normal(size=(3, 16, 8)).astype(np.float32)
    found = product(kind, a, b, c, seed)
    order = Order(seed, 1).sums
    terms = order.order(KINDS[kind][1])
    for warp, row, column in ((0, 0, 0), (1, 7, 3), (2, 15, 7), (0, 9, 2)):
        parts = [
            Fraction(float(x)) * Fraction(float(y))
            for x, y in zip(a[warp, row], b[warp, :, column], strict=True)
        ]
        parts.append(Fraction(float(c[warp, row, column])))
        exact = Fraction(0)
        for k in terms:
            exact = rounded(exact + parts[k], order.toward_zero)
        assert Fraction(float(found[warp, row, column])) == exact


def rounded(exact: Fraction, toward_zero: bool) -> Fraction:
    """Return a number with the 24 bits of float32 (no exponent here is at its limits)."""
    if not exact:
        return exact
    scale = Fraction(2) ** (24 - _exponent(abs(exact)))
    scaled = exact * scale
    whole = int(scaled) if toward_zero else round(scaled)
    return Fraction(whole) / scale


def _exponent(size: Fraction) -> int:
    """Return e with 2**(e - 1) <= size < 2**e."""
    e = size.numerator.bit_length() - size.denominator.bit_length()
    return e + (size >= Fraction(2) ** e)


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_give_sums_that_differ(kind):
    rng = np.random.default_rng(8)
    a, b = matrices(kind, rng, lambda rng, shape: rng.normal(size=shape))
    c = rng.normal(size=(3, 16, 8)).astype(np.float32)
    found = {product(kind, a, b, c, seed).tobytes() for seed in range(6)}
    assert len(found) > 3


@pytest.mark.parametrize("kind", KINDS)
def test_infinities_and_nan(kind):
    a, b = matrices(kind, np.random.default_rng(9), lambda rng, shape: rng.integers(1, 3, shape))
    c = np.zeros((3, 16, 8), np.float32)
    a[0, 3, 2], a[1, 5, 1], c[2, 1, 1] = np.inf, np.nan, -np.inf
    for seed in (None, 0, 1, 2, 3):
        found = product(kind, a, b, c, seed)
        assert (found[0, 3] == np.inf).all() and np.isnan(found[1, 5]).all()
        assert found[2, 1, 1] == -np.inf
        assert np.isfinite(found).sum() == found.size - 8 - 8 - 1


def test_part_of_a_warp_does_not_multiply():
    body = "setp.lt.u32 %p0, %t, 31; BRANCH " + kernel("tf32") + " END:"
    given = np.zeros((32, 10), np.float32), np.zeros((32, 4), np.float32)
    Small(body.replace("BRANCH", ""), *given).launch(32)
    with pytest.raises(Fault, match="executed by only some threads of a warp.*mma.sync"):
        Small(body.replace("BRANCH", "@!%p0 bra END;"), *given).launch(32)
    with pytest.raises(Fault, match="executed by only some threads of a warp.*mma.sync"):
        Small(body.replace("BRANCH", ""), *given).launch(31)


def test_whole_warps_multiply_without_the_others():
    body = "setp.ge.u32 %p0, %t, 32; @%p0 bra END; " + kernel("tf32") + " END:"
    small = Small(body, np.zeros((32, 10), np.float32), np.ones((32, 4), np.float32))
    for seed in (None, 1):
        small.machine.options = type(small.machine.options)(seed)
        assert not small.launch(64).b.any()
