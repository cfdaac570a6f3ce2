"""PCA color augmentation (paper, 4.1; docs/dialect.md, 9.2: --color-noise)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from convnet.data import counter_rng

SAMPLE = 1000  # the largest number of training images that the covariance is computed from
_CHUNK = 25


def principal_colors(
    images: Callable[[np.ndarray], np.ndarray], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return standard deviations (C,) and eigenvectors (C, C), in columns, of the pixels' colors.

    images(indices): images 0..count-1 as an array (n, C, side, side).  All pixels of `SAMPLE`
    evenly spaced images are used, or of all images if there are fewer.
    """
    indices = np.arange(min(count, SAMPLE)) * count // min(count, SAMPLE)
    pixels, total, products = 0, 0.0, 0.0
    for start in range(0, len(indices), _CHUNK):
        chunk = images(indices[start : start + _CHUNK])
        colors = np.moveaxis(chunk, 1, 0).reshape(chunk.shape[1], -1).astype(np.float64)
        pixels += colors.shape[1]
        total = total + colors.sum(axis=1)
        products = products + colors @ colors.T
    mean = total / pixels
    values, vectors = np.linalg.eigh(products / pixels - np.outer(mean, mean))
    return np.sqrt(np.maximum(values, 0)), vectors


class ColorNoise:
    """Shifts the colors of each image: (pixel + c·E·a) / (1 + c), where a ~ N(0,1)·deviations.

    strength: c.  deviations (C,); vectors E (C, C) with the eigenvectors in columns.  The shift is
    a pure function of the seed, the stream, the epoch and the image.
    """

    def __init__(
        self,
        strength: float,
        deviations: np.ndarray,
        vectors: np.ndarray,
        seed: int,
        stream: int,
    ):
        self.strength, self._seed, self._stream = strength, seed, stream
        self.factor = 1 / (1 + strength)
        self._scaled = np.asarray(vectors, np.float64) * np.asarray(deviations, np.float64)

    def shifts(self, epoch: int, indices: ArrayLike) -> np.ndarray:
        """Return c·E·a for each image: float32 (C, cases)."""
        channels = np.arange(self._scaled.shape[1])[:, np.newaxis]
        bits = [
            counter_rng.bits(self._seed, self._stream, epoch, indices, 2 * channels + k)
            for k in (0, 1)
        ]
        # Not a matrix product: BLAS may sum in another order for another number of images.
        parts = self._scaled.T[:, :, np.newaxis] * counter_rng.normal(*bits)[:, np.newaxis]
        return np.float32(self.strength * sum(parts))
