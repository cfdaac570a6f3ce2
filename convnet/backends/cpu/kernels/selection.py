"""One of two numbers, chosen by instructions without branches, so that loops are vectorized.

Python's `max` and conditional expressions compile to branches.  LLVM keeps them where a loop writes
over what it reads, or where one side is long, and does not vectorize the loop.
"""

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic


def _of_two(name):
    @intrinsic
    def function(_typing, a, b):
        def emit(context, builder, signature, arguments):
            scalar = context.get_value_type(a)
            letter = "f32" if scalar == ir.FloatType() else "f64"
            kind = ir.FunctionType(scalar, [scalar, scalar])
            called = cgutils.get_or_insert_function(builder.module, kind, f"{name}.{letter}")
            return builder.call(called, arguments)

        return a(a, a), emit

    return function


larger = _of_two("llvm.maximum")  # a NaN if either is
smaller = _of_two("llvm.minimum")


@intrinsic
def select(_typing, condition, a, b):
    """`a` if the condition is true, else `b`.  Both are computed."""

    def emit(_context, builder, _signature, arguments):
        return builder.select(*arguments)

    return a(condition, a, a), emit
