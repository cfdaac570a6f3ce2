"""Binary codes: packed bits, the nearest by Hamming distance, and codes from random directions."""

import numpy as np

_WORD = 64
_BLOCK = 4096


def packed(values: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Codes uint64 (cases, words): bit i of a case says whether value i is above the threshold."""
    words = -(-values.shape[1] // _WORD)
    codes = np.zeros((len(values), 8 * words), np.uint8)
    for first in range(0, len(values), _BLOCK):
        bits = np.packbits(values[first : first + _BLOCK] > threshold, axis=1)
        codes[first : first + _BLOCK, : bits.shape[1]] = bits
    return codes.view(np.uint64)


def nearest_codes(query: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` codes (cases, words) nearest to one (words,), the nearest first.

    Equal distances: the lower index first.
    """
    distances = hamming(query, codes)
    reached = np.cumsum(np.bincount(distances))
    limit = np.searchsorted(reached, min(count, len(codes)))
    near = np.flatnonzero(distances <= limit)
    return near[np.argsort(distances[near], kind="stable")][:count]


def hamming(query: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Bits in which each code differs from the query: int64 (cases,)."""
    total = np.zeros(len(codes), np.int64)
    for word, wanted in zip(codes.T, query, strict=True):
        total += np.bitwise_count(word ^ wanted)
    return total


def random_codes(vectors, mean: np.ndarray, bits: int, seed: int = 0) -> np.ndarray:
    """Codes that learned ones are measured against: sides of random planes through the mean.

    (M. Charikar: Similarity estimation techniques from rounding algorithms, 2002.)
    """
    planes = np.random.default_rng(seed).standard_normal((len(mean), bits), np.float32)
    blocks = range(0, len(vectors), _BLOCK)
    return np.concatenate([packed((vectors[i : i + _BLOCK] - mean) @ planes, 0.0) for i in blocks])
