"""What a network of another framework expects of an image, as our record and our first weights.

It computes its input as (pixel / scale - mean) / deviation, with pixels 0 to 255.  Here the input
is pixel - mean · scale, and the first weights are divided by scale · deviation.  The mean stays a
subtraction, and is not folded into the biases, because the zeros that pad an image stand for
pixels of the mean in both: folded, they would stand for black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convnet.errors import ConvnetError
from convnet.foreign.fitting import Fit
from convnet.foreign.targets import Target, reads_pixels
from convnet.layers.conv import Convolution
from convnet.stored.input_record import LARGEST_MEAN, InputRecord

Numbers = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ForeignInput:
    """How another framework makes the input of a network.

    mean: numbers for red, green and blue, or an image (channels, rows, columns) whose channels are
    in the order of the network; None for 0.  deviation: numbers for red, green and blue; None for
    1.  Both are in units of pixel / scale.  order: of the network's channels, "RGB" or "BGR".
    """

    mean: Numbers | np.ndarray | None = None
    deviation: Numbers | None = None
    scale: float = 1.0
    order: str = "RGB"


PRESETS = {
    "torchvision": ForeignInput((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 255.0),
    "caffe": ForeignInput((123.0, 117.0, 104.0), order="BGR"),
}
"""What torchvision's classifiers and Caffe's expect (of Caffe the mean of each channel)."""


def fold(given: ForeignInput, fits: Sequence[Fit], arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """Bring the weights of the layers that read pixels to pixels 0 to 255, red first.

    arrays: of the fits; the weights are replaced.  Returns the names of the layers with the number
    of channels that they read.  ConvnetError if that is not the number of values given.
    """
    found = {}
    for target in (target for fit in fits for target in fit.targets):
        for index, source in enumerate(target.sources):
            if reads_pixels(source):
                name = f"{target.name}.weights.{index}"
                arrays[name] = _folded(given, target, source.channels, arrays[name])
                found[target.name] = source.channels
    return found


def _folded(given: ForeignInput, target: Target, channels: int, weights: np.ndarray) -> np.ndarray:
    if target.groups != 1:
        raise ConvnetError(f"{target.name}: reads the pixels in groups; one group was expected")
    factors = 1 / (given.scale * _numbers(given.deviation or (1.0,), channels, "deviations"))
    if isinstance(target.node.layer, Convolution):
        parts = weights.reshape(1, channels, -1)
    else:
        parts = weights.reshape(len(weights), channels, -1)
    if given.order == "BGR" and channels == 3:
        parts = parts[:, ::-1]
    return (parts * factors[:, None]).astype(np.float32).reshape(weights.shape)


def record_of_input(given: ForeignInput, channels: int, inner: int, side: int) -> InputRecord:
    """Return the record of an input: images of `side`, crops of `inner` pixels a side.

    ConvnetError if the mean does not fit the images.
    """
    mean = _mean(given, channels, inner)
    if mean.ndim == 1 and (mean == mean[0]).all():
        mean = mean[:1].reshape(())
    elif mean.ndim == 1:
        kept = side if 4 * channels * side**2 <= LARGEST_MEAN else inner
        mean = np.broadcast_to(mean[:, None, None], (channels, kept, kept))
    is_image = mean.ndim == 3
    return InputRecord(
        side=side,
        channels=channels,
        inner_size=inner,
        mean_kind="image" if is_image else "number",
        mean_number=0.0 if is_image else float(mean),
        mean_image=np.ascontiguousarray(mean, "<f4").tobytes() if is_image else None,
        color_order="RGB" if channels == 3 else "",
    )


def _mean(given: ForeignInput, channels: int, inner: int) -> np.ndarray:
    """The mean in units of pixels, red first: (), (channels,) or (channels, S, S), float64."""
    mean = given.mean
    if mean is None:
        return np.zeros(())
    if not isinstance(mean, np.ndarray):
        return _numbers(mean, channels, "means") * given.scale
    image = np.asarray(mean, np.float64)
    fits = image.shape == (channels,) or (image.ndim == 3 and len(image) == channels)
    square = image.ndim == 1 or image.shape[1] == image.shape[2] >= inner
    if not fits or not square or not np.isfinite(image).all():
        found = "x".join(map(str, image.shape)) or "one number"
        raise ConvnetError(
            f"the mean image has the shape {found}; expected {channels} finite numbers, or "
            f"{channels}xSxS of them with S at least {inner}, the side of the network's images"
        )
    if 4 * image.size > LARGEST_MEAN:
        start = (image.shape[1] - inner) // 2
        image = image[:, start : start + inner, start : start + inner]
    return (image[::-1] if given.order == "BGR" and channels == 3 else image) * given.scale


def _numbers(values: Numbers, channels: int, what: str) -> np.ndarray:
    if len(values) not in (1, channels):
        raise ConvnetError(
            f"{len(values)} {what} for images of {channels} channels; give 1 or {channels}"
        )
    return np.broadcast_to(np.array(values, np.float64), (channels,))
