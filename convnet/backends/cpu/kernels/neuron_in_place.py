"""A neuron's function of one row, in place, as a compiled function of its own.

Kernels that apply neurons to their results know only its address.  So they do not contain the code
of every kind, and a network compiles that of the kinds it has.
"""

from functools import cache

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from convnet.backends.cpu.jit import helper
from convnet.backends.cpu.kernels.neuron_forward import in_place
from convnet.backends.cpu.microkernel import address
from convnet.compiling.kernels import callback

_I64, _POINTER = ir.IntType(64), ir.PointerType()


def _function(kind, row, count, a, b):
    in_place(carray(row, count), kind, a, b)


@cache
def _compiled(kind, item):
    """Compile a function.  It is never freed, since kernels know only its address."""
    real = types.float32 if item == 4 else types.float64
    signature = types.void(types.literal(kind), types.CPointer(real), types.int64, real, real)
    return callback(_function, signature)


def address_of(kind: int, dtype: np.dtype) -> np.int64:
    """Return the address of the function of a kind, a number of `neuron_kinds`."""
    return np.int64(_compiled(kind, np.dtype(dtype).itemsize).address)


@intrinsic
def _call(_typing, function, row, count, a, b):
    def codegen(_context, builder, _signature, args):
        function, row, count, a, b = args
        kind = ir.FunctionType(ir.VoidType(), [_I64, _POINTER, _I64, a.type, b.type])
        unused = ir.Constant(_I64, 0)  # the literal
        row = builder.inttoptr(row, _POINTER)
        builder.call(builder.inttoptr(function, kind.as_pointer()), [unused, row, count, a, b])
        return _context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, a, b), codegen


@helper
def apply_function(function, row, a, b):
    """row = f(row), by the function at an address from `address_of`; a, b: the neuron's."""
    _call(function, address(row), row.size, a, b)
