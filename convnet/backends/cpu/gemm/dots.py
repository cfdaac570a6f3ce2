"""Products of a few rows with a few columns, along rows of both in memory, kept in registers.

The micro-kernel needs one operand packed, so that its vectors run along rows of results.  A matrix
that is read once, for a few columns, is not worth packing: here vectors run along the sum.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from convnet.backends.cpu.jit import helper
from convnet.backends.cpu.microkernel import ROWS, VECTORS, Block

FEW = 8  # most columns
_STREAMS = 4  # most rows: the processor prefetches each

_I64, _POINTER = ir.IntType(64), ir.PointerType()


def rows_at_once(columns: int) -> int:
    """Return the rows whose products with so many columns stay in registers."""
    return max(1, min(_STREAMS, ROWS * VECTORS // columns))


def _int(value):
    return ir.Constant(_I64, value)


class _Dots(Block):
    """Emits the products of `rows` rows with `columns` columns."""

    def __init__(self, builder, scalar, rows, columns):
        super().__init__(builder, scalar, 1)
        self.rows, self.columns = rows, columns

    def emit(self, a, a_row, last, b, b_row, c, count):
        """c[r * columns + n] = sum_i a[min(r, last) * a_row + i] * b[n * b_row + i]."""
        build = self.b
        a_rows = []
        for r in range(self.rows):
            inside = build.icmp_signed("<", _int(r), last)
            a_rows.append(self.at(a, build.mul(a_row, build.select(inside, _int(r), last))))
        b_rows = [self.at(b, build.mul(b_row, _int(n))) for n in range(self.columns)]
        kept = [
            cgutils.alloca_once_value(build, self.all_lanes(0.0))
            for _ in range(self.rows * self.columns)
        ]
        with cgutils.for_range_slice(build, _int(0), count, _int(self.lanes)) as (i, _):
            self._add(kept, [self.load(row, i) for row in a_rows], b_rows, i)
        for k, place in enumerate(kept):
            build.store(self._total(build.load(place)), self.at(c, _int(k)))

    def _add(self, kept, left, b_rows, i):
        for n, row in enumerate(b_rows):
            right = self.load(row, i)
            for r, value in enumerate(left):
                place = kept[r * self.columns + n]
                self.b.store(self.fused(value, right, self.b.load(place)), place)

    def _total(self, vector):
        """The sum of all lanes, in an order of the compiler's, the same in every run."""
        letter = "f32" if self.bytes == 4 else "f64"
        kind = ir.FunctionType(self.scalar, [self.scalar, self.vector])
        name = f"llvm.vector.reduce.fadd.v{self.lanes}{letter}"
        add = cgutils.get_or_insert_function(self.b.module, kind, name)
        return self.b.call(add, [ir.Constant(self.scalar, 0.0), vector], fastmath=["reassoc"])


@intrinsic
def _dots(_typing, like, a, a_row, last, b, b_row, columns, c, count):
    def codegen(context, builder, _signature, args):
        a, a_row, last, b, b_row, columns, c, count = args[1:]
        scalar = context.get_value_type(like.dtype)
        a, b, c = (builder.inttoptr(p, _POINTER) for p in (a, b, c))
        end = builder.append_basic_block("end")
        variants = builder.switch(columns, end)
        for n in range(1, FEW + 1):
            block = builder.append_basic_block(f"columns{n}")
            variants.add_case(_int(n), block)
            builder.position_at_end(block)
            _Dots(builder, scalar, rows_at_once(n), n).emit(a, a_row, last, b, b_row, c, count)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 8), codegen


@helper
def dot_products(like, a, a_row, last, b, b_row, columns, c, count):
    """c[r, n] = sum over i < count of a[r, i] * b[n, i], for r < `rows_at_once` and n < `columns`.

    a, b, c: addresses of scalars of `like`'s type.  Rows of a and b are `a_row` and `b_row` apart,
    those of c are `columns` long.  Row `last` of a stands in for the rows behind it.  count: a
    multiple of a vector's lanes.
    """
    _dots(like, a, a_row, last, b, b_row, columns, c, count)
