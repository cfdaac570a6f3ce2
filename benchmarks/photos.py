"""Pictures as hard to decode as photographs: shapes under noise with a photograph's spectrum.

The amplitude is such that `make-data` stores them in the 31 kB that ImageNet's images take.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from convnet.data.datasets.shapes import Shapes

SIDE = 256
_AMPLITUDE = 6.0  # of the noise in brightness, standard deviation in gray levels
_COLOR = 1.0  # and in each color


def write_photos(folder: Path, images: int, classes: int = 4) -> Path:
    """folder/<class>/<number>.png, class by class in turn."""
    pictures = Shapes(side=SIDE * 3 // 8, classes=classes).images("train", np.arange(images))
    random = np.random.default_rng(0)
    for number, picture in enumerate(pictures):
        path = folder / f"class{number % classes}" / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = _noise(random, _AMPLITUDE)[..., np.newaxis]
        noise = noise + np.stack([_noise(random, _COLOR) for _ in range(3)], axis=-1)
        # Enlarged, since the shapes' own noise differs from pixel to pixel, as photographs do not.
        large = Image.fromarray(np.moveaxis(picture, 0, -1)).resize((SIDE, SIDE))
        pixels = np.clip(np.asarray(large) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path, compress_level=1)
    return folder


def _noise(random, amplitude):
    """Power falls with the square of the frequency or so, as in photographs (SIDE, SIDE)."""
    rows, columns = np.fft.fftfreq(SIDE)[:, np.newaxis], np.fft.rfftfreq(SIDE)
    squares = rows**2 + columns**2
    squares[0, 0] = 1
    phases = np.exp(2j * np.pi * random.random(squares.shape))
    noise = np.fft.irfft2(squares**-0.6 * phases, (SIDE, SIDE))
    return noise * (amplitude / noise.std())
