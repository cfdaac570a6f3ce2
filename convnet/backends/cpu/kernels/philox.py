"""Philox4x32-10, the counter-based random numbers of Salmon et al. (2011, "Random123").

A number depends only on its key and counter, so all backends and any number of threads draw the
same numbers.  For element e of a flat array, key = (seed_lo, seed_hi) and counter =
(e // 4, stream, step_lo, step_hi); the element's word is number e % 4 of the four.

`random` is a uint32 array [seed_lo, seed_hi, stream, step_lo, step_hi, 0].
"""

import numpy as np

from convnet.backends.cpu.jit import inlined

# 32-bit words are kept in 64-bit integers: the products need them, and Numba widens anyway.
_LOW = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Return the four random words of counter (c0..c3) and key (k0, k1), as uint64 below 2**32."""
    for _ in range(10):
        p0, p1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (p1 >> _WORD) ^ c1 ^ k0,
            p1 & _LOW,
            (p0 >> _WORD) ^ c3 ^ k1,
            p0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@inlined
def words(group, random):
    """Return the words of elements 4*group .. 4*group + 3."""
    return philox(
        np.uint64(group) & _LOW,
        np.uint64(random[2]),
        np.uint64(random[3]),
        np.uint64(random[4]),
        np.uint64(random[0]),
        np.uint64(random[1]),
    )
