"""Exact sums over images: the mean image, and the covariance of the pixels' colours (paper, 4.1).

Whole numbers only, so the order of the images and of the workers leaves no trace.
"""

import numpy as np

SIDE = 256


class Sums:
    """images   their number
    pixels   int64 (256, 256, 3): sum over the images
    products int64 (3, 3): sum of the products of two colours over all pixels
    """

    def __init__(self):
        self.images = 0
        self.pixels = np.zeros((SIDE, SIDE, 3), np.int64)
        self.products = np.zeros((3, 3), np.int64)

    def add(self, image: np.ndarray) -> None:
        """image: uint8 (256, 256, 3)."""
        self.images += 1
        self.pixels += image
        # 255 * 255 * 256 * 256 < 2**32; NumPy multiplies whole numbers in this thread alone.
        colours = image.reshape(-1, 3).astype(np.uint32)
        self.products += (colours.T @ colours).astype(np.int64)

    def merge(self, other: "Sums") -> None:
        self.images += other.images
        self.pixels += other.pixels
        self.products += other.products

    def mean_image(self) -> np.ndarray:
        """float32 (3, 256, 256)."""
        mean = self.pixels.transpose(2, 0, 1) / self.images
        return np.ascontiguousarray(mean, np.float32)

    def principal_colours(self) -> tuple[list[float], list[list[float]]]:
        """Eigenvalues, largest first, and eigenvectors in columns, each with its largest entry
        positive; in 12 digits, which all machines agree on."""
        pixels = self.images * SIDE * SIDE
        # Python's whole numbers: the difference of large products is taken without rounding.
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
