"""Vectors of eight for the kernels that turn images, emitted as LLVM IR; addresses are bytes.

LLVM makes no shuffles of registers out of a loop that transposes, and Numba has no word for a store
that passes by the caches.
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


def _everywhere(builder, scalar):
    undefined = ir.Constant(ir.VectorType(scalar.type, LANES), ir.Undefined)
    first = builder.insert_element(undefined, scalar, _I32(0))
    return _shuffled(builder, first, undefined, [0] * LANES)


def _transposed(builder, rows):
    """8 vectors of 8 lanes: lanes of two rows are interleaved, then pairs, then halves."""
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
def turn(_, rows, ways, offset, out, step):
    """Eight pixels of each of eight rows: pixel x of row k goes to lane k at out + x * step.

    rows, ways: where the rows' addresses and ways stand, int64.  The way is 1, or -1 for a row that
    is mirrored: its address is that of its last eight pixels.  offset: of the pixels in a row.
    """

    def emit(context, b, signature, arguments):
        rows, ways, offset, out, step = arguments
        pixels = []
        for k in range(LANES):
            way = b.load(_at(b, ways, 8 * k), typ=_I64)
            start = b.add(b.load(_at(b, rows, 8 * k), typ=_I64), b.mul(way, offset))
            found = b.load(_at(b, start), align=4, typ=_PIXELS)
            mirrored = _shuffled(b, found, found, range(LANES)[::-1])
            pixels.append(b.select(b.icmp_signed("<", way, _I64(0)), mirrored, found))
        for x, column in enumerate(_transposed(b, pixels)):
            b.store(column, _at(b, b.add(out, b.mul(step, _I64(x)))), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), emit


def _finish(streams):
    @intrinsic
    def finish(_, pixels, bit, subtracted, added, factor, out):
        """(byte of eight pixels from `bit` on - subtracted + eight of added) * factor, to out."""

        def emit(context, b, signature, arguments):
            pixels, bit, subtracted, added, factor, out = arguments
            packed = b.load(_at(b, pixels), align=4, typ=_PIXELS)
            byte = b.and_(b.lshr(packed, _everywhere(b, bit)), ir.Constant(_PIXELS, [255] * LANES))
            value = b.fsub(b.sitofp(byte, _VALUES), _everywhere(b, subtracted))
            value = b.fadd(value, b.load(_at(b, added), align=4, typ=_VALUES))
            value = b.fmul(value, _everywhere(b, factor))
            if streams:
                nontemporal.stream(b, value, _at(b, out), 4 * LANES)
            else:
                b.store(value, _at(b, out), align=4)
            return context.get_dummy_value()

        address, number = types.intp, types.float32
        return types.void(address, types.int32, number, address, number, address), emit

    return finish


finish = _finish(streams=False)
stream = _finish(streams=True)  # past the caches; `out` is a multiple of 32
