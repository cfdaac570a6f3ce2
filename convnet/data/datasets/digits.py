"""The built-in set `digits`: 1,797 real handwritten digits, 8x8, packaged with the project.

Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning
Repository, 1998, CC BY 4.0, DOI 10.24432/C50P49 (see digits.LICENCE.txt).
"""

from pathlib import Path

import numpy as np

from convnet.data.dataset import ArrayDataset

_FILE = Path(__file__).with_name("digits.npz")
_DARKEST = 16  # the largest stored value: all pixels of a 4x4 block are dark
_TEST_EVERY = 6


class Digits(ArrayDataset):
    """Ten classes, 1x8x8; every sixth image of each digit, in file order, is a test image.

    The file is ordered by writer, so both splits have every writer and digit.
    """

    mirrors = False

    def __init__(self):
        with np.load(_FILE, allow_pickle=False) as stored:
            counts, labels = stored["images"], stored["labels"]
        images = np.rint(counts * (255 / _DARKEST)).astype(np.uint8)[:, np.newaxis]
        test = _is_test(labels)
        super().__init__(
            "digits",
            [str(digit) for digit in range(10)],
            {"train": images[~test], "test": images[test]},
            {"train": labels[~test], "test": labels[test]},
        )


def _is_test(labels):
    test = np.zeros(len(labels), bool)
    for digit in range(10):
        test[np.flatnonzero(labels == digit)[_TEST_EVERY - 1 :: _TEST_EVERY]] = True
    return test
