"""Folders of pictures, as users have them."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("ant", "bee", "cow")


def pixels(number: int, width: int = 40, height: int = 30) -> np.ndarray:
    """Return smooth noise, uint8 (height, width, 3), another for each number."""
    random = np.random.default_rng(number)
    small = random.integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def write_picture(path: Path, number: int, size: tuple[int, int] = (40, 30), **options) -> None:
    """Write a picture of noise; the path's ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(number, *size)).save(path, **options)


def write_classes(folder: Path, each: int, classes=CLASSES, ending="png", first: int = 0) -> Path:
    """Write folder/<class>/<n>.png, pictures of several sizes."""
    for label, name in enumerate(classes):
        for n in range(first, first + each):
            size = (40 + 3 * (n % 5), 30 + 2 * (n % 7))
            write_picture(folder / name / f"{n:03}.{ending}", 1000 * label + n, size)
    return folder
