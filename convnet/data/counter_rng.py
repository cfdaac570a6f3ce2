"""Counter-based random numbers: a pure function of a seed and counters, without state.

So any image, crop or epoch can be sampled alone, in any order and by any thread.  The mixing is
SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
"""

import numpy as np
from numpy.typing import ArrayLike

GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)

# The first counter says what the random bits of a data set are for, so no two uses share bits.
ORDER, CROP_Y, CROP_X, FLIP, COLOR = range(5)


def bits(seed: int, *counters: ArrayLike) -> np.ndarray:
    """Return 64 random bits, uint64, for each value of the counters.

    counters: integers >= 0, or arrays of them, which are broadcast.
    """
    state = _mix(np.asarray([seed % 2**64], np.uint64))
    for counter in counters:
        state = _mix(state ^ np.asarray(counter).astype(np.uint64))
    return state


def uniform(random_bits: np.ndarray) -> np.ndarray:
    """Convert random bits to float64 in [0, 1)."""
    return (random_bits >> np.uint64(11)) * 2.0**-53


def below(random_bits: np.ndarray, limit: int) -> np.ndarray:
    """Convert random bits to int64 in 0..limit-1, for limits up to 2**31."""
    return ((random_bits >> np.uint64(32)) * np.uint64(limit) >> np.uint64(32)).astype(np.int64)


def normal(first_bits: np.ndarray, second_bits: np.ndarray) -> np.ndarray:
    """Convert pairs of random bits to float64 from N(0,1) (Box and Muller, 1958)."""
    radius = np.sqrt(-2 * np.log(1 - uniform(first_bits)))
    return radius * np.cos(2 * np.pi * uniform(second_bits))


def order(count: int, seed: int, *counters: int) -> np.ndarray:
    """Return a permutation of 0..count-1 that depends on the seed and the counters alone.

    It sorts random keys: unlike a library's shuffle, that is the same in every version of NumPy.
    """
    return np.argsort(bits(seed, *counters, np.arange(count)), kind="stable")


def _mix(z):
    z = z + GAMMA
    z = (z ^ (z >> np.uint64(30))) * MIX_1
    z = (z ^ (z >> np.uint64(27))) * MIX_2
    return z ^ (z >> np.uint64(31))
