"""Intrinsics of `intrinsics` for the device: reads, writes and copies, as LLVM and inline PTX.

Arguments called literal have to be constants of the kernel; they choose the generated code.
"""

from llvmlite import ir
from numba.cuda import libdevice, types
from numba.cuda.core.errors import TypingError
from numba.cuda.extending import intrinsic

I1, I8, I32, I64, F32 = (*map(ir.IntType, (1, 8, 32, 64)), ir.FloatType())
GLOBAL, SHARED = 1, 3  # LLVM's address spaces
VOID = ir.VoidType()
SUFFIX = {1: "f32", 2: "v2.f32", 4: "v4.f32"}  # of an instruction that reads or writes values
_SPECIAL = "tid.x", "ctaid.x", "ctaid.y"


def literal(*given: types.Type) -> list[int]:
    """Return the values of literal arguments, which Numba passes as types."""
    if not all(isinstance(value, types.IntegerLiteral) for value in given):
        raise TypingError("an argument that has to be a constant of the kernel is none")
    return [value.literal_value for value in given]


def pointer(context, builder, kind, array, index, space):
    """Return the address of element `index` (an int64) of a flat array."""
    data = context.make_array(kind)(context, builder, array).data
    found = builder.gep(data, [index])
    return builder.addrspacecast(found, ir.PointerType(found.type.pointee, space))


def asm(builder, result: ir.Type, text: str, constraints: str, arguments: list):
    """Emit inline PTX with side effects; return its result."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.asm(kind, text, constraints, arguments, True)


def names(width: int, first: int) -> str:
    """Return the operands from number `first` on, as a vector of `width`."""
    found = ", ".join(f"${first + i}" for i in range(width))
    return found if width == 1 else "{" + found + "}"


# -- a few values at once ------------------------------------------------------------------


@intrinsic
def load_values(typingctx, values, array, i, width):
    """values[:width] = array[i : i + width] by one read.

    values: a local array of the same type.  width (literal): of an aligned word.  i: an int32 of 0
    or more.
    """
    (number,) = literal(width)
    sig = types.void(values, array, types.int32, width)

    def codegen(context, builder, sig, args):
        place = _word(context, builder, sig.args[1], args[1], args[2], number)
        registers = context.make_array(sig.args[0])(context, builder, args[0]).data
        found = builder.load(place, align=_bytes(place))
        for k in range(number):
            value = builder.extract_element(found, I32(k))
            builder.store(value, builder.gep(registers, [I64(k)]))
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def load_pair(typingctx, array, i):
    """(array[i], array[i + 1]) by one read; i, an int64, is even."""
    sig = types.UniTuple(array.dtype, 2)(array, types.int64)

    def codegen(context, builder, sig, args):
        place = pointer(context, builder, sig.args[0], args[0], args[1], GLOBAL)
        kind = ir.PointerType(ir.VectorType(place.type.pointee, 2), GLOBAL)
        found = builder.load(builder.bitcast(place, kind), align=8)
        values = [builder.extract_element(found, I32(k)) for k in range(2)]
        return context.make_tuple(builder, sig.return_type, values)

    return sig, codegen


@intrinsic
def store_values(typingctx, array, i, values, width):
    """array[i : i + width] = values[: width] by one write, as `load_values` reads."""
    (number,) = literal(width)
    sig = types.void(array, types.int32, values, width)

    def codegen(context, builder, sig, args):
        place = _word(context, builder, sig.args[0], args[0], args[1], number)
        registers = context.make_array(sig.args[2])(context, builder, args[2]).data
        word = ir.Constant(place.type.pointee, ir.Undefined)
        for k in range(number):
            value = builder.load(builder.gep(registers, [I64(k)]))
            word = builder.insert_element(word, value, I32(k))
        builder.store(word, place, align=_bytes(place))
        return context.get_dummy_value()

    return sig, codegen


def _word(context, builder, kind, array, index, number):
    """The global address of `number` values from element `index` on, as one vector."""
    place = pointer(context, builder, kind, array, builder.zext(index, I64), GLOBAL)
    vector = ir.VectorType(place.type.pointee, number)
    return builder.bitcast(place, ir.PointerType(vector, GLOBAL))


def _bytes(place):
    """The size of the vector at an address."""
    vector = place.type.pointee
    bits = 32 if isinstance(vector.element, ir.FloatType) else vector.element.width
    return vector.count * bits // 8


# Of float32.  power: x ** y for positive x, to about 1e-7 * max(1, |log2 x|), in few instructions.
power = libdevice.fast_powf
cospi, sinpi = libdevice.cospif, libdevice.sinpif  # cos(pi x), sin(pi x)


@intrinsic
def read_again(typingctx, register, value):
    """Return `value`, read again from the special register number `register` (literal).

    What is computed from it afterwards takes no register before: otherwise the compiler computes it
    early and keeps it.
    """
    name = _SPECIAL[literal(register)[0]]

    def codegen(context, builder, sig, args):
        return asm(builder, I32, f"mov.u32 $0, %{name};", "=r", [])

    return types.int32(register, value), codegen


# -- asynchronous copies ------------------------------------------------------------------


@intrinsic
def shared_address(typingctx, shared):
    """Return the shared address where an array begins, in bytes, as an int32."""
    sig = types.int32(shared)

    def codegen(context, builder, sig, args):
        place = pointer(context, builder, sig.args[0], args[0], I64(0), SHARED)
        return builder.ptrtoint(place, I32)

    return sig, codegen


@intrinsic
def copy_async(typingctx, shared, at, source, i, inside, width):
    """Start a copy of source[i : i + width], or of zeros if not inside, to shared address `at`.

    shared: the array that contains `at`.  width (literal): 4 where both are 16-byte aligned, or 1.
    i may be anything if not inside; the copy then gets the address of element 0.
    """
    (values,) = literal(width)
    sig = types.void(shared, types.int32, source, types.int32, types.boolean, width)
    size, cache = 4 * values, "cg" if values == 4 else "ca"
    text = (
        "{ .reg .pred p; .reg .b32 i, n; .reg .b64 a; setp.ne.s32 p, $3, 0; "
        f"selp.b32 i, $2, 0, p; mad.wide.s32 a, i, 4, $1; selp.b32 n, {size}, 0, p; "
        f"cp.async.{cache}.shared.global [$0], [a], {size}, n; }}"
    )

    def codegen(context, builder, sig, args):
        first = pointer(context, builder, sig.args[2], args[2], I64(0), GLOBAL)
        inside = builder.zext(builder.trunc(args[4], I1), I32)
        operands = [args[1], builder.ptrtoint(first, I64), args[3], inside]
        asm(builder, VOID, text, "r,l,r,r,~{memory}", operands)
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def commit_copies(typingctx):
    """Make a group of the copies that were started since the last group."""

    def codegen(context, builder, sig, args):
        asm(builder, VOID, "cp.async.commit_group;", "~{memory}", [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def wait_copies(typingctx, pending):
    """Wait until at most `pending` (literal) groups of this thread's copies are in flight."""
    (number,) = literal(pending)

    def codegen(context, builder, sig, args):
        asm(builder, VOID, f"cp.async.wait_group {number};", "~{memory}", [])
        return context.get_dummy_value()

    return types.void(pending), codegen
