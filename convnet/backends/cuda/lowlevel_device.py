"""The operations of `lowlevel` for the device: LLVM instructions and inline PTX.

Arguments called literal have to be constants of the kernel; they choose the code that is made.
"""

from llvmlite import ir
from numba.cuda import libdevice, types
from numba.cuda.core.errors import TypingError
from numba.cuda.extending import intrinsic

_I1, _I8, _I32, _I64, _F32 = (*map(ir.IntType, (1, 8, 32, 64)), ir.FloatType())
_GLOBAL, _SHARED = 1, 3  # LLVM's address spaces
_VOID = ir.VoidType()
_SPECIAL = "tid.x", "ctaid.x", "ctaid.y"


def _literal(*given):
    if not all(isinstance(value, types.IntegerLiteral) for value in given):
        raise TypingError("an argument that has to be a constant of the kernel is none")
    return [value.literal_value for value in given]


def _pointer(context, builder, kind, array, index, space):
    """Of element `index` (an int64) of a flat array."""
    data = context.make_array(kind)(context, builder, array).data
    found = builder.gep(data, [index])
    return builder.addrspacecast(found, ir.PointerType(found.type.pointee, space))


def _asm(builder, result, text, constraints, arguments):
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.asm(kind, text, constraints, arguments, True)


# -- a few values at once ------------------------------------------------------------------


@intrinsic
def load_values(typingctx, values, array, i, width):
    """values[: width] = array[i : i + width] by one read.

    values: local, of the array's type.  width (literal): values, all of them one aligned word.
    i: an int32 of 0 or more.
    """
    (number,) = _literal(width)
    sig = types.void(values, array, types.int32, width)

    def codegen(context, builder, sig, args):
        place = _word(context, builder, sig.args[1], args[1], args[2], number)
        registers = context.make_array(sig.args[0])(context, builder, args[0]).data
        found = builder.load(place, align=_bytes(place))
        for k in range(number):
            value = builder.extract_element(found, _I32(k))
            builder.store(value, builder.gep(registers, [_I64(k)]))
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def store_values(typingctx, array, i, values, width):
    """array[i : i + width] = values[: width] by one write; see load_values."""
    (number,) = _literal(width)
    sig = types.void(array, types.int32, values, width)

    def codegen(context, builder, sig, args):
        place = _word(context, builder, sig.args[0], args[0], args[1], number)
        registers = context.make_array(sig.args[2])(context, builder, args[2]).data
        word = ir.Constant(place.type.pointee, ir.Undefined)
        for k in range(number):
            value = builder.load(builder.gep(registers, [_I64(k)]))
            word = builder.insert_element(word, value, _I32(k))
        builder.store(word, place, align=_bytes(place))
        return context.get_dummy_value()

    return sig, codegen


def _word(context, builder, kind, array, index, number):
    """A global address of `number` values from element `index` on, as those of one vector."""
    place = _pointer(context, builder, kind, array, builder.zext(index, _I64), _GLOBAL)
    vector = ir.VectorType(place.type.pointee, number)
    return builder.bitcast(place, ir.PointerType(vector, _GLOBAL))


def _bytes(place):
    """The size of the vector at an address."""
    vector = place.type.pointee
    bits = 32 if isinstance(vector.element, ir.FloatType) else vector.element.width
    return vector.count * bits // 8


# Of float32s.  power: x ** y for positive x, to about 1e-7 * max(1, |log2 x|), in few instructions.
power = libdevice.fast_powf
cospi, sinpi = libdevice.cospif, libdevice.sinpif  # cos(pi x), sin(pi x)


@intrinsic
def read_again(typingctx, register, value):
    """`value`, read anew from special register `register` (literal) of _SPECIAL.

    What is computed from it later needs no register before, where the compiler would else keep it.
    """
    name = _SPECIAL[_literal(register)[0]]

    def codegen(context, builder, sig, args):
        return _asm(builder, _I32, f"mov.u32 $0, %{name};", "=r", [])

    return types.int32(register, value), codegen


# -- asynchronous copies ------------------------------------------------------------------


@intrinsic
def copy_async(typingctx, shared, s, source, i, count, width):
    """shared[s : s + width] = source[i : i + count], then zeros; starts and does not wait.

    width (literal): 4, where both are 16-byte aligned, or 1.  count: 0 to width.
    """
    (values,) = _literal(width)
    sig = types.void(shared, types.int64, source, types.int64, types.int32, width)

    def codegen(context, builder, sig, args):
        to = _pointer(context, builder, sig.args[0], args[0], args[1], _SHARED)
        of = _pointer(context, builder, sig.args[2], args[2], args[3], _GLOBAL)
        cache = "cg" if values == 4 else "ca"
        size = builder.mul(args[4], _I32(4))
        operands = [builder.ptrtoint(to, _I32), builder.ptrtoint(of, _I64), size]
        text = f"cp.async.{cache}.shared.global [$0], [$1], {4 * values}, $2;"
        _asm(builder, _VOID, text, "r,l,r,~{memory}", operands)
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def commit_copies(typingctx):
    """Close the group of the copies started since the last one."""

    def codegen(context, builder, sig, args):
        _asm(builder, _VOID, "cp.async.commit_group;", "~{memory}", [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def wait_copies(typingctx, pending):
    """Wait until at most `pending` (literal) groups of this thread's copies are under way."""
    (number,) = _literal(pending)

    def codegen(context, builder, sig, args):
        _asm(builder, _VOID, f"cp.async.wait_group {number};", "~{memory}", [])
        return context.get_dummy_value()

    return types.void(pending), codegen


# -- register tiles ------------------------------------------------------------------


class _Registers:
    """A local array of constant indices, which the compiler keeps in registers."""

    def __init__(self, context, builder, kind, array):
        self._builder = builder
        self._data = context.make_array(kind)(context, builder, array).data

    def _place(self, i):
        return self._builder.gep(self._data, [_I64(i)])

    def load(self):
        return [self._builder.load(self._place(i)) for i in range(64)]

    def store(self, values):
        for i, value in enumerate(values):
            self._builder.store(value, self._place(i))


@intrinsic
def clear(typingctx, acc):
    """acc[:] = 0.  acc: local, 64 float32."""

    def codegen(context, builder, sig, args):
        _Registers(context, builder, sig.args[0], args[0]).store([_F32(0.0)] * 64)
        return context.get_dummy_value()

    return types.void(acc), codegen


@intrinsic
def multiply(typingctx, acc, shared, a, b, lane, lda, ldb, depth, precision):
    """acc += the warp tile of A' B over `depth` values of k.

    shared[a + k lda + m] is A(k, m), shared[b + k ldb + n] is B(k, n), m and n counted from the
    warp tile's corner.  Literal: lda, ldb; depth, a multiple of 8, or of 16 for bf16; precision, an
    index of base.PRECISIONS.  tf32 and bf16 operands are rounded to the nearest.
    """
    numbers = _literal(lda, ldb, depth)
    emit = (_multiply_fp32, _multiply_tf32, _multiply_bf16)[_literal(precision)[0]]
    index = (types.int64, types.int64, types.int32)
    sig = types.void(acc, shared, *index, lda, ldb, depth, precision)

    def codegen(context, builder, sig, args):
        registers = _Registers(context, builder, sig.args[0], args[0])
        corners = [
            _pointer(context, builder, sig.args[1], args[1], index, _SHARED) for index in args[2:4]
        ]
        registers.store(emit(builder, registers.load(), *corners, args[4], *numbers))
        return context.get_dummy_value()

    return sig, codegen


def _multiply_fp32(builder, acc, a, b, lane, lda, ldb, depth):
    a = builder.gep(a, [builder.shl(builder.lshr(lane, _I32(3)), _I32(2))])
    b = builder.gep(b, [builder.shl(builder.and_(lane, _I32(7)), _I32(2))])
    for k in range(depth):
        left = _four(builder, a, k * lda) + _four(builder, a, k * lda + 16)
        right = _four(builder, b, k * ldb) + _four(builder, b, k * ldb + 32)
        acc = [builder.fma(left[i // 8], right[i % 8], acc[i]) for i in range(64)]
    return acc


def _four(builder, place, offset):
    """Four neighbouring values by one 16-byte read."""
    kind = ir.VectorType(_F32, 4)
    place = builder.gep(place, [_I32(offset)])
    found = builder.load(builder.bitcast(place, ir.PointerType(kind, _SHARED)), align=16)
    return [builder.extract_element(found, _I32(i)) for i in range(4)]


def _fragments(builder, a, b, lane, lda, ldb):
    """Where a lane's fragments begin: row or column g, the t-th value of k."""
    g, t = builder.lshr(lane, _I32(2)), builder.and_(lane, _I32(3))
    at = [builder.add(g, builder.mul(t, _I32(ld))) for ld in (lda, ldb)]
    return builder.gep(a, [at[0]]), builder.gep(b, [at[1]])


def _multiply_tf32(builder, acc, a, b, lane, lda, ldb, depth):
    def word(place, offset):
        value = builder.load(builder.gep(place, [_I32(offset)]))
        return _asm_pure(builder, _I32, "cvt.rna.tf32.f32 $0, $1;", "=r,f", [value])

    a, b = _fragments(builder, a, b, lane, lda, ldb)
    for k in range(0, depth, 8):
        left = [
            [word(a, (k + 4 * h) * lda + 16 * i + 8 * r) for h in range(2) for r in range(2)]
            for i in range(2)
        ]
        right = [[word(b, (k + 4 * h) * ldb + 8 * j) for h in range(2)] for j in range(8)]
        acc = _mma(builder, "m16n8k8", "tf32", left, right, acc)
    return acc


def _multiply_bf16(builder, acc, a, b, lane, lda, ldb, depth):
    """The k of a fragment's pair are t + 4e and t + 4e + 4, not neighbours as the manual has them.

    A and B are permuted alike, so that the sum is the same and no bank is met twice.
    """

    def pair(place, offset, ld):
        low, high = (builder.load(builder.gep(place, [_I32(offset + d)])) for d in (0, 4 * ld))
        return _asm_pure(builder, _I32, "cvt.rn.bf16x2.f32 $0, $1, $2;", "=r,f,f", [high, low])

    a, b = _fragments(builder, a, b, lane, lda, ldb)
    for k in range(0, depth, 16):
        left = [
            [pair(a, (k + 8 * h) * lda + 16 * i + 8 * r, lda) for h in range(2) for r in range(2)]
            for i in range(2)
        ]
        right = [[pair(b, (k + 8 * h) * ldb + 8 * j, ldb) for h in range(2)] for j in range(8)]
        acc = _mma(builder, "m16n8k16", "bf16", left, right, acc)
    return acc


def _mma(builder, shape, kind, left, right, acc):
    """acc[(i * 8 + j) * 4 + e] += fragments i of A and j of B."""
    text = f"mma.sync.aligned.{shape}.row.col.f32.{kind}.{kind}.f32 "
    text += "{$0,$1,$2,$3}, {$4,$5,$6,$7}, {$8,$9}, {$0,$1,$2,$3};"
    result = ir.LiteralStructType([_F32] * 4)
    found = []
    for i, rows in enumerate(left):
        for j, columns in enumerate(right):
            first = (i * 8 + j) * 4
            operands = [*rows, *columns, *acc[first : first + 4]]
            four = _asm_pure(builder, result, text, "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3", operands)
            found += [builder.extract_value(four, e) for e in range(4)]
    return found


def _asm_pure(builder, result, text, constraints, arguments):
    """Inline PTX that only computes, so that the compiler may move it."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.asm(kind, text, constraints, arguments, False)


# -- the result ------------------------------------------------------------------


@intrinsic
def store_tile(
    typingctx, acc, out, at, ld, rows_left, columns_left, accumulate, lane, width, precision
):
    """out[at + m ld + n] (+)= the warp tile, where m < rows_left and n < columns_left.

    width (literal): values a write, 4 or 2 (tensor cores) where all of them are aligned so, or 1.
    """
    wide, numbers = _literal(width), _literal(precision)[0]
    whole = (types.int64, types.int32, types.int32, types.int32, types.int32, types.int32)
    sig = types.void(acc, out, *whole, width, precision)

    def codegen(context, builder, sig, args):
        acc = _Registers(context, builder, sig.args[0], args[0]).load()
        corner = _pointer(context, builder, sig.args[1], args[1], args[2], _GLOBAL)
        ld, rows_left, columns_left, accumulate, lane = args[3:8]
        places = (_places_fp32 if numbers == 0 else _places_mma)(builder, lane, wide[0])
        adds = builder.icmp_signed("!=", accumulate, _I32(0))
        for row, column, first in places:
            inside = builder.and_(
                builder.icmp_signed("<", row, rows_left),
                builder.icmp_signed("<", column, columns_left),
            )
            offset = builder.add(
                builder.mul(builder.sext(row, _I64), builder.sext(ld, _I64)),
                builder.sext(column, _I64),
            )
            place = builder.ptrtoint(builder.gep(corner, [offset]), _I64)
            values = acc[first : first + wide[0]]
            old = _load_if(builder, builder.and_(inside, adds), place, wide[0])
            sums = [builder.fadd(a, b) for a, b in zip(values, old, strict=True)]
            _store_if(builder, inside, place, sums)
        return context.get_dummy_value()

    return sig, codegen


def _places_fp32(builder, lane, width):
    """(row, column, index in acc) of each write."""
    y = builder.shl(builder.lshr(lane, _I32(3)), _I32(2))
    x = builder.shl(builder.and_(lane, _I32(7)), _I32(2))
    for i in range(8):
        for j in range(0, 8, width):
            row, column = i // 4 * 16 + i % 4, j // 4 * 32 + j % 4
            yield builder.add(y, _I32(row)), builder.add(x, _I32(column)), i * 8 + j


def _places_mma(builder, lane, width):
    g, t = builder.lshr(lane, _I32(2)), builder.shl(builder.and_(lane, _I32(3)), _I32(1))
    for i in range(2):
        for j in range(8):
            for e in range(0, 4, width):
                row, column = 16 * i + e // 2 * 8, 8 * j + e % 2
                first = (i * 8 + j) * 4 + e
                yield builder.add(g, _I32(row)), builder.add(t, _I32(column)), first


_SUFFIX = {1: "f32", 2: "v2.f32", 4: "v4.f32"}


def _list(width, first):
    names = ", ".join(f"${first + i}" for i in range(width))
    return names if width == 1 else "{" + names + "}"


def _load_if(builder, condition, place, width):
    """The values at a global address, or zeros: a predicated instruction, no branch."""
    result = _F32 if width == 1 else ir.LiteralStructType([_F32] * width)
    zeros = "".join(f"mov.f32 ${i}, 0f00000000; " for i in range(width))
    text = f"{{ .reg .pred p; setp.ne.s32 p, ${width}, 0; {zeros}"
    text += f"@p ld.global.{_SUFFIX[width]} {_list(width, 0)}, [${width + 1}]; }}"
    constraints = "=&f," * width + "r,l,~{memory}"
    found = _asm(builder, result, text, constraints, [builder.zext(condition, _I32), place])
    return [found] if width == 1 else [builder.extract_value(found, i) for i in range(width)]


def _store_if(builder, condition, place, values):
    width = len(values)
    text = "{ .reg .pred p; setp.ne.s32 p, $0, 0; "
    text += f"@p st.global.{_SUFFIX[width]} [$1], {_list(width, 2)}; }}"
    constraints = "r,l," + "f," * width + "~{memory}"
    _asm(builder, _VOID, text, constraints, [builder.zext(condition, _I32), place, *values])
