"""The kernels that arrange images, against NumPy, bit for bit; other memory stays untouched."""

import numpy as np
import pytest

from convnet.data.canvas import packed
from convnet.data.pipeline.arrange import BLOCK, arrange

UNTOUCHED, FACTOR = 7.0, np.float32(1 / 1.1)


def case(images, side):
    """Return pixels of images, and how they are cropped."""
    random = np.random.default_rng(images * 1000 + side)
    pixels = random.integers(0, 256, (images, side + 5, side + 5, 4), np.uint8)
    starts = random.integers(0, 6, (images, 2))
    flips = random.random(images) < 0.5
    mean = random.uniform(0, 255, (3, side, side)).astype(np.float32)
    shifts = random.normal(size=(images, 3)).astype(np.float32).T  # strided, as in workers
    return pixels, starts, flips, mean, shifts


def slow(pixels, starts, flips, mean, shifts):
    """(3, side, side, images), image by image."""
    side, found = len(mean[0]), []
    for image, (y, x), flip, shift in zip(pixels, starts, flips, shifts.T, strict=True):
        crop = image[y : y + side, x : x + side, :3].transpose(2, 0, 1).astype(np.float32)
        crop = crop[:, :, ::-1] if flip else crop
        found.append((crop - mean + shift[:, np.newaxis, np.newaxis]) * FACTOR)
    return np.stack(found, axis=-1)


@pytest.mark.parametrize("form", ["packed", "planes"])
@pytest.mark.parametrize(
    ("images", "side", "first", "cases"),
    [
        (1, 24, 0, 1),
        (7, 9, 0, 7),
        (8, 8, 8, 16),
        (13, 3, 0, 13),
        (13, 20, 2, 40),
        (16, 17, 16, 32),
        (BLOCK + 9, 25, 8, BLOCK + 24),
    ],
)
def test_images_go_to_their_columns(images, side, first, cases, form):
    pixels, *crop, shifts = case(images, side)
    planes = np.ascontiguousarray(np.moveaxis(pixels[..., :3], 3, 1))
    given = packed(pixels) if form == "packed" else planes
    out = np.full((3, side, side, cases), UNTOUCHED, np.float32)
    arrange(given, *crop, out, shifts, FACTOR, first)
    last = first + images
    np.testing.assert_array_equal(out[..., first:last], slow(pixels, *crop, shifts))
    assert (out[..., :first] == UNTOUCHED).all() and (out[..., last:] == UNTOUCHED).all()


def test_memory_that_is_not_aligned():
    pixels, *crop, shifts = case(16, 16)
    memory = np.empty(3 * 16**3 + 1, np.float32)
    for shift in (0, 1):
        out = memory[shift : shift + 3 * 16**3].reshape(3, 16, 16, 16)
        arrange(packed(pixels), *crop, out, shifts, FACTOR)
        np.testing.assert_array_equal(out, slow(pixels, *crop, shifts))
