"""Intrinsics on vectors of eight for the kernels of `arrange`, as LLVM IR; addresses are in bytes.

They are written by hand because LLVM does not vectorize a transposing loop with shuffles, and Numba
cannot express non-temporal stores.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from convnet.compiling import nontemporal

LANES = 8
_I8, _I32, _I64, _POINTER = ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.PointerType()
_PIXELS, _VALUES = ir.VectorType(_I32, LANES), ir.VectorType(ir.FloatType(), LANES)


def _at(builder, address, byte=0):
    return builder.gep(builder.inttoptr(address, _POINTER), [_I64(byte)], source_etype=_I8)


def _shuffled(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, LANES), list(lanes)))


def _broadcast(builder, scalar):
    undefined = ir.Constant(ir.VectorType(scalar.type, LANES), ir.Undefined)
    first = builder.insert_element(undefined, scalar, _I32(0))
    return _shuffled(builder, first, undefined, [0] * LANES)


def _transposed(builder, rows):
    """Transpose 8 vectors of 8 lanes: interleave lanes of two rows, then pairs, then halves."""
    for low, high, distance in (
        ((0, 8, 1, 9, 4, 12, 5, 13), (2, 10, 3, 11, 6, 14, 7, 15), 1),
        ((0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15), 2),
        ((0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15), 4),
    ):
        for k in (k for k in range(LANES) if not k & distance):
            pair = rows[k], rows[k + distance]
            rows[k] = _shuffled(builder, *pair, low)
            rows[k + distance] = _shuffled(builder, *pair, high)
    return [rows[k] for k in (0, 2, 1, 3, 4, 6, 5, 7)]


@intrinsic
def transpose(_, rows, steps, offset, out, stride):
    """Transpose eight pixels of eight rows: pixel x of row k goes to lane k at out + x * stride.

    rows: address of the rows' addresses, int64.  steps: address of the rows' directions, int64: 1,
    or -1 for a mirrored row, whose address is that of its last eight pixels.  offset: of the eight
    pixels in a row, bytes.
    """

    def emit(context, b, signature, arguments):
        rows, steps, offset, out, stride = arguments
        pixels = []
        for k in range(LANES):
            step = b.load(_at(b, steps, 8 * k), typ=_I64)
            start = b.add(b.load(_at(b, rows, 8 * k), typ=_I64), b.mul(step, offset))
            found = b.load(_at(b, start), align=4, typ=_PIXELS)
            mirrored = _shuffled(b, found, found, range(LANES)[::-1])
            pixels.append(b.select(b.icmp_signed("<", step, _I64(0)), mirrored, found))
        for x, column in enumerate(_transposed(b, pixels)):
            b.store(column, _at(b, b.add(out, b.mul(stride, _I64(x)))), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), emit


def _normalizer(streams):
    @intrinsic
    def normalize(_, pixels, bit, subtracted, added, factor, out):
        """Store (byte of eight pixels from `bit` on - subtracted + eight of added) * factor."""

        def emit(context, b, signature, arguments):
            pixels, bit, subtracted, added, factor, out = arguments
            packed = b.load(_at(b, pixels), align=4, typ=_PIXELS)
            byte = b.and_(b.lshr(packed, _broadcast(b, bit)), ir.Constant(_PIXELS, [255] * LANES))
            value = b.fsub(b.sitofp(byte, _VALUES), _broadcast(b, subtracted))
            value = b.fadd(value, b.load(_at(b, added), align=4, typ=_VALUES))
            value = b.fmul(value, _broadcast(b, factor))
            if streams:
                nontemporal.stream(b, value, _at(b, out), 4 * LANES)
            else:
                b.store(value, _at(b, out), align=4)
            return context.get_dummy_value()

        address, number = types.intp, types.float32
        return types.void(address, types.int32, number, address, number, address), emit

    return normalize


normalize = _normalizer(streams=False)
normalize_streaming = _normalizer(streams=True)  # non-temporal stores; `out` is a multiple of 32
