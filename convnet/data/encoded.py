"""Data sets of encoded images, decoded on demand: in this process or in worker processes."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

import numpy as np

from convnet.data.byte_range import check_crc, read_byte_ranges
from convnet.data.canvas import packed
from convnet.data.dataset import Borrowed, Dataset, Indices
from convnet.data.decoder import Decoder
from convnet.data.jpeg import Undecodable
from convnet.errors import DataError


class EncodedDataset(Dataset):
    """RGB images of `side` x `side`, decoded from byte ranges of files.

    They are JPEGs of that size, unless `decoder` says otherwise.

    files     the files that hold the images, in a fixed order
    converts  whether grayscale images and images in other color spaces are accepted
    """

    files: Sequence[Path | str]
    converts = False

    @cached_property
    def decoder(self) -> Decoder:
        """How the images are decoded, in this process or another."""
        return Decoder([str(path) for path in self.files], self.side, self.converts)

    @abstractmethod
    def places(self, split: str, indices: Indices) -> np.ndarray:
        """Return the byte ranges of images: int64 (cases, 4).

        The columns are position in `files`, offset, size, and CRC-32 or `UNKNOWN_CRC`.
        """

    @abstractmethod
    def where(self, split: str, index: int) -> str:
        """Return the file and the name of an image, for messages."""

    def encoded(self, split: str, indices: Indices) -> list[bytes]:
        """Return the JPEG files at `indices`, undecoded.

        DataError if one cannot be read or has another CRC-32 than the one stored.
        """
        places = self.places(split, indices)
        files = read_byte_ranges(self.files, places[:, :3])
        for index, file, crc in zip(indices, files, places[:, 3].tolist(), strict=True):
            try:
                check_crc(file, crc)
            except ValueError as problem:
                raise self.damaged(split, index, str(problem)) from None
        return files

    def damaged(self, split: str, index: int, problem: str) -> DataError:
        """Return the error for an image that cannot be decoded."""
        return DataError(
            f"{self.where(split, index)}: {problem}; the file is damaged, restore it from a copy"
        )

    def images(self, split: str, indices: Indices) -> np.ndarray:
        pixels = self._decoded(split, indices)
        return np.ascontiguousarray(np.moveaxis(pixels[..., :3], 3, 1))

    def borrow(self, split: str, indices: Indices) -> AbstractContextManager[np.ndarray]:
        if self.workers is not None:
            return self.workers.decode(split, indices)
        return Borrowed(lambda: packed(self._decoded(split, indices)))

    def _decoded(self, split, indices):
        pixels = np.empty((len(indices), self.side, self.side, 4), np.uint8)
        try:
            self.decoder.decode(self.places(split, indices), pixels)
        except Undecodable as problem:
            raise self.damaged(split, indices[problem.index], str(problem)) from None
        return pixels
