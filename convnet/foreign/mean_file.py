"""Mean images in .npy files."""

from pathlib import Path

import numpy as np

from convnet.display import harmless
from convnet.errors import DataError
from convnet.stored.arrays import Unfit, any_array
from convnet.stored.files import plain_file
from convnet.stored.records import damage

_LARGEST = 64 << 20  # bytes; an image of 3x2048x2048 float32 has 50 MB


def read_npy_mean(path: Path | str) -> np.ndarray:
    """Return the mean of a NumPy file, float64: (channels,) or (channels, rows, columns).

    DataError if it is damaged, too large, or holds no numbers.
    """
    with plain_file(path) as (file, size):
        if size > _LARGEST:
            raise DataError(f"{harmless(str(path))}: has {size:,} bytes; no mean image has so many")
        try:
            found = any_array(file, size)
        except Unfit as problem:
            raise DataError(damage(path, str(problem))) from None
    if found.dtype.kind not in "fiu":
        raise DataError(damage(path, f"expected numbers, found values of type {found.dtype}"))
    return np.asarray(found, np.float64)
