"""How every kernel of the CPU engine is compiled.

`parallel` makes a cached kernel whose prange loops run on all threads.  `inlined` makes a piece of
inner loop: it receives contiguous rows, and disappears into the kernel that calls it.  Neither
allows the optimiser to assume that values are finite, so a NaN in the data reaches the cost.
`exact` and `piece` are the same for products, whose sums are emitted as they are to be computed.
"""

import os

from convnet.compiling import kernels

# How long a thread of GNU OpenMP waits for the next kernel before it sleeps: about half a
# millisecond, which is more than lies between two steps.  By default it is far longer, and on a
# machine that has other things to do it then stands in the way of those it waits for.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

_EXACT = {"contract", "nsz"}
_SUMS = {"contract", "nsz", "reassoc"}

parallel = kernels.kernel(parallel=True, fastmath=_EXACT)
exact = kernels.kernel(parallel=True, nogil=True)
inlined = kernels.piece(forceinline=True, fastmath=_EXACT)
# Sums may be reordered into vector lanes: another rounding, but the same one in every run.
inlined_sum = kernels.piece(forceinline=True, fastmath=_SUMS)
# A longer piece is compiled once and called.
called = kernels.piece(fastmath=_EXACT)
piece = kernels.piece()

# Elements of a flat array that one thread treats at a time; small enough to stay in its cache.
BLOCK = 16384
