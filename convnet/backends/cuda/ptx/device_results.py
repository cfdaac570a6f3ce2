"""Intrinsics of `intrinsics` for the device: add to, apply an epilogue to and store warp tiles.

See `warp_tiles` for the values that a thread holds.
"""

from llvmlite import ir
from numba.cuda import types
from numba.cuda.extending import intrinsic

from convnet.backends.cuda.ptx.device import (
    F32,
    GLOBAL,
    I32,
    I64,
    SUFFIX,
    VOID,
    asm,
    literal,
    names,
    pointer,
)
from convnet.backends.cuda.ptx.device_tiles import Registers

_LEFT = types.int32, types.int32, types.int32  # rows, columns, then the lane


def held(builder, lane, rows: int, columns: int, precision: int) -> tuple:
    """Return a lane's rows, its first column, how far its runs are from there, and their indices.

    indices[row][run] are those in acc of the neighboring columns of a run: 4, or 2 in bf16.
    """
    if precision == 0:
        y, x = builder.lshr(lane, I32(3)), builder.and_(lane, I32(7))
        row, column = builder.shl(y, I32(2)), builder.shl(x, I32(2))
        more_rows, runs = [i // 4 * 16 + i % 4 for i in range(8)], (0, 32)
        indices = [[[i * 8 + j * 4 + w for w in range(4)] for j in range(2)] for i in range(8)]
    elif precision == 1:
        g, t, across = builder.lshr(lane, I32(2)), builder.and_(lane, I32(3)), columns // 8
        row, column = builder.shl(g, I32(2)), builder.shl(t, I32(3))
        more_rows = [q // 4 * 32 + q % 4 for q in range(rows // 8)]
        runs = [first + more for first in range(0, columns, 32) for more in (0, 4)]
        indices = [
            [
                [(q // 2 * across + j // 2 * 4 + w) * 4 + q % 2 * 2 + j % 2 for w in range(4)]
                for j in range(len(runs))
            ]
            for q in range(rows // 8)
        ]
    else:
        row, across = builder.lshr(lane, I32(2)), columns // 8
        column = builder.shl(builder.and_(lane, I32(3)), I32(1))
        more_rows, runs = range(0, rows, 8), range(0, columns, 8)
        indices = [
            [[(q // 2 * across + j) * 4 + q % 2 * 2 + w for w in range(2)] for j in range(across)]
            for q in range(rows // 8)
        ]
    own_rows = [builder.add(row, I32(more)) for more in more_rows]
    return own_rows, column, list(runs), indices


def _words(builder, corner, ld, rows_left, columns_left, lane, width, rows, columns, precision):
    """Yield for each word of `width` values: indices in acc, whether it is inside, its address.

    An address is that of a value, and bytes from there: of the row's first value where words are
    many.  In fp32, whose threads have fewer registers, each word has an address of its own, which
    is not kept.
    """
    own_rows, column, runs, indices = held(builder, lane, rows, columns, precision)
    width = min(width, len(indices[0][0]))
    for row, mine in zip(own_rows, indices, strict=True):
        inside_row = builder.icmp_signed("<", row, rows_left)
        begin = builder.mul(builder.sext(row, I64), builder.sext(ld, I64))
        first = _address(builder, corner, begin, column)
        for start, run in zip(runs, mine, strict=True):
            for w in range(0, len(run), width):
                at = builder.add(column, I32(start + w))
                inside = builder.and_(inside_row, builder.icmp_signed("<", at, columns_left))
                place = first, 4 * (start + w)
                if precision == 0:
                    place = _address(builder, corner, begin, at), 0
                yield run[w : w + width], inside, place


def _address(builder, corner, begin, column):
    offset = builder.add(begin, builder.sext(column, I64))
    return builder.ptrtoint(builder.gep(corner, [offset]), I64)


@intrinsic
def add_tile(
    typingctx, acc, array, at, ld, rows_left, columns_left, lane, width, rows, columns, precision
):
    """acc += array[at + m ld + n], where m < rows_left and n < columns_left, as `store_tile`."""
    word, *size, number = literal(width, rows, columns, precision)
    sig = types.void(acc, array, types.int64, types.int32, *_LEFT, width, rows, columns, precision)

    def codegen(context, builder, sig, args):
        registers = Registers(context, builder, sig.args[0], args[0], *size)
        values = registers.load()
        corner = pointer(context, builder, sig.args[1], args[1], args[2], GLOBAL)
        for indices, inside, place in _words(builder, corner, *args[3:7], word, *size, number):
            for i, old in zip(indices, _load_if(builder, inside, place, len(indices)), strict=True):
                values[i] = builder.fadd(values[i], old)
        registers.store(values)
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def store_tile(
    typingctx, acc, array, at, ld, rows_left, columns_left, lane, width, rows, columns, precision
):
    """array[at + m ld + n] = the warp tile, where m < rows_left and n < columns_left.

    width (literal): values a write, 4 where all of them are 16-byte aligned (bf16: then 2), or 1.
    """
    word, *size, number = literal(width, rows, columns, precision)
    sig = types.void(acc, array, types.int64, types.int32, *_LEFT, width, rows, columns, precision)

    def codegen(context, builder, sig, args):
        values = Registers(context, builder, sig.args[0], args[0], *size).load()
        corner = pointer(context, builder, sig.args[1], args[1], args[2], GLOBAL)
        for indices, inside, place in _words(builder, corner, *args[3:7], word, *size, number):
            _store_if(builder, inside, place, [values[i] for i in indices])
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def epilogue_tile(
    typingctx, acc, biases, at, step, rows_left, lane, f, p, q, rows, columns, precision
):
    """acc = f(acc + biases[at + m step], p, q), where m < rows_left.

    f: a device function of three float32.
    """
    *size, number = literal(rows, columns, precision)
    real = types.float32
    applied = f.get_call_type(typingctx, (real, real, real), {})
    sig = types.void(acc, biases, *[types.int32] * 4, f, real, real, rows, columns, precision)

    def codegen(context, builder, sig, args):
        registers = Registers(context, builder, sig.args[0], args[0], *size)
        values, call = registers.load(), context.get_function(sig.args[6], applied)
        corner = pointer(context, builder, sig.args[1], args[1], builder.sext(args[2], I64), GLOBAL)
        own_rows, _, _, indices = held(builder, args[5], *size, number)
        for row, mine in zip(own_rows, indices, strict=True):
            offset = builder.sext(builder.mul(row, args[3]), I64)
            place = builder.ptrtoint(builder.gep(corner, [offset]), I64)
            inside = builder.icmp_signed("<", row, args[4])
            (bias,) = _load_if(builder, inside, (place, 0), 1)
            for i in (i for run in mine for i in run):
                values[i] = call(builder, [builder.fadd(values[i], bias), *args[7:9]])
        registers.store(values)
        return context.get_dummy_value()

    return sig, codegen


def _load_if(builder, condition, place, width: int) -> list:
    """Load the values at a global address, or zeros: a predicated instruction, no branch."""
    result = F32 if width == 1 else ir.LiteralStructType([F32] * width)
    zeros = "".join(f"mov.f32 ${i}, 0f00000000; " for i in range(width))
    text = f"{{ .reg .pred p; setp.ne.s32 p, ${width}, 0; {zeros}"
    address, more = place
    text += f"@p ld.global.{SUFFIX[width]} {names(width, 0)}, [${width + 1}+{more}]; }}"
    constraints = "=&f," * width + "r,l,~{memory}"
    found = asm(builder, result, text, constraints, [builder.zext(condition, I32), address])
    return [found] if width == 1 else [builder.extract_value(found, i) for i in range(width)]


def _store_if(builder, condition, place, values):
    width, (address, more) = len(values), place
    text = "{ .reg .pred p; setp.ne.s32 p, $0, 0; "
    text += f"@p st.global.{SUFFIX[width]} [$1+{more}], {names(width, 2)}; }}"
    constraints = "r,l," + "f," * width + "~{memory}"
    asm(builder, VOID, text, constraints, [builder.zext(condition, I32), address, *values])
