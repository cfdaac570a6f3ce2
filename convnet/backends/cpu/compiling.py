"""How every kernel of the CPU engine is compiled.

`parallel` makes a cached kernel whose prange loops run on all threads.  `inlined` makes a piece of
inner loop: it receives contiguous rows, and disappears into the kernel that calls it.  Neither
allows the optimiser to assume that values are finite, so a NaN in the data reaches the cost.

Numba's cache watches only the file of the kernel itself: after editing a file of inlined pieces,
delete the `__pycache__` folder beside it.
"""

import os

from numba import njit

# How long a thread of GNU OpenMP waits for the next kernel before it sleeps: about half a
# millisecond, which is more than lies between two steps.  By default it is far longer, and on a
# machine that has other things to do it then stands in the way of those it waits for.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

_EXACT = {"contract", "nsz"}
_SUMS = {"contract", "nsz", "reassoc"}

_PIECE = {
    "error_model": "numpy",
    "no_cpython_wrapper": True,  # only kernels call them: compiles faster
    "no_cfunc_wrapper": True,
}

parallel = njit(parallel=True, cache=True, error_model="numpy", fastmath=_EXACT)
inlined = njit(forceinline=True, fastmath=_EXACT, **_PIECE)
# Sums may be reordered into vector lanes: another rounding, but the same one in every run.
inlined_sum = njit(forceinline=True, fastmath=_SUMS, **_PIECE)
# A longer piece is compiled once and called.
called = njit(fastmath=_EXACT, **_PIECE)

# Elements of a flat array that one thread treats at a time; small enough to stay in its cache.
BLOCK = 16384
