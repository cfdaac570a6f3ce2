"""The built-in set `shapes`: color images rendered on the fly, of any size and many classes.

A class is a figure, the texture that fills it and a pair of colors ("star, dots, red and green"),
so a network must recognize form, direction or frequency, and color.  See `shapes_scene`.
"""

import math
import re

import numpy as np

from convnet.data import counter_rng
from convnet.data.dataset import Dataset, Indices, check_split
from convnet.data.datasets.shapes_paint import paint
from convnet.data.datasets.shapes_scene import COLORS, FIGURES, TEXTURES, scenes
from convnet.display import harmless
from convnet.errors import DataError

SIDES = (16, 512)
CLASSES = (2, len(FIGURES) * len(TEXTURES) * len(COLORS))
_STATED = re.compile(r"(side|classes|train|test)=([1-9]\d{0,8})")
_MEAN_PIXELS = 1 << 24  # the largest number of pixels that the mean image is computed from


class Shapes(Dataset):
    """`classes` classes of 3 x side x side; every image is a function of (seed, split, index).

    Training and test images use different random numbers, so no image is in both.  Case `i` is of
    class `i % classes`, so the splits are balanced.  `train` and `test` are the sizes of the
    splits; by default 12,800 and 1,280, or 64 and 5 per class if that is more.
    Numbers in `name` override the arguments: "shapes:side=40,train=2000".
    The mean image is computed from the first images only: 1,024, fewer above 128x128.
    DataError for sizes out of range.
    """

    def __init__(
        self,
        side: int = 32,
        classes: int = 10,
        channels: int = 3,
        seed: int = 0,
        train: int | None = None,
        test: int | None = None,
        name: str = "shapes",
    ):
        stated = _stated(name)
        side, classes = stated.get("side", side), stated.get("classes", classes)
        train, test = stated.get("train", train), stated.get("test", test)
        _check("side", side, SIDES)
        _check("classes", classes, CLASSES)
        if channels != 3:
            raise DataError(f"shapes has images of 3 channels; the network expects {channels}")
        self.name = name
        self.channels, self.side = channels, side
        self._seed = seed
        self._counts = {
            "train": train or max(12_800, 64 * classes),
            "test": test or max(1_280, 5 * classes),
        }
        self._kinds = _kinds(classes)
        self.class_names = tuple(
            f"{FIGURES[f]}, {TEXTURES[t]}, {' and '.join(COLORS[c])}" for f, t, c in self._kinds
        )

    def count(self, split: str) -> int:
        check_split(split)
        return self._counts[split]

    def images(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        indices = np.asarray(indices, np.int64)
        keys = counter_rng.bits(self._seed, 2 * indices + (split == "test"))
        images = np.empty((len(indices), 3, self.side, self.side), np.uint8)
        paint(scenes(keys, self._kinds[indices % self.classes], self.side), images)
        return images

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        return np.asarray(indices, np.int64) % self.classes

    def _mean_sample(self):
        wanted = max(64, min(1024, _MEAN_PIXELS // self.side**2))
        return np.arange(min(wanted, self.count("train")))


def _kinds(classes):
    """Return figure, texture and colors of each class: int64 (classes, 3).

    There are about equally many of each, so no single one separates the classes.
    """
    textures = min(len(TEXTURES), math.ceil(round(classes ** (1 / 3), 9)))
    colors = min(len(COLORS), math.ceil(math.sqrt(classes / textures)))
    number = np.arange(classes)
    return np.stack(
        [number // (textures * colors), number % textures, number // textures % colors], axis=1
    )


def _stated(name) -> dict[str, int]:
    """Return the numbers after the colon of a name."""
    items = name.partition(":")[2].split(",") if ":" in name else []
    matches = [_STATED.fullmatch(item) for item in items]
    if not all(matches):
        raise DataError(
            f"{harmless(name)}: after the colon, set any of side, classes, train and test (numbers "
            "of cases) to a number, as in shapes:side=40,train=2000"
        )
    return {match[1]: int(match[2]) for match in matches}


def _check(what, value, limits):
    low, high = limits
    if not low <= value <= high:
        raise DataError(f"shapes supports {low} to {high:,} for {what}, not {value:,}")
