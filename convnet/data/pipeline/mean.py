"""What is subtracted from the pixels: the centre of a mean image, or a number."""

import numpy as np

from convnet.errors import DataError


def mean_crop(dataset, side, mean):
    """What is subtracted from a crop: float32 (channels, side, side).

    mean: as `Feed` takes it.
    """
    shape = (dataset.channels, side, side)
    if isinstance(mean, str):
        mean = _named_mean(dataset, mean)
    if np.ndim(mean) == 0:
        if not np.isfinite(mean):
            raise DataError(f"the number that is subtracted from the pixels is {mean}")
        return np.full(shape, mean, np.float32)
    whole = np.shape(mean)
    start = (whole[-1] - side) // 2
    if len(whole) != 3 or whole[0] != shape[0] or whole[1] != whole[2] or start < 0:
        raise DataError(
            f"a mean image of {_by(whole)} does not cover the {_by(shape)} that the network wants"
        )
    crop = np.asarray(mean)[:, start : start + side, start : start + side]
    return np.ascontiguousarray(crop, np.float32)


def _named_mean(dataset, name):
    if name == "none":
        return 0.0
    if name not in ("image", "scalar"):
        raise DataError(f"the mean is image, scalar, none or a number, not {name!r}")
    image = dataset.mean_image()
    return image if name == "image" else float(image.mean(dtype=np.float64))


def _by(sizes):
    return "x".join(map(str, sizes))
