"""Data sets of JPEG images, decoded when they are wanted: here, or in worker processes."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convnet.data.byte_range import read_pieces
from convnet.data.canvas import packed
from convnet.data.dataset import Dataset, Loan
from convnet.data.jpeg import Undecodable, decode_pieces
from convnet.errors import DataError


class EncodedDataset(Dataset):
    """RGB images of `side` x `side`, stored as JPEG in pieces of files.

    files     the files that images lie in, in a fixed order
    converts  whether grey images and such of other colours are taken too
    """

    files: Sequence[Path]
    converts = False

    @abstractmethod
    def places(self, split: str, indices) -> np.ndarray:
        """Where images lie: their file's number in `files`, offset, bytes; int64 (cases, 3)."""

    @abstractmethod
    def where(self, split: str, index: int) -> str:
        """The file and the name of an image, for messages."""

    def encoded(self, split: str, indices) -> list[bytes]:
        """The JPEG files at `indices`, undecoded.  DataError."""
        return read_pieces(self.files, self.places(split, indices))

    def damaged(self, split: str, index: int, problem: str) -> DataError:
        return DataError(f"{self.where(split, index)}: {problem}; the file is damaged")

    def images(self, split, indices):
        pixels = self._decoded(split, indices)
        return np.ascontiguousarray(np.moveaxis(pixels[..., :3], 3, 1))

    def lend(self, split, indices):
        if self.workers is not None:
            return self.workers.decode(split, indices)
        return Loan(lambda: packed(self._decoded(split, indices)))

    def _decoded(self, split, indices):
        pixels = np.empty((len(indices), self.side, self.side, 4), np.uint8)
        try:
            decode_pieces(self.files, self.places(split, indices), pixels, self.converts)
        except Undecodable as problem:
            raise self.damaged(split, indices[problem.number], str(problem)) from None
        return pixels
