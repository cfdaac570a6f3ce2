"""The colours of a training set, and noise along them (paper, 4.1; dialect, 9.2: --color-noise)."""

import numpy as np

from convnet.data import counter_rng

SAMPLE = 1000  # training images whose pixels the covariance is taken over, at most
_CHUNK = 25


def principal_colours(dataset) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (C,) and eigenvectors (C, C), in columns, of the pixels' colours.

    Of all pixels of `SAMPLE` training images, evenly spread, or of all if there are fewer.
    """
    count = dataset.count("train")
    indices = np.arange(min(count, SAMPLE)) * count // min(count, SAMPLE)
    pixels, total, products = 0, 0.0, 0.0
    for start in range(0, len(indices), _CHUNK):
        images = dataset.images("train", indices[start : start + _CHUNK])
        colours = np.moveaxis(images, 1, 0).reshape(dataset.channels, -1).astype(np.float64)
        pixels += colours.shape[1]
        total = total + colours.sum(axis=1)
        products = products + colours @ colours.T
    mean = total / pixels
    values, vectors = np.linalg.eigh(products / pixels - np.outer(mean, mean))
    return np.sqrt(np.maximum(values, 0)), vectors


class ColourNoise:
    """Shifts the colours of each image: pixel + c·E·a, all divided by 1 + c, a ~ N(0,1)·deviations.

    deviations (C,), vectors (C, C) with the eigenvectors in columns.  What is added is a pure
    function of the seed, the stream, the epoch and the image.
    """

    def __init__(self, strength: float, deviations, vectors, seed: int, stream: int):
        self.strength, self._seed, self._stream = strength, seed, stream
        self.factor = 1 / (1 + strength)
        self._scaled = np.asarray(vectors, np.float64) * np.asarray(deviations, np.float64)

    def shifts(self, epoch: int, indices) -> np.ndarray:
        """c·E·a of each image: float32 (C, cases)."""
        channels = np.arange(self._scaled.shape[1])[:, np.newaxis]
        bits = [
            counter_rng.bits(self._seed, self._stream, epoch, indices, 2 * channels + k)
            for k in (0, 1)
        ]
        # Not a matrix product: BLAS may add in another order for another number of images.
        parts = self._scaled.T[:, :, np.newaxis] * counter_rng.normal(*bits)[:, np.newaxis]
        return np.float32(self.strength * sum(parts))
