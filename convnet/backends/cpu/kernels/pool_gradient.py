"""The innermost loop of max pooling's gradient: a row of cases at one pixel.

It is emitted as LLVM IR, so that a pixel is read and written once for all windows that contain it,
and so that images larger than the caches are written by streaming stores.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from convnet.backends.cpu.jit import helper
from convnet.backends.cpu.microkernel import VECTOR_BYTES
from convnet.compiling.nontemporal import stream

PUT, ADD, STREAM = (np.int64(n) for n in range(3))  # how a gradient is stored

_I64, _POINTER = ir.IntType(64), ir.PointerType()


def _int(value):
    return ir.Constant(_I64, value)


class _Row:
    """Emits the loop over a row.  windows: pairs of pointers, to each window's y and dy."""

    def __init__(self, builder, scalar, x, dx, windows, store):
        self.b, self.scalar, self.bytes = builder, scalar, 4 if scalar == ir.FloatType() else 8
        self.x, self.dx, self.windows, self.put = x, dx, windows, store

    def loop(self, count):
        """Emit the loop over `count` numbers: whole vectors, then one by one."""
        lanes = VECTOR_BYTES // self.bytes
        vector = ir.VectorType(self.scalar, lanes)
        whole = self.b.sub(count, self.b.srem(count, _int(lanes)))
        with cgutils.for_range_slice(self.b, _int(0), whole, _int(lanes)) as (i, _):
            self._store(i, self._sum(i, vector, ir.Constant(vector, [0.0] * lanes)))
        with cgutils.for_range_slice(self.b, whole, count, _int(1)) as (i, _):
            self._store(i, self._sum(i, self.scalar, ir.Constant(self.scalar, 0.0)))

    def _at(self, pointer, i):
        return self.b.gep(pointer, [i], source_etype=self.scalar)

    def _load(self, pointer, i, kind):
        return self.b.load(self._at(pointer, i), align=self.bytes, typ=kind)

    def _sum(self, i, kind, zero):
        """Emit the sum of dy over the windows whose y equals x."""
        x, total = self._load(self.x, i, kind), None
        for y, dy in self.windows:
            is_largest = self.b.fcmp_ordered("==", x, self._load(y, i, kind))
            part = self.b.select(is_largest, self._load(dy, i, kind), zero)
            total = part if total is None else self.b.fadd(total, part)
        return total

    def _store(self, i, total):
        place = self._at(self.dx, i)
        if self.put == ADD:
            total = self.b.fadd(self.b.load(place, align=self.bytes, typ=total.type), total)
        if self.put == STREAM and total.type != self.scalar:
            stream(self.b, total, place, VECTOR_BYTES)
        else:
            self.b.store(total, place, align=self.bytes)


@intrinsic
def _sum_windows(_typing, like, x, dx, count, y, dy, down, right, rows, columns, put):
    def codegen(context, b, signature, arguments):
        _, x, dx, count, y, dy, down, right, rows, columns, put = arguments
        scalar = context.get_value_type(signature.args[0].dtype)
        x, dx = (b.inttoptr(place, _POINTER) for place in (x, dx))
        steps = (_int(0), right, down, b.add(down, right))
        pairs = [tuple(b.inttoptr(b.add(p, step), _POINTER) for p in (y, dy)) for step in steps]
        chosen = b.add(b.mul(put, _int(4)), b.add(b.mul(rows, _int(2)), columns))
        end = b.append_basic_block("end")
        variants = b.switch(chosen, end)
        for mode in (PUT, ADD, STREAM):
            for number, windows in enumerate((pairs[:1], pairs[:2], pairs[::2], pairs)):
                variants.add_case(_int(4 * int(mode) + 3 + number), b.append_basic_block("variant"))
                b.position_at_end(variants.cases[-1][1])
                _Row(b, scalar, x, dx, windows, mode).loop(count)
                b.branch(end)
        b.position_at_end(end)
        return context.get_dummy_value()

    return types.void(like, *[types.int64] * 10), codegen


@helper
def sum_windows(like, x, dx, count, y, dy, down, right, rows, columns, put):
    """dx = the sum of dy over the windows whose y equals x, for a row of `count` numbers.

    x, dx, y, dy: addresses of scalars of `like`'s type.  There are 1 or 2 `rows` of 1 or 2
    `columns` of windows; the next row is `down` and the next column `right` bytes further on.
    put: PUT, ADD, or STREAM, for which dx must be a multiple of VECTOR_BYTES.
    """
    _sum_windows(like, x, dx, count, y, dy, down, right, rows, columns, put)
