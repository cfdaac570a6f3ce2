"""How every kernel of the CPU engine is compiled.

A *kernel* is called from Python, a *helper* only from kernels (convnet/compiling/kernels.py).

| decorator     | what it compiles                                                        |
|---------------|-------------------------------------------------------------------------|
| `parallel`    | a kernel; its prange loops run on all threads                           |
| `inlined`     | a helper that is inlined: an inner loop over contiguous rows            |
| `inlined_sum` | the same; sums may be reordered into vector lanes                       |
| `called`      | a helper that is compiled once in each kernel, because it is long       |
| `exact`       | a kernel of matrix products, whose arithmetic is emitted as LLVM IR     |
| `helper`      | a helper of such kernels                                                |

No decorator lets the optimizer assume that values are finite, so a NaN in the data reaches the
cost.  A reordered sum has another rounding than a sequential one, but the same in every run.
"""

import os

from convnet.compiling import kernels

# How long a GNU OpenMP thread spins for the next kernel before it sleeps: about half a millisecond,
# longer than the gap between two steps.  The default is far longer, so that on a busy machine
# spinning threads keep the processor from the threads that they wait for.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

_EXACT = {"contract", "nsz"}
_SUMS = {"contract", "nsz", "reassoc"}

parallel = kernels.kernel(parallel=True, fastmath=_EXACT)
exact = kernels.kernel(parallel=True, nogil=True)
inlined = kernels.helper(forceinline=True, fastmath=_EXACT)
inlined_sum = kernels.helper(forceinline=True, fastmath=_SUMS)
called = kernels.helper(fastmath=_EXACT)
helper = kernels.helper()

# Elements of a flat array that one thread processes at a time; small enough to stay in its cache.
BLOCK = 16384


@inlined
def kernel_ceil_div(a, b):
    """a / b rounded up, for b > 0: `convnet.arithmetic.ceil_div` for kernels."""
    return -(-a // b)
