"""The options of `convnet make-data`: the sources of a data set, and how it is made."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from convnet.data.pictures.square import SIDE
from convnet.errors import DataError
from convnet.make_data.picture import Jpeg


@dataclass
class MakeOptions:
    """The options by their names on the command line; see `convnet make-data --help`.

    train, val            archives or folders of images; val may be replaced by hold_out
    devkit, ground_truth  of ILSVRC; ground_truth replaces the validation labels of the kit
    words                 a file of WordNet ids and words
    hold_out              share of the training images of each class that become test images, or,
                          from 1 on, the number of all test images; 0 for none
    label_order           a key of `classes.ORDERS`
    name                  of the data set; by default that of `train`
    seed                  of the order of the images
    shard_images          images of a shard
    jpeg                  how the images are stored; its `side` is --size
    workers               number of processes
    """

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
        """Raise a DataError if a source is missing or the options do not fit together."""
        for path in self._paths().values():
            if not path.exists():
                raise DataError(f"{path}: no such file or folder")
            if not path.is_file() and not path.is_dir():
                raise DataError(f"{path}: is a pipe or a device, not a file or a folder")
        if (self.val is None) == (self.hold_out == 0):
            raise DataError(
                "a data set needs training and test images: give --val with the test images, or "
                "--hold-out with the share of the training images to hold out (such as 0.1)"
            )
        if self.ground_truth and not self.devkit:
            raise DataError(
                "--ground-truth holds ILSVRC ids: also give the --devkit that defines them"
            )

    def recorded(self) -> dict:
        """Return all that determines the contents, with the names of the sources only."""
        names = {key: path.name for key, path in self._paths().items()}
        # What is as earlier versions had it is not recorded, so that their sets can be continued.
        form: dict[str, int | str] = {} if self.jpeg.side == SIDE else {"size": self.jpeg.side}
        form |= {"upright": "yes"} if self.jpeg.upright else {}
        return (
            names
            | form
            | {
                "hold_out": self.hold_out,
                "label_order": self.label_order,
                "name": self.name or self.train.resolve().name,
                "seed": self.seed,
                "shard_images": self.shard_images,
                "quality": self.jpeg.quality,
                "chroma": self.jpeg.chroma,
            }
        )

    def stamps(self) -> dict:
        """Return the path of each source, with size and modification time if it is a file."""
        return {key: _stamp(path.resolve()) for key, path in self._paths().items()}

    def _paths(self):
        keys = ("train", "val", "devkit", "ground_truth", "words")
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}


def _stamp(path):
    """Return facts by which a change of a source is noticed."""
    status = os.stat(path)
    return [str(path)] if path.is_dir() else [str(path), status.st_size, status.st_mtime_ns]
