"""Non-temporal (streaming) stores.

A streaming store writes to memory without loading the cache line first, and leaves the caches to
other data.  That pays for results that are larger than the caches.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

STREAM_BYTES = 2**24  # results of at least this size are streamed


def stream(builder, value, pointer, align: int) -> None:
    """Emit a streaming store of `value`; `pointer` must be a multiple of `align` bytes.

    `align` is the size of the value: processors stream whole aligned vectors only.
    """
    store = builder.store(value, pointer, align=align)
    one = ir.Constant(ir.IntType(32), 1)
    store.set_metadata("nontemporal", builder.module.add_metadata([one]))


@intrinsic
def fence(_):
    """Order streaming stores before all later stores, so that other threads see them first."""

    def emit(context, b, signature, arguments):
        b.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), emit
