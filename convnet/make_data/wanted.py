"""What the user asks for: of what to make a data set, and how."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from convnet.errors import DataError
from convnet.make_data.picture import Jpeg


@dataclass
class Wanted:
    """The names are those of the command line; see `convnet make-data --help`."""

    train: Path
    val: Path | None = None
    devkit: Path | None = None
    ground_truth: Path | None = None
    words: Path | None = None
    hold_out: float = 0.0
    label_order: str = "wnid"
    name: str | None = None
    seed: int = 0
    shard_images: int = 6144  # about 200 MB
    jpeg: Jpeg = field(default_factory=Jpeg)
    workers: int = 1

    def check(self) -> None:
        for path in self._paths().values():
            if not path.exists():
                raise DataError(f"{path}: there is no such file or folder")
        if (self.val is None) == (self.hold_out == 0):
            raise DataError(
                "a data set has training and test images: give --val with the test images, or "
                "--hold-out with the share of the training images to put aside (such as 0.1)"
            )
        if self.ground_truth and not self.devkit:
            raise DataError("--ground-truth holds ILSVRC ids: give the --devkit that has them")

    def options(self) -> dict:
        """All that decides on the contents, without the places where the sources lie."""
        names = {key: path.name for key, path in self._paths().items()}
        return names | {
            "hold_out": self.hold_out,
            "label_order": self.label_order,
            "name": self.name or self.train.resolve().name,
            "seed": self.seed,
            "shard_images": self.shard_images,
            "quality": self.jpeg.quality,
            "chroma": self.jpeg.chroma,
        }

    def stamps(self) -> dict:
        """Where the sources lie, and size and time of those that are files."""
        return {key: _stamp(path.resolve()) for key, path in self._paths().items()}

    def _paths(self):
        keys = ("train", "val", "devkit", "ground_truth", "words")
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}


def _stamp(path):
    status = os.stat(path)
    return [str(path)] if path.is_dir() else [str(path), status.st_size, status.st_mtime_ns]
