"""The built-in set `shapes`: colour images drawn on the fly, of any size and many classes.

A class is a figure, the texture that fills it and a pair of colours ("star, dots, red and
green"), so a net must see form, direction or frequency, and colour.  See `shapes_scene`.
"""

import math
import re

import numpy as np

from convnet.data import counter_rng
from convnet.data.dataset import Dataset, check_split
from convnet.data.datasets.shapes_paint import paint
from convnet.data.datasets.shapes_scene import COLOURS, FIGURES, TEXTURES, scenes
from convnet.errors import DataError

SIDES = (16, 512)
CLASSES = (2, len(FIGURES) * len(TEXTURES) * len(COLOURS))
_STATED = re.compile(r"(side|classes|train|test)=([1-9]\d{0,8})")
_MEAN_PIXELS = 1 << 24  # pixels that the mean image is taken over, at most


class Shapes(Dataset):
    """`classes` classes of 3 x side x side; every image is a function of (seed, split, index).

    Training and test images are drawn from different random numbers, so none is in both.  Case
    `i` is of class `i % classes`: the splits are balanced.  `train` and `test` state their sizes;
    default 12,800 and 1,280, or 64 and 5 per class if that is more.
    `name` may state numbers that come before the arguments: "shapes:side=40,train=2000".
    The mean image is taken over the first images only: 1,024, fewer above 128x128.
    """

    def __init__(
        self, side=32, classes=10, channels=3, seed=0, train=None, test=None, name="shapes"
    ):
        stated = _stated(name)
        side, classes = stated.get("side", side), stated.get("classes", classes)
        train, test = stated.get("train", train), stated.get("test", test)
        _check("side", side, SIDES)
        _check("classes", classes, CLASSES)
        if channels != 3:
            raise DataError(f"shapes has images of 3 channels, the network wants {channels}")
        self.name = name
        self.channels, self.side = channels, side
        self._seed = seed
        self._counts = {
            "train": train or max(12_800, 64 * classes),
            "test": test or max(1_280, 5 * classes),
        }
        self._kinds = _kinds(classes)
        self.class_names = tuple(
            f"{FIGURES[f]}, {TEXTURES[t]}, {' and '.join(COLOURS[c])}" for f, t, c in self._kinds
        )

    def count(self, split):
        check_split(split)
        return self._counts[split]

    def images(self, split, indices):
        check_split(split)
        indices = np.asarray(indices, np.int64)
        keys = counter_rng.bits(self._seed, 2 * indices + (split == "test"))
        images = np.empty((len(indices), 3, self.side, self.side), np.uint8)
        paint(scenes(keys, self._kinds[indices % self.classes], self.side), images)
        return images

    def labels(self, split, indices):
        check_split(split)
        return np.asarray(indices, np.int64) % self.classes

    def _mean_sample(self):
        wanted = max(64, min(1024, _MEAN_PIXELS // self.side**2))
        return np.arange(min(wanted, self.count("train")))


def _kinds(classes):
    """Figure, texture and colours of each class: int64 (classes, 3).

    About equally many of each, so that no one of them alone tells the classes apart.
    """
    textures = min(len(TEXTURES), math.ceil(round(classes ** (1 / 3), 9)))
    colours = min(len(COLOURS), math.ceil(math.sqrt(classes / textures)))
    number = np.arange(classes)
    return np.stack(
        [number // (textures * colours), number % textures, number // textures % colours], axis=1
    )


def _stated(name) -> dict[str, int]:
    """The numbers behind the colon."""
    items = name.partition(":")[2].split(",") if ":" in name else []
    matches = [_STATED.fullmatch(item) for item in items]
    if not all(matches):
        raise DataError(
            f"{name}: behind the colon stand numbers of side, classes, train and test (cases), as "
            "in shapes:side=40,train=2000"
        )
    return {match[1]: int(match[2]) for match in matches}


def _check(what, value, limits):
    low, high = limits
    if not low <= value <= high:
        raise DataError(f"shapes is drawn with {low} to {high:,} for {what}, not {value:,}")
