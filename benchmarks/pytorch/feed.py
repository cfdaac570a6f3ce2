"""The paper's augmentation as users of PyTorch have it: torchvision's transforms in a row.

torchvision itself is not needed: these do what RandomCrop, RandomHorizontalFlip and ToTensor do.
"""

import io

import numpy as np
import torch
from PIL import Image


class Photos(torch.utils.data.Dataset):
    """A made set's training images as (image, label); an image is float32 (3, side, side)."""

    def __init__(self, dataset, side: int, strength: float):
        self._dataset, self._side, self._strength = dataset, side, strength
        deviations, vectors = dataset.color_pca
        self._colors = torch.tensor(vectors * deviations / 255, dtype=torch.float32)
        border = (dataset.side - side) // 2
        mean = dataset.mean_image()[:, border : border + side, border : border + side]
        self._mean = torch.tensor(mean / 255)

    def __len__(self):
        return self._dataset.count("train")

    def __getitem__(self, index):
        (file,) = self._dataset.encoded("train", [index])
        image = Image.open(io.BytesIO(file)).convert("RGB")
        image = random_flip(random_crop(image, self._side))
        pixels = self._lit(to_tensor(image)) - self._mean
        return pixels, int(self._dataset.labels("train", [index])[0])

    def _lit(self, pixels):
        alpha = torch.normal(0.0, self._strength, (3,))
        return pixels + (self._colors @ alpha)[:, None, None]


def random_crop(image, side: int):
    top, left = (
        int(torch.randint(0, size - side + 1, (1,))) for size in (image.height, image.width)
    )
    return image.crop((left, top, left + side, top + side))


def random_flip(image):
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if torch.rand(1) < 0.5 else image


def to_tensor(image):
    pixels = torch.from_numpy(np.array(image, np.uint8, copy=True))
    return pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)
