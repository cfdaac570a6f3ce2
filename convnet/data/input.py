"""The record of a network's input: made from a data set, and compared with another one."""

from collections.abc import Sequence

import numpy as np
from msgspec import structs

from convnet.data.dataset import Dataset
from convnet.data.pipeline.mean import mean_crop, named_mean
from convnet.display import harmless
from convnet.errors import DataError
from convnet.stored.input_record import LARGEST_MEAN, InputRecord

_SAME = 1e-3  # the largest difference of two means that is no difference, of 255
_SMALL = 2  # a crop of less than 1/2 of the side is reported


def input_of(dataset: Dataset, inner_size: int, mean: str | float | np.ndarray) -> InputRecord:
    """Return the record of an input that is made from a data set, without principal colors.

    mean: as in `FeedOptions`.  DataError if it is unknown or does not fit.
    """
    kind, number, image = _mean(dataset, inner_size, mean)
    return InputRecord(
        side=dataset.side,
        channels=dataset.channels,
        inner_size=inner_size,
        mean_kind=kind,
        mean_number=number,
        mean_image=image,
        scale=float(dataset.scale),
        color_order="RGB" if dataset.channels == 3 else "",
    )


def with_colors(record: InputRecord, colors: tuple[np.ndarray, np.ndarray]) -> InputRecord:
    """Return the record with principal colors: deviations (C,) and eigenvectors, in columns."""
    deviations, vectors = (np.asarray(array, np.float64).tolist() for array in colors)
    return structs.replace(
        record, color_deviations=tuple(deviations), color_vectors=tuple(map(tuple, vectors))
    )


def _mean(dataset, inner_size, mean) -> tuple[str, float, bytes | None]:
    """The kind of the mean, the number, and the bytes of the image, as `InputRecord` has them."""
    kind = "scalar" if isinstance(mean, str) and mean == "scalar" else "number"
    mean = named_mean(dataset, mean) if isinstance(mean, str) else mean
    crop = mean_crop(dataset, inner_size, mean)  # refuses what does not fit
    if np.ndim(mean) == 0:
        return kind, float(mean), None
    image = mean if 4 * np.size(mean) <= LARGEST_MEAN else crop
    return "image", 0.0, np.ascontiguousarray(image, "<f4").tobytes()


def describe_difference(
    record: InputRecord, class_names: Sequence[str], dataset: Dataset
) -> list[str]:
    """Return how a data set differs from the one of a record: a part of a sentence each.

    class_names: those that the network was trained with; () if they are not known.
    """
    found = []
    if record.channels != dataset.channels:
        found.append(f"images of {dataset.channels} channels, not {record.channels}")
    if record.side != dataset.side:
        found.append(f"images of {_square(dataset.side)} pixels, not {_square(record.side)}")
    if record.scale != float(dataset.scale):
        found.append(f"values to divide by {dataset.scale:.4g}, not {record.scale:.4g}")
    found += _mean_difference(record, dataset)
    return found + _class_difference(class_names, dataset.class_names)


def _mean_difference(record, dataset) -> list[str]:
    if record.channels != dataset.channels or record.mean_kind == "number":
        return []
    if record.mean_kind == "scalar":
        other = named_mean(dataset, "scalar")
        gap = abs(other - record.mean_number)
        return [f"a mean of {other:.4g}, not {record.mean_number:.4g}"] * (gap > _SAME)
    other = dataset.mean_image() * (float(dataset.scale) / record.scale)
    side = min(record.mean.shape[-1], dataset.side)
    gaps = np.abs(np.float64(_center(other, side)) - _center(record.mean, side))
    if not gaps.max() > _SAME:
        return []
    return [f"a mean image that differs by {gaps.mean():.3g} on average (at most {gaps.max():.3g})"]


def _center(image, side):
    start = (image.shape[-1] - side) // 2
    return image[:, start : start + side, start : start + side]


def _class_difference(before, now) -> list[str]:
    if not before or tuple(before) == tuple(now):
        return []
    if len(before) != len(now):
        return [f"{len(now):,} classes, not {len(before):,}"]
    wrong = [n for n in range(len(now)) if before[n] != now[n]]
    first = wrong[0]
    names = f"'{harmless(now[first])}', not '{harmless(before[first])}'"
    more = f" ({len(wrong):,} classes differ)" if len(wrong) > 1 else ""
    return [f"class {first} is {names}{more}"]


def network_input(record: InputRecord, images: np.ndarray) -> np.ndarray:
    """Return the central crops of images with the mean subtracted, as a test makes them.

    images: (cases, channels, S, S), S = record.side or record.inner_size.  Returns float32 (cases,
    channels, inner_size, inner_size).  DataError, with the shapes, for other images.
    """
    sides = dict.fromkeys([record.side, record.inner_size])
    shapes = [(record.channels, side, side) for side in sides]
    if images.ndim != 4 or images.shape[1:] not in shapes or images.dtype.kind not in "biuf":
        expected = " or ".join(f"(cases, {', '.join(map(str, shape))})" for shape in shapes)
        raise DataError(
            f"images have the shape {expected}, found an array of shape {images.shape} and type "
            f"{images.dtype}"
        )
    if not np.isfinite(images).all():
        raise DataError(f"the images, of shape {images.shape}, hold values that are not finite")
    border = (images.shape[2] - record.inner_size) // 2
    seen = slice(border, border + record.inner_size)
    crops = images[:, :, seen, seen].astype(np.float32) / np.float32(record.scale)
    mean = record.mean
    if isinstance(mean, np.ndarray):
        mean = _center(mean, record.inner_size)
    return crops - np.asarray(mean, np.float32)


def small_crop(dataset: Dataset, inner_size: int) -> str:
    """Return a warning if a network sees less than half of the side of the images; else ""."""
    if _SMALL * inner_size >= dataset.side:
        return ""
    share = (inner_size / dataset.side) ** 2
    return (
        f"warning: the network sees crops of {_square(inner_size)} of {dataset.name}'s images of "
        f"{_square(dataset.side)} pixels, {share:.1%} of an image. Choose a network for larger "
        "images (`convnet nets` lists them), other crops (--inner-size, --crop-border), or smaller "
        f"images ({dataset.other_sizes})"
    )


def _square(side: int) -> str:
    return f"{side}x{side}"
