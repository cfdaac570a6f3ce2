"""Images of a user as a data set without labels: files of any size and format, or arrays."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from convnet.data.byte_range import UNKNOWN_CRC, read_byte_range
from convnet.data.canvas import packed
from convnet.data.dataset import ArrayDataset, Dataset, Indices, check_split
from convnet.data.decoder import Decoder, is_decoded
from convnet.data.encoded import EncodedDataset
from convnet.errors import ConvnetError, DataError
from convnet.graph.graph import Graph
from convnet.layers.data import Data
from convnet.predict.find import Found, find_pictures, shown
from convnet.stored.input_record import InputRecord

SPLIT = "test"  # the one that has the images


@dataclass(frozen=True)
class Blank:
    """The data that a network reads besides images, and that predictions do not depend on.

    class_names  as many as a matrix of one-hot labels has rows
    targets      values a case in the place of labels; None for labels
    """

    class_names: tuple[str, ...] = ("0",)
    targets: int | None = None

    @classmethod
    def of(cls, graph: Graph) -> "Blank":
        """Return what the data layers of a graph read."""
        rows = {n.layer.data_idx: n.layer.rows for n in graph.nodes if isinstance(n.layer, Data)}
        if rows.get(1, 1) > 1:
            return cls((), rows[1])
        return cls(tuple(map(str, range(rows.get(2, 1)))))


class Pictures(EncodedDataset):
    """Image files as squares of the size that a network was trained with.

    Each is decoded when it is needed, turned upright as its EXIF orientation says, scaled so that
    its shorter side fits, and cropped to the central square; gray and color are converted to what
    the network has.  Its cases are in the order of the files, in the split `SPLIT`.

    unreadable: the reason for each case that turned out not to be an image; its pixels are 0.

    DataError unless the input record is of images of one or three channels.
    """

    name = "the pictures"

    def __init__(self, found: Found, record: InputRecord, blank: Blank):
        refuse_pictures(record)
        self.files, self._sizes = found.files, np.array(found.sizes, np.int64)
        self.side, self.channels = record.side, record.channels
        self.class_names, self.targets = blank.class_names, blank.targets
        self.unreadable: dict[int, str] = {}

    @cached_property
    def decoder(self) -> Decoder:
        files, is_gray = [str(path) for path in self.files], self.channels == 1
        return Decoder(files, self.side, scales=True, gray=is_gray, skips=True)

    def count(self, split: str) -> int:
        check_split(split)
        return len(self.files) if split == SPLIT else 0

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        return np.zeros(len(indices), np.int64)

    def target_matrix(self, split: str, indices: Indices) -> np.ndarray:
        return np.zeros((self.targets or 1, len(indices)))

    def places(self, split: str, indices: Indices) -> np.ndarray:
        indices = np.asarray(indices, np.int64)
        zeros = np.zeros_like(indices)
        return np.stack([indices, zeros, self._sizes[indices], zeros + UNKNOWN_CRC], axis=1)

    def where(self, split: str, index: int) -> str:
        return shown(self.files[index])

    def images(self, split: str, indices: Indices) -> np.ndarray:
        pixels = self._decoded(split, indices)[..., : self.channels]
        return np.ascontiguousarray(np.moveaxis(pixels, 3, 1))

    def borrow(self, split: str, indices: Indices) -> AbstractContextManager[np.ndarray]:
        borrowed = super().borrow(split, indices)
        if self.workers is None:
            return borrowed  # made by `_decoded`
        return _Noted(borrowed, partial(self._note, np.asarray(indices)))

    def _decoded(self, split: str, indices: Indices) -> np.ndarray:
        pixels = np.empty((len(indices), self.side, self.side, 4), np.uint8)
        self.decoder.decode(self.places(split, indices), pixels)
        self._note(np.asarray(indices), packed(pixels))
        return pixels

    def _note(self, indices: np.ndarray, images: np.ndarray) -> None:
        """Remember which of the images could not be decoded, and why."""
        for index in indices[~is_decoded(images)].tolist():
            self.unreadable[index] = self._why(index)

    def _why(self, index: int) -> str:
        """Decode a file once more, for the reason why it cannot be decoded."""
        try:
            data = read_byte_range(self.files[index], 0, int(self._sizes[index]))
            self.decoder.decode_picture(data, np.empty((1, 1, 4), np.uint8))
        except (ValueError, DataError) as problem:
            return str(problem).removeprefix(f"{self.where(SPLIT, index)}: ")
        return "changed while it was read"


class _Noted(AbstractContextManager[np.ndarray]):
    """Borrowed images that are looked at first.  Like them it may be left without being entered."""

    def __init__(
        self, borrowed: AbstractContextManager[np.ndarray], look: Callable[[np.ndarray], None]
    ):
        self._borrowed, self._look = borrowed, look

    def __enter__(self) -> np.ndarray:
        images = self._borrowed.__enter__()
        self._look(images)
        return images

    def __exit__(self, *problem: Any) -> bool | None:
        return self._borrowed.__exit__(*problem)


def array_pictures(images: np.ndarray, blank: Blank) -> Dataset:
    """Return a data set of images in memory, (cases, channels, S, S), in the split `SPLIT`."""
    of_splits = {"train": images[:0], SPLIT: images}
    labels = {split: _no_labels(len(array), blank) for split, array in of_splits.items()}
    return ArrayDataset("the images", blank.class_names, of_splits, labels)


def _no_labels(cases: int, blank: Blank) -> np.ndarray:
    if blank.targets:
        return np.zeros((blank.targets, cases), np.float32)
    return np.zeros(cases, np.int64)


def picture_squares(record: InputRecord, paths: Iterable[Path]) -> np.ndarray:
    """Return image files as squares: uint8 (cases, channels, S, S), S the record's side.

    `convnet.data.input.network_input` makes the network's input of them.  paths: files or folders,
    as `find_pictures` takes them.  DataError for the first of them that cannot be read.
    """
    found = find_pictures(paths)
    pictures = Pictures(found, record, Blank())
    images = pictures.images(SPLIT, range(len(found.files)))
    skipped = [*found.skipped, *((found.files[k], v) for k, v in pictures.unreadable.items())]
    if skipped:
        path, why = skipped[0]
        raise DataError(f"{shown(path)}: {why}")
    return images


def refuse_pictures(record: InputRecord) -> None:
    """Raise DataError if a network's input is not made of images."""
    if record.channels not in (1, 3) or record.scale != 1:
        what = f"{record.channels} channels" if record.scale == 1 else "scaled values"
        raise DataError(
            f"the network was trained on data of {what}, not on gray or RGB images; give arrays "
            "as in its data set to `Net.predict`"
        )


def record_of(record: InputRecord | None, where: str) -> InputRecord:
    """Return a network's input record.  ConvnetError if it has none."""
    if record is None:
        raise ConvnetError(
            f"{where}: has no record of how its input is made of an image (it is older, or "
            "imported); checkpoints that `convnet train --resume` saves have one"
        )
    return record
