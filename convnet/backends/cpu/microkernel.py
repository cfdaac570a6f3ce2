"""The innermost loop of every convolution: a small block of a matrix product, kept in registers.

LLVM does not find register blocking in a plain loop nest, so the loop is emitted as LLVM IR:
ROWS x VECTORS vector accumulators, one broadcast for each row, one load for each vector of columns.
The vector length is determined once, when this module is imported: that of the processor, or of the
target that NUMBA_CPU_NAME and NUMBA_CPU_FEATURES set for Numba.

Kernels pass addresses, which are integers of 64 bits, and strides in scalars.
"""

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from convnet.backends.cpu.jit import helper
from convnet.compiling.nontemporal import stream

_FEATURES = (config.CPU_FEATURES or get_host_cpu_features()).split(",")
_ARM = llvm.get_process_triple().startswith(("aarch64", "arm64"))

VECTOR_BYTES = 64 if "+avx512f" in _FEATURES else 32 if "+avx2" in _FEATURES else 16
ROWS = 6
VECTORS = 4 if VECTOR_BYTES == 64 or _ARM else 2  # 24 accumulators of 32 registers, or 12 of 16
BLOCK_BYTES = VECTORS * VECTOR_BYTES

# Strides in the left-hand side.  They are typed: Numba recompiles a function for each literal.
PACKED, UNIT = np.int64(ROWS), np.int64(1)

_I32, _I64, _POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()


def block_columns(dtype: np.dtype) -> int:
    """Return the columns of one block for a NumPy dtype (64 of float32 with 64-byte vectors)."""
    return BLOCK_BYTES // dtype.itemsize


def _int(value):
    return ir.Constant(_I64, value)


def _prefetch(builder, pointer, writes):
    """Emit a prefetch of a cache line into all caches; writes: 1 if it will be written."""
    kind = ir.FunctionType(ir.VoidType(), [_POINTER, _I32, _I32, _I32])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(prefetch, [pointer, *(ir.Constant(_I32, n) for n in (writes, 3, 1))])


class Block:
    """Emits loads, stores and sums of blocks whose rows are `vectors` vectors long."""

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

    def row_vector(self, pointer, step, row, number):
        """Load vector `number` of a row; rows are `step` scalars apart."""
        index = self.b.add(self.b.mul(step, _int(row)), _int(number * self.lanes))
        return self.load(pointer, index)

    def put_row_vector(self, value, pointer, step, row, number):
        index = self.b.add(self.b.mul(step, _int(row)), _int(number * self.lanes))
        self.b.store(value, self.at(pointer, index), align=self.bytes)

    def all_lanes(self, value: float):
        """A constant vector."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def broadcast(self, pointer, index):
        """Load a scalar into all lanes of a vector."""
        value = self.b.load(self.at(pointer, index), typ=self.scalar)
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.b.insert_element(undefined, value, ir.Constant(_I32, 0))
        lanes = ir.Constant(ir.VectorType(_I32, self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, undefined, lanes)

    def fused(self, factor, value, total):
        """factor * value + total: one instruction where the processor has it."""
        letter = "f32" if self.bytes == 4 else "f64"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fmuladd.v{self.lanes}{letter}"
        fma = cgutils.get_or_insert_function(self.b.module, kind, name)
        return self.b.call(fma, [factor, value, total])

    def multiply(self, sums, a_rows, a_index, b_pointer, b_index):
        """Return the sums after one more term."""
        columns = [
            self.load(b_pointer, self.b.add(b_index, _int(j * self.lanes)))
            for j in range(self.vectors)
        ]
        following = []
        for k, row in enumerate(a_rows):
            factor = self.broadcast(row, a_index)
            for j, column in enumerate(columns):
                term = sums[k * self.vectors + j]
                following.append(self.fused(factor, column, term))
        return following

    def prefetch(self, c_rows):
        """Prefetch the block of c, which may be in an outer cache only."""
        for row in c_rows:
            for byte in range(0, self.vectors * VECTOR_BYTES, 64):
                _prefetch(self.b, self.at(row, _int(byte // self.bytes)), writes=1)

    def product(self, a, step, row, b_pointer, b_row, c, c_row, count, adds):
        """c[k, :] (+)= sum_i a[i * step + k * row] * b[i, :]; see `strided_product`."""
        b = self.b
        a_rows = [self.at(a, b.mul(row, _int(k))) for k in range(ROWS)]
        c_rows = [self.at(c, b.mul(c_row, _int(k))) for k in range(ROWS)]
        self.prefetch(c_rows)
        entry, loop, done = b.block, b.append_basic_block("sum"), b.append_basic_block("add")
        zero = self.all_lanes(0.0)
        b.branch(loop)
        b.position_at_end(loop)
        i, a_index, b_index = b.phi(_I64), b.phi(_I64), b.phi(_I64)
        sums = [b.phi(self.vector) for _ in range(ROWS * self.vectors)]
        following = self.multiply(sums, a_rows, a_index, b_pointer, b_index)
        ends = [b.add(i, _int(1)), b.add(a_index, step), b.add(b_index, b_row)]
        starts = [_int(0)] * 3 + [zero] * len(sums)
        for phi, start, end in zip(
            [i, a_index, b_index, *sums], starts, ends + following, strict=True
        ):
            phi.add_incoming(start, entry)
            phi.add_incoming(end, loop)
        b.cbranch(b.icmp_signed("<", ends[0], count), loop, done)
        b.position_at_end(done)
        self.put_block(following, c_rows, adds)

    def put_block(self, sums, c_rows, adds):
        """Store the sums of a block, or add them to its contents if `adds` is not 0."""
        b, places = self.b, []
        for row in c_rows:
            places += [self.at(row, _int(j * self.lanes)) for j in range(self.vectors)]
        with b.if_else(b.icmp_signed("!=", adds, _int(0))) as (add, put):
            with add:
                for total, where in zip(sums, places, strict=True):
                    old = b.load(where, align=self.bytes, typ=self.vector)
                    b.store(b.fadd(old, total), where, align=self.bytes)
            with put:
                for total, where in zip(sums, places, strict=True):
                    b.store(total, where, align=self.bytes)


@intrinsic
def address(_typing, array):
    """The address of an array's first element.

    It is an int64, since Numba makes the sum of a uint64 and an int64 a float64.
    """

    def codegen(context, builder, _signature, args):
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.ptrtoint(data, _I64)

    return types.int64(array), codegen


@intrinsic
def _block_product(_typing, like, a, step, row, b, b_row, c, c_row, count, vectors, adds):
    signature = types.void(like, *[types.int64] * 10)

    def codegen(context, builder, _signature, args):
        a, step, row, b, b_row, c, c_row, count, vectors, adds = args[1:]
        scalar = context.get_value_type(like.dtype)
        a, b, c = (builder.inttoptr(p, _POINTER) for p in (a, b, c))
        end = builder.append_basic_block("end")
        variants = builder.switch(vectors, end)
        for n in range(1, VECTORS + 1):
            block = builder.append_basic_block(f"vectors{n}")
            variants.add_case(_int(n), block)
            builder.position_at_end(block)
            Block(builder, scalar, n).product(a, step, row, b, b_row, c, c_row, count, adds)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return signature, codegen


@helper
def block_product(like, a, step, row, b, c, c_row, count, vectors, adds):
    """c[k, :] (+)= sum over i < count of a[i*step + k*row] * b[i, :], for k < ROWS and count >= 1.

    a, b, c: addresses of scalars of `like`'s type.  The rows of b are `block_columns` long, those
    of c are `c_row` apart; only the first `vectors` vectors of each are used.  adds: 0 to overwrite
    c, otherwise to add to it.
    """
    width = BLOCK_BYTES // like.itemsize
    _block_product(like, a, step, row, b, width, c, c_row, count, vectors, adds)


@helper
def strided_product(like, a, step, row, b, b_row, c, c_row, count, vectors, adds):
    """The same of rows of b that are `b_row` apart."""
    _block_product(like, a, step, row, b, b_row, c, c_row, count, vectors, adds)


def _interleave(b, rows, half):
    """One step of a transpose in registers: swap the off-diagonal squares of side `half`."""
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
        loop = Block(builder, context.get_value_type(like.dtype), VECTORS)
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


@helper
def transpose_square(like, source, source_pitch, target, target_pitch):
    """Transpose a square of lanes x lanes scalars of `like`'s type, in registers.

    A vector has `lanes` scalars.  source, target: addresses.  Pitches are in scalars.
    """
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


def _block_copier(streams):
    @intrinsic
    def copy(_typing, target, source):
        """Copy one row of a block, BLOCK_BYTES, through vector registers."""

        def codegen(context, builder, _signature, args):
            loop = Block(builder, ir.FloatType(), VECTORS)
            target, source = (builder.inttoptr(p, _POINTER) for p in args)
            places = [_int(j * loop.lanes) for j in range(VECTORS)]
            for place, row in [(p, loop.load(source, p)) for p in places]:
                if streams:
                    stream(builder, row, loop.at(target, place), VECTOR_BYTES)
                else:
                    builder.store(row, loop.at(target, place), align=4)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), codegen

    return copy


copy_block = _block_copier(streams=False)
stream_block = _block_copier(streams=True)  # non-temporal; target: a multiple of VECTOR_BYTES


@intrinsic
def zero_bytes(_typing, target, count):
    """Write `count` zero bytes at an address."""

    def codegen(context, builder, _signature, args):
        target, count = args
        target = builder.inttoptr(target, ir.IntType(8).as_pointer())
        cgutils.memset(builder, target, count, 0)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@helper
def copy_run(target, source, count):
    """Copy `count` bytes: a few numbers mostly, which take less time than a call."""
    if count == 4:
        copy_bytes(target, source, 4)
    elif count == 8:
        copy_bytes(target, source, 8)
    elif count == 16:
        copy_bytes(target, source, 16)
    elif count == 32:
        copy_bytes(target, source, 32)
    else:
        copy_bytes(target, source, count)


@helper
def zero_run(target, count):
    """Write `count` zero bytes: mostly of a few numbers."""
    if count == 4:
        zero_bytes(target, 4)
    elif count == 8:
        zero_bytes(target, 8)
    elif count == 16:
        zero_bytes(target, 16)
    elif count == 32:
        zero_bytes(target, 32)
    else:
        zero_bytes(target, count)


def _prefetcher(writes):
    @intrinsic
    def prefetch(_typing, source, count):
        """Prefetch `count` bytes from an address on, which may lie outside any array."""

        def codegen(context, builder, _signature, args):
            source, count = args
            with cgutils.for_range_slice(builder, _int(0), count, _int(64)) as (i, _):
                place = builder.inttoptr(builder.add(source, i), _POINTER)
                _prefetch(builder, place, int(writes))
            return context.get_dummy_value()

        return types.void(*[types.int64] * 2), codegen

    return prefetch


prefetch_bytes = _prefetcher(writes=False)
prefetch_to_write = _prefetcher(writes=True)
