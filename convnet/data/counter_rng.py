"""Random numbers as a pure function of a seed and counters: no generator, no state.

Any image, crop or epoch can so be drawn alone, in any order and by any thread.  The mixing is
SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
"""

import numpy as np

GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)

# What the random bits of a data set are for: the first counter, so that no two uses share any.
ORDER, CROP_Y, CROP_X, FLIP, COLOUR = range(5)


def bits(seed: int, *counters) -> np.ndarray:
    """64 random bits for each value of the counters (integers >= 0 or arrays, broadcast)."""
    state = _mix(np.asarray([seed % 2**64], np.uint64))
    for counter in counters:
        state = _mix(state ^ np.asarray(counter).astype(np.uint64))
    return state


def uniform(random_bits) -> np.ndarray:
    """Random bits as float64 in [0, 1)."""
    return (random_bits >> np.uint64(11)) * 2.0**-53


def below(random_bits, limit: int) -> np.ndarray:
    """Random bits as int64 in 0..limit-1, for limits up to 2**31."""
    return ((random_bits >> np.uint64(32)) * np.uint64(limit) >> np.uint64(32)).astype(np.int64)


def normal(first_bits, second_bits) -> np.ndarray:
    """N(0,1) as float64, one for each pair of random bits (Box and Muller, 1958)."""
    radius = np.sqrt(-2 * np.log(1 - uniform(first_bits)))
    return radius * np.cos(2 * np.pi * uniform(second_bits))


def order(count: int, seed: int, *counters: int) -> np.ndarray:
    """A permutation of 0..count-1 that depends on the seed and the counters alone.

    Sorting random keys, unlike a library's shuffle, is the same in every version of NumPy.
    """
    return np.argsort(bits(seed, *counters, np.arange(count)), kind="stable")


def _mix(z):
    z = z + GAMMA
    z = (z ^ (z >> np.uint64(30))) * MIX_1
    z = (z ^ (z >> np.uint64(27))) * MIX_2
    return z ^ (z >> np.uint64(31))
