"""How each image of a minibatch is cropped, mirrored and shifted in color."""

from typing import NamedTuple

import numpy as np


class Crops(NamedTuple):
    """One crop of each of n images.

    starts  upper left corners (y, x) in pixels, int64 (n, 2)
    flips   which crops are mirrored left to right, bool (n,)
    shifts  what is added to each channel, float32 (channels, n); None for nothing
    """

    starts: np.ndarray
    flips: np.ndarray
    shifts: np.ndarray | None
