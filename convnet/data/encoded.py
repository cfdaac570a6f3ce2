"""Data sets of JPEG images, decoded when they are wanted: here, or in worker processes."""

from abc import abstractmethod

import numpy as np

from convnet.data.dataset import Dataset, Loan
from convnet.data.jpeg import decode_into
from convnet.errors import DataError


class EncodedDataset(Dataset):
    """RGB images of `side` x `side`, stored as JPEG."""

    @property
    @abstractmethod
    def reopening(self) -> dict:
        """Arguments with which `open_dataset` opens the set in another process, as JSON has it."""

    @abstractmethod
    def encoded(self, split: str, indices) -> list[bytes]:
        """The JPEG files at `indices`, undecoded."""

    @abstractmethod
    def where(self, split: str, index: int) -> str:
        """The file and the name of an image, for messages."""

    def decode(self, split: str, indices, pixels: np.ndarray) -> None:
        """Decode the images at `indices` into pixels: uint8 (cases, side, side, 4).  DataError."""
        files = self.encoded(split, indices)
        for page, index, file in zip(pixels, indices, files, strict=True):
            try:
                decode_into(file, page)
            except ValueError as problem:
                where = self.where(split, index)
                raise DataError(f"{where}: {problem}; the file is damaged") from None

    def images(self, split, indices):
        pixels = self._decoded(split, indices)
        return np.ascontiguousarray(np.moveaxis(pixels[..., :3], 3, 1))

    def lend(self, split, indices):
        if self.workers is not None:
            return self.workers.ask(split, indices)
        return Loan(lambda: packed(self._decoded(split, indices)))

    def _decoded(self, split, indices):
        pixels = np.empty((len(indices), self.side, self.side, 4), np.uint8)
        self.decode(split, indices, pixels)
        return pixels


def packed(pixels: np.ndarray) -> np.ndarray:
    """Pixels as numbers: uint8 (cases, side, side, 4) -> uint32 (cases, side, side)."""
    return pixels.view("<u4")[..., 0]
