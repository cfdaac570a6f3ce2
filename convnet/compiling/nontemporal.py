"""Stores that go past the caches.

They are for results that are larger than the caches: what lay in their place need not be fetched
before, and what else is in the caches stays there.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

STREAMED = 2**24  # bytes of a result from which on it pays


def stream(builder, value, pointer, align):
    """Emit a store past the caches; align: bytes of the value, of which the place is a multiple."""
    store = builder.store(value, pointer, align=align)
    one = ir.Constant(ir.IntType(32), 1)
    store.set_metadata("nontemporal", builder.module.add_metadata([one]))


@intrinsic
def fence(_):
    """What was streamed is seen before anything that is written from here on."""

    def emit(context, b, signature, arguments):
        b.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), emit
