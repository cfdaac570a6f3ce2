"""Intrinsics of `intrinsics` for the device: products of warp tiles.

See `warp_tiles` for the values that a thread holds.  A whole tile is one intrinsic, because Numba's
compilation time grows faster than the number of statements.
"""

from llvmlite import ir
from numba.cuda import types
from numba.cuda.extending import intrinsic

from convnet.backends.cuda.ptx.device import F32, I32, I64, SHARED, literal
from convnet.backends.cuda.ptx.device_bf16 import mma, multiplied_bf16
from convnet.backends.cuda.ptx.warp_tiles import BY_COLUMN, DEPTHS


class Registers:
    """A local array that is only indexed by constants, so that the compiler uses registers."""

    def __init__(self, context, builder, kind, array, rows, columns):
        self._builder = builder
        self._data = context.make_array(kind)(context, builder, array).data
        self._count = rows * columns // 32

    def _place(self, i):
        return self._builder.gep(self._data, [I64(i)])

    def load(self):
        return [self._builder.load(self._place(i)) for i in range(self._count)]

    def store(self, values):
        for i, value in enumerate(values):
            self._builder.store(value, self._place(i))


@intrinsic
def clear(typingctx, acc, rows, columns):
    """acc[:] = 0.  acc: local, a lane's values of a warp tile of rows x columns (literal)."""
    size = literal(rows, columns)

    def codegen(context, builder, sig, args):
        registers = Registers(context, builder, sig.args[0], args[0], *size)
        registers.store([F32(0.0)] * (size[0] * size[1] // 32))
        return context.get_dummy_value()

    return types.void(acc, rows, columns), codegen


# -- products ------------------------------------------------------------------


@intrinsic
def multiply(
    typingctx, acc, shared, a, b, lane, a_layout, a_ld, b_layout, b_ld, rows, columns, precision
):
    """acc += the warp tile of A' B over the values of k of tiles in shared memory.

    a, b: shared addresses of k = 0 and the warp tile's first row and column.  Literal: layouts and
    their ld; rows, columns; precision, an index of base.PRECISIONS.  tf32 operands are rounded to
    nearest; those of bf16 are rounded in shared memory.
    """
    number, *size = literal(precision, rows, columns)
    tiles = literal(a_layout, a_ld), literal(b_layout, b_ld)
    literals = a_layout, a_ld, b_layout, b_ld, rows, columns, precision
    sig = types.void(acc, shared, types.int32, types.int32, types.int32, *literals)

    def codegen(context, builder, sig, args):
        registers = Registers(context, builder, sig.args[0], args[0], *size)
        emit, corners = (multiplied_fp32, multiplied_tf32, multiplied_bf16)[number], args[2:4]
        if number < 2:
            corners = [builder.inttoptr(at, ir.PointerType(F32, SHARED)) for at in corners]
        values = registers.load()
        registers.store(emit(builder, values, *corners, args[4], *tiles, *size, number))
        return context.get_dummy_value()

    return sig, codegen


def multiplied_fp32(builder, acc, a, b, lane, a_tile, b_tile, rows, columns, precision):
    """Emit the product in fp32; return the new acc[i * 8 + j], i and j as in `warp_tiles`."""
    a = builder.gep(a, [builder.shl(builder.lshr(lane, I32(3)), I32(2))])
    b = builder.gep(b, [builder.shl(builder.and_(lane, I32(7)), I32(2))])
    for k in range(DEPTHS[precision]):
        left = _four(builder, a, k * a_tile[1]) + _four(builder, a, k * a_tile[1] + 16)
        right = _four(builder, b, k * b_tile[1]) + _four(builder, b, k * b_tile[1] + 32)
        acc = [builder.fma(left[i // 8], right[i % 8], acc[i]) for i in range(64)]
    return acc


def _four(builder, place, offset):
    """Load four neighboring values by one 16-byte read."""
    kind = ir.VectorType(F32, 4)
    place = builder.gep(place, [I32(offset)])
    found = builder.load(builder.bitcast(place, ir.PointerType(kind, SHARED)), align=16)
    return [builder.extract_element(found, I32(i)) for i in range(4)]


def multiplied_tf32(builder, acc, a, b, lane, a_tile, b_tile, rows, columns, precision):
    """Emit the product on tensor cores; return the new acc.

    acc[(i * columns / 8 + j) * 4 + e] is value e of the fragment of rows i and columns j.
    """
    left = _lane_values(builder, a, lane, *a_tile, rows // 8)
    right = _lane_values(builder, b, lane, *b_tile, columns // 8)
    left, right = ([[_tf32(builder, v) for v in row] for row in side] for side in (left, right))
    for s in (0, 2):
        halves = [[row[s], row[s + 1]] for row in left], [[row[s], row[s + 1]] for row in right]
        acc = _all_fragments(builder, *halves, acc)
    return acc


def _lane_values(builder, corner, lane, layout, ld, count):
    """Load [q][e], a lane's value of its row or column q, for k = 4t + e."""
    g, t = builder.lshr(lane, I32(2)), builder.and_(lane, I32(3))
    if layout == BY_COLUMN:
        odd = builder.and_(g, I32(1))
        first = builder.add(builder.mul(g, I32(4 * ld)), builder.shl(t, I32(2)))
        step = builder.mul(odd, I32(ld))
        even = builder.gep(corner, [builder.add(first, step)])
        other = builder.gep(corner, [builder.sub(first, step)])
        return [
            _four(builder, other if q % 2 else even, (q % 4 + q // 4 * 32) * ld)
            for q in range(count)
        ]
    swapped = builder.xor(builder.shl(g, I32(2)), builder.shl(t, I32(3)))
    place = builder.gep(corner, [builder.add(swapped, builder.mul(t, I32(4 * ld)))])
    found = [
        [value for half in range(count // 4) for value in _four(builder, place, e * ld + 32 * half)]
        for e in range(4)
    ]
    return [[found[e][q] for e in range(4)] for q in range(count)]


def _tf32(builder, value):
    """Round to the nearest 11 bits (T. J. Dekker's splitting).  Infinities become NaN.

    cvt.rna.tf32 takes three instructions, and registers that mma.sync then needs elsewhere.
    """
    large = builder.fmul(value, F32(8193.0))
    rounded = builder.fma(value, F32(-8192.0), large)
    return builder.bitcast(rounded, I32)


def _all_fragments(builder, left, right, acc):
    """Emit mma.sync for all fragments.

    left[q]: the two registers of half a fragment of A.  right[j]: those of a fragment of B.
    """
    found = []
    for upper, lower in zip(left[::2], left[1::2], strict=True):
        for columns in right:
            rows = [upper[0], lower[0], upper[1], lower[1]]
            sums = acc[len(found) : len(found) + 4]
            found += mma(builder, "m16n8k8", "tf32", rows, columns, sums)
    return found
