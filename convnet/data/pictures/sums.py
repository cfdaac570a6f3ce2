"""Exact sums over images: the mean image, and the covariance of the pixels' colors (paper, 4.1).

They are integers, so the result does not depend on the order of the images or of the workers.
"""

import numpy as np

from convnet.data.pictures.square import SIDE


class Sums:
    """Sums over images of side x side pixels.

    images    number of images
    pixels    int64 (side, side, 3): sum over the images
    products  int64 (3, 3): sum of the products of two channels over all pixels
    """

    def __init__(self, side: int = SIDE):
        self.images = 0
        self.pixels = np.zeros((side, side, 3), np.int64)
        self.products = np.zeros((3, 3), np.int64)

    def add(self, image: np.ndarray) -> None:
        """Add an image, uint8 (side, side, 3)."""
        self.images += 1
        self.pixels += image
        # NumPy multiplies integers in a single thread.  Those of 32 bits are faster; they hold
        # products of 255 * 255 for each of up to 256 * 256 pixels.
        small = image.shape[0] * image.shape[1] <= SIDE**2
        colors = image.reshape(-1, 3).astype(np.uint32 if small else np.int64)
        self.products += (colors.T @ colors).astype(np.int64)

    def merge(self, other: "Sums") -> None:
        """Add the sums over other images."""
        self.images += other.images
        self.pixels += other.pixels
        self.products += other.products

    def mean_image(self) -> np.ndarray:
        """Return the mean of the images, float32 (3, side, side)."""
        mean = self.pixels.transpose(2, 0, 1) / self.images
        return np.ascontiguousarray(mean, np.float32)

    def principal_colors(self) -> tuple[list[float], list[list[float]]]:
        """Return the eigenvalues, largest first, and eigenvectors in columns, of the covariance.

        The largest entry of each eigenvector is positive.  All are rounded to 12 digits, so that
        they are the same on all machines.
        """
        pixels = self.images * self.pixels[..., 0].size
        # Python's integers: the difference of large products is exact.
        totals = [int(total) for total in self.pixels.sum(axis=(0, 1))]
        covariance = [
            [
                (int(self.products[i, j]) * pixels - totals[i] * totals[j]) / pixels**2
                for j in range(3)
            ]
            for i in range(3)
        ]
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = values[::-1], vectors[:, ::-1]
        vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), range(3)])
        return _rounded(values), [_rounded(row) for row in vectors]


def _rounded(numbers):
    return [float(f"{number:.12g}") for number in numbers]
