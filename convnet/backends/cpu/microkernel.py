"""The innermost loop of every convolution: a small block of a matrix product kept in registers.

LLVM does not find register blocking in a plain loop nest, so the loop is emitted as LLVM IR:
ROWS x VECTORS vector accumulators, one broadcast for each row, one load for each vector of columns.
The processor's vector length is read once, when this module is imported.
"""

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_FEATURES = llvm.get_host_cpu_features()
_ARM = llvm.get_process_triple().startswith(("aarch64", "arm64"))

VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
ROWS = 6
VECTORS = 4 if VECTOR_BYTES == 64 or _ARM else 2  # 24 accumulators of 32 registers, or 12 of 16
BLOCK_BYTES = VECTORS * VECTOR_BYTES

# Steps in the left-hand side, typed: Numba compiles a function anew for every literal argument.
PACKED, UNIT = np.int64(ROWS), np.int64(1)

_I32, _I64, _POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()


def block_columns(dtype) -> int:
    """Columns of one block for a NumPy dtype (64 float32 with 64-byte vectors)."""
    return BLOCK_BYTES // dtype.itemsize


def _int(value):
    return ir.Constant(_I64, value)


class _Loop:
    """Emits c[k, :] += sum_i a[i * step + k * row] * b[i, :] for `vectors` vectors of columns."""

    def __init__(self, builder, scalar, vectors):
        self.b, self.scalar, self.vectors = builder, scalar, vectors
        self.bytes = 4 if scalar == ir.FloatType() else 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.width = VECTORS * self.lanes
        self.vector = ir.VectorType(scalar, self.lanes)

    def at(self, pointer, index):
        return self.b.gep(pointer, [index], source_etype=self.scalar)

    def load(self, pointer, index):
        return self.b.load(self.at(pointer, index), align=self.bytes, typ=self.vector)

    def broadcast(self, pointer, index):
        value = self.b.load(self.at(pointer, index), typ=self.scalar)
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.b.insert_element(undefined, value, ir.Constant(_I32, 0))
        lanes = ir.Constant(ir.VectorType(_I32, self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, undefined, lanes)

    def multiply(self, sums, a_rows, a_index, b_pointer, b_index):
        """The sums after one more term."""
        letter = "f32" if self.bytes == 4 else "f64"
        fma = cgutils.get_or_insert_function(
            self.b.module,
            ir.FunctionType(self.vector, [self.vector] * 3),
            f"llvm.fma.v{self.lanes}{letter}",
        )
        columns = [
            self.load(b_pointer, self.b.add(b_index, _int(j * self.lanes)))
            for j in range(self.vectors)
        ]
        following = []
        for k, row in enumerate(a_rows):
            factor = self.broadcast(row, a_index)
            for j, column in enumerate(columns):
                term = sums[k * self.vectors + j]
                following.append(self.b.call(fma, [factor, column, term]))
        return following

    def prefetch(self, c):
        """Ask for the block of c early: it may have to come from the outer caches."""
        prefetch = cgutils.get_or_insert_function(
            self.b.module,
            ir.FunctionType(ir.VoidType(), [_POINTER, _I32, _I32, _I32]),
            "llvm.prefetch.p0",
        )
        flags = [ir.Constant(_I32, n) for n in (1, 3, 1)]
        for k in range(ROWS):
            for byte in range(0, self.vectors * VECTOR_BYTES, 64):
                self.b.call(
                    prefetch, [self.at(c, _int(k * self.width + byte // self.bytes)), *flags]
                )

    def emit(self, a, step, row, b_pointer, c, count):
        b = self.b
        a_rows = [self.at(a, b.mul(row, _int(k))) for k in range(ROWS)]
        self.prefetch(c)
        entry, loop, done = b.block, b.append_basic_block("sum"), b.append_basic_block("add")
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        b.branch(loop)
        b.position_at_end(loop)
        i, a_index, b_index = b.phi(_I64), b.phi(_I64), b.phi(_I64)
        sums = [b.phi(self.vector) for _ in range(ROWS * self.vectors)]
        following = self.multiply(sums, a_rows, a_index, b_pointer, b_index)
        ends = [b.add(i, _int(1)), b.add(a_index, step), b.add(b_index, _int(self.width))]
        starts = [_int(0)] * 3 + [zero] * len(sums)
        for phi, start, end in zip(
            [i, a_index, b_index, *sums], starts, ends + following, strict=True
        ):
            phi.add_incoming(start, entry)
            phi.add_incoming(end, loop)
        b.cbranch(b.icmp_signed("<", ends[0], count), loop, done)
        b.position_at_end(done)
        for n, total in enumerate(following):
            k, j = divmod(n, self.vectors)
            where = self.at(c, _int(k * self.width + j * self.lanes))
            old = b.load(where, align=self.bytes, typ=self.vector)
            b.store(b.fadd(old, total), where, align=self.bytes)


@intrinsic
def address(_typing, array):
    """Address of an array's first element, signed (unsigned arithmetic would turn to float64)."""

    def codegen(context, builder, _signature, args):
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.ptrtoint(data, _I64)

    return types.int64(array), codegen


@intrinsic
def _block_product(_typing, like, a, step, row, b, c, count, vectors):
    signature = types.void(like, *[types.int64] * 7)

    def codegen(context, builder, _signature, args):
        a, step, row, b, c, count, vectors = args[1:]
        scalar = context.get_value_type(like.dtype)
        a, b, c = (builder.inttoptr(p, _POINTER) for p in (a, b, c))
        end = builder.append_basic_block("end")
        variants = builder.switch(vectors, end)
        for n in range(1, VECTORS + 1):
            block = builder.append_basic_block(f"vectors{n}")
            variants.add_case(_int(n), block)
            builder.position_at_end(block)
            _Loop(builder, scalar, n).emit(a, step, row, b, c, count)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True)
def block_product(like, a, step, row, b, c, count, vectors):
    """c[k, :] += sum over i < count of a[i*step + k*row] * b[i, :], for k < ROWS and count >= 1.

    a, b, c are addresses of scalars of `like`'s type; the rows of b and c are `block_columns`
    long and only the first `vectors` vectors of each are used.
    """
    _block_product(like, a, step, row, b, c, count, vectors)


def _interleave(b, rows, half):
    """One step of a transpose: swap the off-diagonal squares of side `half` in pairs of rows."""
    lanes, out = len(rows), list(rows)
    for i in range(lanes):
        if not i & half:
            upper = [n if not n & half else n - half + lanes for n in range(lanes)]
            lower = [n + half if not n & half else n + lanes for n in range(lanes)]
            for row, mask in ((i, upper), (i + half, lower)):
                mask = ir.Constant(ir.VectorType(_I32, lanes), mask)
                out[row] = b.shuffle_vector(rows[i], rows[i + half], mask)
    return out


@intrinsic
def _transpose(_typing, like, source, source_pitch, target, target_pitch):
    def codegen(context, builder, _signature, args):
        source, source_pitch, target, target_pitch = args[1:]
        loop = _Loop(builder, context.get_value_type(like.dtype), VECTORS)
        source, target = (builder.inttoptr(p, _POINTER) for p in (source, target))
        rows = [loop.load(source, builder.mul(source_pitch, _int(i))) for i in range(loop.lanes)]
        half = loop.lanes // 2
        while half:
            rows = _interleave(builder, rows, half)
            half //= 2
        for i, row in enumerate(rows):
            where = loop.at(target, builder.mul(target_pitch, _int(i)))
            builder.store(row, where, align=loop.bytes)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 4), codegen


@njit(cache=True, nogil=True)
def transpose_square(like, source, source_pitch, target, target_pitch):
    """Transpose a square of one vector's lanes from address to address; pitches in scalars."""
    _transpose(like, source, source_pitch, target, target_pitch)


@intrinsic
def copy_bytes(_typing, target, source, count):
    """Copy `count` bytes from one address to another."""

    def codegen(context, builder, _signature, args):
        target, source, count = args
        byte = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(p, byte) for p in (target, source))
        cgutils.raw_memcpy(builder, target, source, count, 1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), codegen


@intrinsic
def copy_block(_typing, target, source):
    """Copy one row of a block, BLOCK_BYTES, through vector registers."""

    def codegen(context, builder, _signature, args):
        loop = _Loop(builder, ir.FloatType(), VECTORS)
        target, source = (builder.inttoptr(p, _POINTER) for p in args)
        places = [_int(j * loop.lanes) for j in range(VECTORS)]
        for place, row in [(p, loop.load(source, p)) for p in places]:
            builder.store(row, loop.at(target, place), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def zero_bytes(_typing, target, count):
    """Write `count` zero bytes at an address."""

    def codegen(context, builder, _signature, args):
        target, count = args
        target = builder.inttoptr(target, ir.IntType(8).as_pointer())
        cgutils.memset(builder, target, count, 0)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen
