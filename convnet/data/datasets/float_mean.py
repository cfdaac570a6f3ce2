"""Which mean to subtract from images that are stored as floating-point numbers.

The original programs subtract `data_mean`, whatever the images hold (docs/dialect.md, 9.2).  Of
images whose mean was subtracted when they were whitened it would be subtracted twice.
"""

import numpy as np

_SAMPLE = 2000  # the largest number of images that are looked at
_SMALL = 0.01  # a squared mean below this share of the variance is none


def fitting_mean(images: np.ndarray, stored: np.ndarray | None) -> tuple[np.ndarray, str]:
    """Return the mean to subtract, float32 (channels, side, side), and a line that says which.

    images: float32 (cases, channels, side, side), for training.  stored: `data_mean`, or None.

    It is the stored mean if that is nearer to the mean of the images than 0 is.  Otherwise nothing
    is subtracted from images whose mean is near 0, and from others their own mean.
    """
    count = len(images)
    wanted = min(count, _SAMPLE)
    sample = images[np.arange(wanted) * count // wanted].astype(np.float64)
    own = sample.mean(axis=0)
    variance = np.square(sample - own).mean()
    square = np.square(own).mean()
    low, high = float(images.min()), float(images.max())
    values = f"its images hold values from {low:.4g} to {high:.4g}"
    if stored is not None and np.square(stored - own).mean() <= square:
        return stored, f"{values}; its data_mean is subtracted"
    unfit = "" if stored is None else "its data_mean is not their mean, and is not subtracted: "
    if square <= variance * (_SMALL + 4 / wanted):
        return np.zeros_like(own, np.float32), (
            f"{values}; {unfit}their mean is 0 already, so nothing is subtracted"
        )
    mean = images.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean, f"{values}; {unfit}the mean of the training images is subtracted"
