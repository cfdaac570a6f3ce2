"""Published images converted to the JPEGs that a shard holds."""

import io

import numpy as np
import pytest
from PIL import Image

from convnet.make_data.picture import Jpeg, make_picture
from convnet.make_data.sums import Sums
from tests.support.imagenet_archives import (
    CONVERTED,
    SKIPPED,
    encoded,
    picture,
    png_bomb,
    troublemakers,
)


def decoded(jpeg):
    image = Image.open(io.BytesIO(jpeg))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (256, 256))
    assert not image.info.get("progressive")
    return np.asarray(image)


@pytest.mark.parametrize(("width", "height"), [(500, 375), (375, 500), (256, 256), (90, 60)])
def test_shorter_side_to_256_and_the_centre_of_it(width, height):
    """Against the two steps of the paper, one after the other."""
    image = picture(1, width, height)
    made = make_picture(encoded(image, "PNG"), Jpeg(quality=100))
    scale = 256 / min(width, height)
    larger = image.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
    left, top = (larger.width - 256) / 2, (larger.height - 256) / 2
    whole = np.asarray(larger, float)
    expected = whole[int(top) : int(top) + 256, int(left) : int(left) + 256]
    difference = np.abs(decoded(made.jpeg) - expected)
    assert difference.mean() < 1
    assert difference.max() < 8


def test_no_shift():
    """The centre of a symmetric image stays in the centre, to a fraction of a grey level."""
    ramp = np.tile(np.linspace(0, 255, 401), (300, 1))
    image = Image.fromarray(np.repeat(ramp[:, :, None], 3, axis=2).round().astype(np.uint8))
    row = decoded(make_picture(encoded(image, "PNG"), Jpeg(quality=100)).jpeg)[128, :, 0]
    assert abs(row.astype(float) + row[::-1] - 255).mean() < 1


def test_a_large_photograph_is_the_same_as_scaled_at_once():
    """Large JPEGs are decoded at a fraction of their size first."""
    image = picture(3, 1700, 1300)
    at_once = make_picture(encoded(image, "PNG"), Jpeg()).pixels.astype(float)
    drafted = make_picture(encoded(image, quality=98), Jpeg()).pixels
    assert np.abs(at_once - drafted).mean() < 1


@pytest.mark.parametrize("name", CONVERTED)
def test_odd_images_are_converted(name):
    made = make_picture(troublemakers()[name], Jpeg())
    assert made.remark == CONVERTED[name]
    expected = make_picture(encoded(picture(77), "PNG"), Jpeg()).pixels.astype(float)
    if name == "grey.JPEG":
        expected = np.repeat(expected @ [[0.299], [0.587], [0.114]], 3, axis=2)
    assert np.abs(decoded(made.jpeg) - expected).mean() < 8


@pytest.mark.parametrize("name", SKIPPED)
def test_what_is_no_image_is_skipped(name):
    made = make_picture(troublemakers()[name], Jpeg())
    assert made.jpeg is None
    assert made.remark.partition(":")[0] == SKIPPED[name]
    assert len(made.remark) > len(SKIPPED[name]) + 5


def test_an_image_of_a_hundred_million_pixels_is_too_large():
    made = make_picture(png_bomb(10_001, 10_000), Jpeg())
    assert made.remark == "too large: 10001x10000 pixels"


def test_nothing_but_pixels_is_stored():
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    plain = encoded(picture(4))
    odd = encoded(picture(4), comment=b"hello", exif=exif, icc_profile=b"profile", dpi=(300, 300))
    assert make_picture(odd, Jpeg()).jpeg == make_picture(plain, Jpeg()).jpeg
    assert make_picture(plain, Jpeg()).remark == ""


def test_quality_and_chroma():
    data = encoded(picture(5), "PNG")
    sizes = [len(make_picture(data, Jpeg(q, c)).jpeg) for q, c in
             [(92, "4:4:4"), (92, "4:2:0"), (50, "4:4:4")]]  # fmt: skip
    assert sizes[1] < sizes[0] > sizes[2]


def test_sums_are_exact_and_know_no_order():
    random = np.random.default_rng(2)
    images = random.integers(0, 256, (5, 256, 256, 3), np.uint8)
    images[0] = 255
    sums, parts = Sums(), [Sums(), Sums()]
    for i, image in enumerate(images):
        sums.add(image)
        parts[i % 2].add(image)
    parts[1].merge(parts[0])
    whole = images.astype(np.int64).reshape(-1, 3)
    np.testing.assert_array_equal(sums.products, whole.T @ whole)
    np.testing.assert_array_equal(parts[1].products, sums.products)
    np.testing.assert_array_equal(parts[1].pixels, images.sum(axis=0, dtype=np.int64))
    values, vectors = np.array(sums.principal_colors()[0]), np.array(sums.principal_colors()[1])
    covariance = np.cov(whole.T, bias=True)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, covariance, rtol=1e-9)
    assert sums.mean_image().shape == (3, 256, 256)
    np.testing.assert_allclose(sums.mean_image(), images.mean(axis=0).transpose(2, 0, 1), rtol=1e-6)
