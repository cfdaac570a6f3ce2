"""The built-in set `synthetic`: uniform noise with random labels, for timing and checks.

The original systems call it dummy data (docs/dialect.md, 9.2); no network can learn it.
"""

import re

import numpy as np

from convnet.arithmetic import ceil_div
from convnet.data import counter_rng
from convnet.data.dataset import Dataset, Indices, check_split
from convnet.display import harmless
from convnet.errors import DataError

_NAME = re.compile(r"synthetic(?::(\d+)x(\d+)x(\d+)x(\d+))?")
_COUNTS = {"train": 1280, "test": 256}
_LIMITS = (100_000, 4096, 4096)  # classes, channels, side


class Synthetic(Dataset):
    """Noise of any size.

    A size in `name` overrides the arguments: synthetic:1000x3x224x224 has 1000 classes and images
    of 3 channels, 224 pixels high and wide.  DataError for sizes out of range.
    """

    def __init__(
        self,
        name: str = "synthetic",
        classes: int = 10,
        channels: int = 3,
        side: int = 32,
        seed: int = 0,
    ):
        sizes = _sizes(name) or (classes, channels, side)
        if not all(1 <= size <= limit for size, limit in zip(sizes, _LIMITS, strict=True)):
            raise DataError(
                f"{name}: synthetic supports 1 to {_LIMITS[0]:,} classes, 1 to {_LIMITS[1]:,} "
                f"channels and a side of 1 to {_LIMITS[2]:,}"
            )
        self.name = name
        self.class_names = tuple(f"class {n}" for n in range(sizes[0]))
        self.channels, self.side = sizes[1:3]
        self._seed = seed

    def count(self, split: str) -> int:
        check_split(split)
        return _COUNTS[split]

    def images(self, split: str, indices: Indices) -> np.ndarray:
        shape = (self.channels, self.side, self.side)
        images = np.empty((len(indices), *shape), np.uint8)
        for image, key in zip(images, self._keys(split, indices), strict=True):
            words = np.random.Philox(key=int(key)).random_raw(ceil_div(image.size, 8))
            image[:] = words.view(np.uint8)[: image.size].reshape(shape)
        return images

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        return counter_rng.below(counter_rng.bits(0, self._keys(split, indices)), self.classes)

    def _keys(self, split, indices):
        check_split(split)
        return counter_rng.bits(self._seed, np.asarray(indices) * 2 + (split == "test"))

    def _mean_sample(self):
        return np.arange(128)


def _sizes(name):
    """Return the classes, channels and side in a name; None if there are none."""
    match = _NAME.fullmatch(name)
    if not match or match[3] != match[4]:
        raise DataError(
            f"{harmless(name)}: write synthetic:CLASSESxCHANNELSxSIDExSIDE, such as "
            "synthetic:1000x3x224x224, or synthetic alone"
        )
    return tuple(int(size) for size in match.groups()[:3]) if match[1] else None
