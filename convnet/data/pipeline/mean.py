"""What is subtracted from the pixels: the center of a mean image, or a number."""

import numpy as np

from convnet.data.dataset import Dataset
from convnet.errors import DataError


def mean_crop(dataset: Dataset, side: int, mean: str | float | np.ndarray) -> np.ndarray:
    """Return what is subtracted from a crop: float32 (channels, side, side).

    mean: as in `FeedOptions`.  DataError if it is unknown, not finite or too small.
    """
    shape = (dataset.channels, side, side)
    if isinstance(mean, str):
        mean = named_mean(dataset, mean)
    if np.ndim(mean) == 0:
        if not abs(mean) <= float(np.finfo(np.float32).max):
            raise DataError(f"the number to subtract from the pixels must be finite, not {mean}")
        return np.full(shape, mean, np.float32)
    found = np.shape(mean)
    start = (found[-1] - side) // 2
    if len(found) != 3 or found[0] != shape[0] or found[1] != found[2] or start < 0:
        raise DataError(
            f"a mean image of {_by(found)} does not cover the {_by(shape)} that the network expects"
        )
    if not np.isfinite(mean).all():
        raise DataError(
            f"the mean image of {dataset.name} holds values that are not finite: make the data "
            "again"
        )
    crop = np.asarray(mean)[:, start : start + side, start : start + side]
    return np.ascontiguousarray(crop, np.float32)


def named_mean(dataset: Dataset, name: str) -> float | np.ndarray:
    """Return what "image", "scalar" or "none" stands for.  DataError for another name."""
    if name == "none":
        return 0.0
    if name not in ("image", "scalar"):
        raise DataError(f"the mean must be image, scalar, none or a number, not {name!r}")
    image = dataset.mean_image()
    return image if name == "image" else float(image.mean(dtype=np.float64))


def _by(sizes):
    return "x".join(map(str, sizes))
