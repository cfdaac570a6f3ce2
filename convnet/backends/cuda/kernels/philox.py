"""Random numbers by Philox4x32-10 (Salmon et al., 2011), bit for bit those of the CPU engine.

`random` is always a uint32 array [seed_lo, seed_hi, stream, step_lo, step_hi, 0].
"""

import numpy as np

from convnet.backends.cuda.jit import device_function, uint32

_LOW = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)
_UNUSED_BITS = np.uint64(8)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)


@device_function
def words(group, random):
    """Return the four words, uint64 below 2**32, of elements 4*group .. 4*group + 3."""
    c0, c1 = np.uint64(group) & _LOW, np.uint64(random[2])
    c2, c3 = np.uint64(random[3]), np.uint64(random[4])
    k0, k1 = np.uint64(random[0]), np.uint64(random[1])
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


@device_function
def uniform(word):
    """Return the number of a word in [0, 1): (word >> 8) * 2**-24."""
    return np.float32(uint32(word >> _UNUSED_BITS)) * np.float32(2.0**-24)
