"""Makes small archives and folders of exactly the structure that ImageNet is published in."""

import io
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, width=48, height=36) -> Image.Image:
    """A smooth colour image that differs from all others."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form="JPEG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def wnid(label: int) -> str:
    """WordNet ids of made-up classes, sorted as the labels are."""
    return f"n{1440764 + 1000 * label:08}"


def write_tree(folder: Path, classes: int, images: int, first: int = 0) -> Path:
    """folder/<wnid>/<wnid>_<i>.JPEG, `images` of each class; `first` varies the contents."""
    for label in range(classes):
        (folder / wnid(label)).mkdir(parents=True)
        for i in range(first, first + images):
            file = folder / wnid(label) / f"{wnid(label)}_{i}.JPEG"
            file.write_bytes(encoded(picture(1000 * label + i)))
    return folder
