"""The built-in set `synthetic`: uniform noise with random labels, for timing and checks.

What the originals call dummy data (dialect, 9.2): no net can learn it.
"""

import re

import numpy as np

from convnet.data import counter_rng
from convnet.data.dataset import Dataset, check_split
from convnet.errors import DataError

_NAME = re.compile(r"synthetic(?::(\d+)x(\d+)x(\d+)x(\d+))?")
_COUNTS = {"train": 1280, "test": 256}
_MOST = (100_000, 4096, 4096)  # classes, channels, side


class Synthetic(Dataset):
    """Noise of any size.  `name` may state it: synthetic:1000x3x224x224 is 1000 classes of 3
    channels, 224 high and wide; otherwise `classes`, `channels` and `side` do."""

    def __init__(self, name="synthetic", classes=10, channels=3, side=32, seed=0):
        sizes = _sizes(name) or (classes, channels, side)
        if not all(1 <= size <= most for size, most in zip(sizes, _MOST, strict=True)):
            raise DataError(
                f"{name}: synthetic has 1 to {_MOST[0]:,} classes, 1 to {_MOST[1]:,} channels and "
                f"a side of 1 to {_MOST[2]:,}"
            )
        self.name = name
        self.class_names = tuple(f"class {n}" for n in range(sizes[0]))
        self.channels, self.side = sizes[1:3]
        self._seed = seed

    def count(self, split):
        check_split(split)
        return _COUNTS[split]

    def images(self, split, indices):
        shape = (self.channels, self.side, self.side)
        images = np.empty((len(indices), *shape), np.uint8)
        for image, key in zip(images, self._keys(split, indices), strict=True):
            words = np.random.Philox(key=int(key)).random_raw(-(-image.size // 8))
            image[:] = words.view(np.uint8)[: image.size].reshape(shape)
        return images

    def labels(self, split, indices):
        return counter_rng.below(counter_rng.bits(0, self._keys(split, indices)), self.classes)

    def _keys(self, split, indices):
        check_split(split)
        return counter_rng.bits(self._seed, np.asarray(indices) * 2 + (split == "test"))

    def _mean_sample(self):
        return np.arange(128)


def _sizes(name):
    """Classes, channels and side that a name states; None if it states none."""
    match = _NAME.fullmatch(name)
    if not match or match[3] != match[4]:
        raise DataError(
            f"{name}: write synthetic:CLASSESxCHANNELSxSIDExSIDE, such as "
            "synthetic:1000x3x224x224, or synthetic alone"
        )
    return tuple(int(size) for size in match.groups()[:3]) if match[1] else None
