"""Intrinsics of `intrinsics` for the device: tiles that are rounded to bf16 on their way.

A thread reads values of float32 into registers, which takes as long as an earlier tile is
multiplied, rounds them and writes pairs to shared memory.  ldmatrix reads fragments from there.
"""

from llvmlite import ir
from numba.cuda import types
from numba.cuda.extending import intrinsic

from convnet.backends.cuda.ptx.device import (
    F32,
    GLOBAL,
    I1,
    I32,
    I64,
    SUFFIX,
    VOID,
    asm,
    literal,
    names,
    pointer,
)
from convnet.backends.cuda.ptx.warp_tiles import PADDED_COLUMNS

_WRITES = {  # of values: PTX that rounds them and writes them to [$0]
    1: "{ .reg .b32 x; .reg .b16 l, h; cvt.rn.bf16x2.f32 x, $1, $1; mov.b32 {l, h}, x; "
    "st.shared.b16 [$0], l; }",
    4: "{ .reg .b32 x, y; cvt.rn.bf16x2.f32 x, $2, $1; cvt.rn.bf16x2.f32 y, $4, $3; "
    "st.shared.v2.b32 [$0], {x, y}; }",
}


@intrinsic
def fetch_values(typingctx, held, first, array, i, inside, width):
    """held[first : first + width] = array[i : i + width] by one read, or zeros if not inside.

    held: a local array.  width (literal): 4 where the values are 16-byte aligned, or 1.
    """
    (number,) = literal(width)
    sig = types.void(held, types.int64, array, types.int32, types.boolean, width)

    def codegen(context, builder, sig, args):
        registers = context.make_array(sig.args[0])(context, builder, args[0]).data
        first = pointer(context, builder, sig.args[2], args[2], I64(0), GLOBAL)
        inside = builder.zext(builder.trunc(args[4], I1), I32)
        found = _load_if(builder, inside, builder.ptrtoint(first, I64), args[3], number)
        for w, value in enumerate(found):
            builder.store(value, builder.gep(registers, [builder.add(args[1], I64(w))]))
        return context.get_dummy_value()

    return sig, codegen


def _load_if(builder, inside, first, index, width):
    """Load values from an index on, or zeros; the address takes one instruction."""
    result = F32 if width == 1 else ir.LiteralStructType([F32] * width)
    zeros = "".join(f"mov.f32 ${i}, 0f00000000; " for i in range(width))
    text = f"{{ .reg .pred p; .reg .b64 a; setp.ne.s32 p, ${width}, 0; {zeros}"
    text += f"mad.wide.s32 a, ${width + 2}, 4, ${width + 1}; "
    text += f"@p ld.global.{SUFFIX[width]} {names(width, 0)}, [a]; }}"
    constraints = "=&f," * width + "r,l,r,~{memory}"
    found = asm(builder, result, text, constraints, [inside, first, index])
    return [found] if width == 1 else [builder.extract_value(found, w) for w in range(width)]


@intrinsic
def round_values(typingctx, shared, at, held, first, width):
    """Write held[first : first + width], rounded to the nearest bf16, to shared address `at`.

    shared: the array that contains `at`.  width (literal): 4 where `at` is 8-byte aligned, or 1.
    """
    (number,) = literal(width)
    sig = types.void(shared, types.int32, held, types.int64, width)

    def codegen(context, builder, sig, args):
        registers = context.make_array(sig.args[2])(context, builder, args[2]).data
        values = [
            builder.load(builder.gep(registers, [builder.add(args[3], I64(w))]))
            for w in range(number)
        ]
        constraints = "r," + "f," * number + "~{memory}"
        asm(builder, VOID, _WRITES[number], constraints, [args[1], *values])
        return context.get_dummy_value()

    return sig, codegen


def multiplied_bf16(builder, acc, a, b, lane, a_tile, b_tile, rows, columns, precision):
    """Emit the product on tensor cores; return the new acc.

    a, b: shared addresses.  acc[(i * columns / 8 + j) * 4 + e] is value e of the fragment of rows i
    and columns j.
    """
    own_a = _own_address(builder, a, lane, *a_tile, 4)
    own_b = _own_address(builder, b, lane, *b_tile, 3)
    left = [_load_matrix(builder, own_a, *a_tile, first) for first in range(0, rows, 16)]
    across, acc = columns // 8, list(acc)
    for first in range(0, columns, 16):
        four = _load_matrix(builder, own_b, *b_tile, first)
        for half in range(2):
            for i, fragment in enumerate(left):
                n = (i * across + first // 8 + half) * 4
                right = four[2 * half : 2 * half + 2]
                acc[n : n + 4] = mma(builder, "m16n8k16", "bf16", fragment, right, acc[n : n + 4])
    return acc


def _own_address(builder, corner, lane, layout, ld, k_bit):
    """The address of the 16 bytes that a lane names for ldmatrix, in the first 16 columns.

    Lanes 8i + 0..7 name the rows of matrix i of four, which are halves of columns and of k.  k_bit:
    the bit of the lane that chooses the half of k; the other one of 3 and 4 chooses the columns'.
    """
    k, column = (
        builder.shl(builder.and_(builder.lshr(lane, I32(bit)), I32(1)), I32(3))
        for bit in (k_bit, 7 - k_bit)
    )
    row, along = (column, k) if layout == PADDED_COLUMNS else (k, column)
    row = builder.add(row, builder.and_(lane, I32(7)))
    value = builder.add(builder.mul(row, I32(ld)), along)
    return builder.add(corner, builder.shl(value, I32(1)))


def _load_matrix(builder, own, layout, ld, first):
    """Load the fragments of 16 columns from `first` on: four registers.

    Rows of shared memory that are values of k are transposed on the way.
    """
    by_column = layout == PADDED_COLUMNS
    offset = 2 * first * (ld if by_column else 1)
    kind = "" if by_column else ".trans"
    text = f"ldmatrix.sync.aligned.m8n8.x4{kind}.shared.b16 {{$0,$1,$2,$3}}, [$4+{offset}];"
    result = ir.LiteralStructType([I32] * 4)
    found = asm(builder, result, text, "=r,=r,=r,=r,r,~{memory}", [own])
    return [builder.extract_value(found, e) for e in range(4)]


def mma(builder, shape: str, kind: str, rows: list, columns: list, sums: list) -> list:
    """Emit mma.sync for registers of a fragment of A and of B; return the four new sums."""
    text = f"mma.sync.aligned.{shape}.row.col.f32.{kind}.{kind}.f32 "
    text += "{$0,$1,$2,$3}, {$4,$5,$6,$7}, {$8,$9}, {$0,$1,$2,$3};"
    result = ir.LiteralStructType([F32] * 4)
    constraints = "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"
    four = _pure(builder, result, text, constraints, [*rows, *columns, *sums])
    return [builder.extract_value(four, e) for e in range(4)]


def _pure(builder, result, text, constraints, arguments):
    """Emit inline PTX without side effects, which the compiler may move."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.asm(kind, text, constraints, arguments, False)
