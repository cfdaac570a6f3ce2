"""Binary codes: packed bits, the nearest by Hamming distance, and codes from random planes."""

import numpy as np

from convnet.arithmetic import ceil_div

_WORD = 64
_BLOCK = 4096


def packed(values: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Return codes uint64 (cases, words): bit i of a case is 1 if value i exceeds the threshold."""
    words = ceil_div(values.shape[1], _WORD)
    codes = np.zeros((len(values), 8 * words), np.uint8)
    for first in range(0, len(values), _BLOCK):
        bits = np.packbits(values[first : first + _BLOCK] > threshold, axis=1)
        codes[first : first + _BLOCK, : bits.shape[1]] = bits
    return codes.view(np.uint64)


def nearest_codes(query: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the `count` codes (cases, words) nearest to `query` (words,).

    The nearest comes first; of equal distances the lower index.
    """
    distances = hamming(query, codes)
    reached = np.cumsum(np.bincount(distances))
    limit = np.searchsorted(reached, min(count, len(codes)))
    near = np.flatnonzero(distances <= limit)
    return near[np.argsort(distances[near], kind="stable")][:count]


def hamming(query: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the number of bits in which each code differs from the query: int64 (cases,)."""
    total = np.zeros(len(codes), np.int64)
    for word, wanted in zip(codes.T, query, strict=True):
        total += np.bitwise_count(word ^ wanted)
    return total


def random_codes(vectors: np.ndarray, mean: np.ndarray, bits: int, seed: int = 0) -> np.ndarray:
    """Return codes from random planes through `mean`, as a baseline for learned ones.

    Bit i states on which side of plane i a vector lies.  M. Charikar: Similarity estimation
    techniques from rounding algorithms, 2002.
    """
    planes = np.random.default_rng(seed).standard_normal((len(mean), bits), np.float32)
    blocks = range(0, len(vectors), _BLOCK)
    return np.concatenate([packed((vectors[i : i + _BLOCK] - mean) @ planes, 0.0) for i in blocks])
