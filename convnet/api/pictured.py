"""What `Net.predict` takes for images, as a data set: files, Pillow's images, and arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from convnet.data.dataset import Dataset
from convnet.data.decoder import gray_square
from convnet.data.pictures.square import central_square
from convnet.errors import DataError
from convnet.network.given_arrays import checked_array
from convnet.predict.find import find_pictures, shown
from convnet.predict.pictures import SPLIT, Blank, Pictures, array_pictures, refuse_pictures
from convnet.stored.input_record import InputRecord

FilePath = str | os.PathLike[str]
Picture = FilePath | Image.Image | npt.NDArray[Any]
Pictured = Picture | Sequence[Picture]
_PATHS = (str, os.PathLike)
_COLORS = (1, 3, 4)  # channels of an array of one picture: gray, RGB, RGB with opacity


def _is_picture(image: Any) -> bool:
    """Return whether something can only be one image, or a path of images."""
    if isinstance(image, np.ndarray):
        return image.ndim == 2 or (image.ndim == 3 and image.shape[-1] in _COLORS)
    return isinstance(image, (*_PATHS, Image.Image))


def data_set_of(images: Any, record: InputRecord, blank: Blank) -> Dataset:
    """Return images as a data set, with the cases in its split `SPLIT`.

    images: as `Net.predict` takes them.  record: of the network's input.  DataError, with what was
    found and expected, for anything else, and for files that are not there.
    """
    is_one = _is_picture(images)
    if isinstance(images, np.ndarray) and not is_one:
        return array_pictures(_batch(checked_array("images", images), record), blank)
    refuse_pictures(record)
    given = [images] if is_one or not isinstance(images, Sequence) else images
    wrong = [_described(each) for each in given if not _is_picture(each)]
    if not given:
        raise DataError("there are no images: an empty sequence")
    if wrong:
        raise DataError(
            "images are paths, Pillow's images or arrays of one picture, (rows, columns) or (rows, "
            f"columns, channels); found {wrong[0]}"
        )
    if all(isinstance(each, _PATHS) for each in given):
        return _files([Path(each) for each in given], record, blank)
    squares = np.concatenate([_squares(each, record, blank) for each in given])
    return array_pictures(squares, blank)


def _described(thing: Any) -> str:
    shape = f" of shape {thing.shape}" if isinstance(thing, np.ndarray) else ""
    return f"{type(thing).__name__}{shape}"


def _files(paths: list[Path], record: InputRecord, blank: Blank) -> Pictures:
    found = find_pictures(paths)
    if found.skipped:
        path, why = found.skipped[0]
        raise DataError(f"{shown(path)}: {why}")
    if not found.files:
        raise DataError(f"{', '.join(map(shown, paths[:3]))}: there are no images there")
    return Pictures(found, record, blank)


def refuse_unreadable(dataset: Dataset) -> None:
    """Raise DataError, with its name, if a file turned out not to be an image."""
    if isinstance(dataset, Pictures) and dataset.unreadable:
        case = min(dataset.unreadable)
        raise DataError(f"{dataset.where(SPLIT, case)}: {dataset.unreadable[case]}")


def _squares(given: Any, record: InputRecord, blank: Blank) -> np.ndarray:
    """Return one picture, or those of a path: uint8 (pictures, channels, side, side)."""
    if isinstance(given, _PATHS):
        files = _files([Path(given)], record, blank)
        squares = files.images(SPLIT, range(files.count(SPLIT)))
        refuse_unreadable(files)
        return squares
    picture = given if isinstance(given, Image.Image) else _as_picture(given)
    # A copy: scaling may decode a file that Pillow has opened to another size.
    square = central_square(picture.copy(), record.side, upright=True)
    pixels = gray_square(square) if record.channels == 1 else np.asarray(square)
    return np.moveaxis(pixels, 2, 0)[np.newaxis]


def _as_picture(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8:
        raise DataError(
            f"an array of one picture, of shape {array.shape}, is of type uint8 with values 0 to "
            f"255, found {array.dtype}; images of other types are given as (cases, channels, rows, "
            "columns)"
        )
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)


def _batch(array: np.ndarray, record: InputRecord) -> np.ndarray:
    """Return images of the data set's size or the crop's, divided by the record's scale."""
    sides = dict.fromkeys([record.side, record.inner_size])
    shapes = [(record.channels, side, side) for side in sides]
    if array.ndim != 4 or array.shape[1:] not in shapes:
        expected = " or ".join(f"(cases, {', '.join(map(str, shape))})" for shape in shapes)
        raise DataError(
            f"images have the shape {expected}, or are one picture of (rows, columns) or (rows, "
            f"columns, channels) in uint8; found an array of shape {array.shape} and type "
            f"{array.dtype}"
        )
    if not len(array):
        raise DataError(f"there are no images: the array has the shape {array.shape}")
    if array.dtype == np.uint8 and record.scale == 1:
        return array
    return array.astype(np.float32) / np.float32(record.scale)
