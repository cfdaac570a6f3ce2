"""What turns an image into a network's input, as checkpoints store it (docs/training.md).

An image of `side` x `side` is cropped to `inner_size`, its values are divided by `scale`, and the
mean is subtracted.  The record makes a test independent of the data set that lies beside it.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt

LARGEST_MEAN = 32 << 20  # bytes of a mean image (3x1672x1672); that of 3x256x256 takes 0.8 MB

Size = Annotated[int, msgspec.Meta(ge=1, le=1 << 24)]


class InputRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How a network's input is made of an image.

    side              height and width of the data set's images, pixels
    channels          channels of an image
    inner_size        height and width of the crop that the network gets
    mean_kind         "image"; "scalar", the mean of the mean image; or "number", a number that was
                      chosen
    mean_number       what is subtracted from every value; not used for "image"
    mean_image        for "image", the mean image: float32, little-endian, (channels, S, S); a crop
                      takes its center.  S is `side`, or `inner_size` where that would exceed
                      LARGEST_MEAN.
    scale             what stored values are divided by; 1 for images
    color_order       the order of three channels; "" for another number of channels
    color_deviations  (C,) standard deviations along the principal colors, if color noise is added
    color_vectors     (C, C) rows of the matrix whose columns are those colors
    """

    side: Size
    channels: Size
    inner_size: Size
    mean_kind: Literal["image", "scalar", "number"]
    mean_number: float = 0.0
    mean_image: Annotated[bytes, msgspec.Meta(max_length=LARGEST_MEAN)] | None = None
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    color_order: Literal["RGB", ""] = ""
    color_deviations: tuple[float, ...] | None = None
    color_vectors: tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        if self.inner_size > self.side:
            raise ValueError(f"a crop of {self.inner_size} out of images of {self.side} pixels")
        if not math.isfinite(self.mean_number) or not math.isfinite(self.scale):
            raise ValueError("the mean or the scale is not finite")
        if (self.mean_kind == "image") != (self.mean_image is not None):
            raise ValueError(
                f"mean_kind is {self.mean_kind}; if and only if it is image, there is a mean image"
            )
        if self.mean_image is not None:
            self._check_mean_image(self.mean_image)
        if (self.color_deviations is None) != (self.color_vectors is None):
            raise ValueError("color_deviations and color_vectors need each other")
        if self.color_deviations is not None and self.color_vectors is not None:
            self._check_colors(self.color_deviations, self.color_vectors)

    def _check_mean_image(self, stored: bytes) -> None:
        side = _mean_side(stored, self.channels)
        if not side or 4 * self.channels * side**2 != len(stored):
            raise ValueError(f"a mean image of {len(stored)} bytes for {self.channels} channels")
        if not np.isfinite(np.frombuffer(stored, "<f4")).all():
            raise ValueError("the mean image holds values that are not finite")

    def _check_colors(
        self, deviations: tuple[float, ...], vectors: tuple[tuple[float, ...], ...]
    ) -> None:
        count = self.channels
        good = len(deviations) == len(vectors) == count and all(len(v) == count for v in vectors)
        numbers = [*deviations, *(number for row in vectors for number in row)]
        if not good or not all(map(math.isfinite, numbers)):
            raise ValueError(f"the colors are not {count} deviations and {count}x{count} vectors")

    @property
    def is_storable(self) -> bool:
        """Whether the record is small enough for a checkpoint."""
        return len(self.mean_image or b"") <= LARGEST_MEAN

    @property
    def mean(self) -> float | npt.NDArray[np.float32]:
        """What is subtracted: a number, or the mean image, float32 (channels, S, S)."""
        if self.mean_image is None:
            return self.mean_number
        side = _mean_side(self.mean_image, self.channels)
        return np.frombuffer(self.mean_image, "<f4").reshape(self.channels, side, side)

    @property
    def color_pca(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Standard deviations (C,) and eigenvectors (C, C), in columns; None without noise."""
        if self.color_deviations is None:
            return None
        return np.array(self.color_deviations), np.array(self.color_vectors)


def _mean_side(stored: bytes, channels: int) -> int:
    return math.isqrt(len(stored) // (4 * channels))
