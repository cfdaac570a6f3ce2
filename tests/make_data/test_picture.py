"""Published images converted to the JPEGs that a shard holds."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from convnet.data.pictures.square import central_square
from convnet.data.pictures.sums import Sums
from convnet.make_data.picture import Jpeg, make_picture
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
def test_shorter_side_to_256_and_the_center_of_it(width, height):
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
    """The center of a symmetric image stays in the center, to a fraction of a gray level."""
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
    if name == "gray.JPEG":
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


DEEP = np.arange(65536, dtype=np.uint16).reshape(256, 256)  # all values of 16 bits
UPPER = (DEEP >> 8).astype(np.uint8)


def png16(values, colors):
    """A PNG of 16 bits a value, which Pillow cannot write in color; values: (rows, columns, n)."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colors, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def netpbm(magic, values, most):
    return b"%s\n256 256\n%d\n" % (magic, most) + values.astype(">u2").tobytes()


def squared(data):
    """The pixels before they are compressed: the image has 256x256, so nothing is resampled."""
    return np.asarray(central_square(Image.open(io.BytesIO(data))))


TURNED = np.stack([DEEP, DEEP.T, DEEP[::-1]], axis=2)
OPAQUE = np.full((256, 256, 1), 65535, np.uint16)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "TIFF, big-endian", "PGM"])
def test_gray_of_16_bits_keeps_its_upper_half(form):
    data = {
        "PNG": lambda: png16(DEEP[..., None], 0),
        "TIFF": lambda: encoded(Image.fromarray(DEEP), "TIFF"),
        "TIFF, big-endian": lambda: encoded(Image.fromarray(DEEP.astype(">u2")), "TIFF"),
        "PGM": lambda: netpbm(b"P5", DEEP, 65535),
    }[form]()
    assert Image.open(io.BytesIO(data)).mode in ("I;16", "I;16B", "I")
    np.testing.assert_array_equal(squared(data), np.repeat(UPPER[..., None], 3, axis=2))


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("colors", [1, 3])
def test_color_of_16_bits_keeps_its_upper_half_as_gray_does(colors, alpha):
    values = TURNED[..., :colors]
    kind = {(1, False): 0, (3, False): 2, (1, True): 4, (3, True): 6}[colors, alpha]
    data = png16(np.concatenate([values, OPAQUE], axis=2) if alpha else values, kind)
    expected = np.broadcast_to(values >> 8, (256, 256, 3))
    np.testing.assert_array_equal(squared(data), expected)


def test_netpbm_is_scaled_from_its_largest_value():
    values = (DEEP % 1001).astype(np.uint16)
    for magic, found in ((b"P5", values), (b"P6", np.repeat(values[..., None], 3, axis=2))):
        pixels = squared(netpbm(magic, found, 1000))
        expected = np.broadcast_to(found.reshape(256, 256, -1) * (255 / 1000), (256, 256, 3))
        assert np.abs(pixels - expected).max() <= 1


def pfm(values):
    return b"Pf\n256 256\n-1.0\n" + values.astype("<f4")[::-1].tobytes()


def test_floats_are_0_to_1_or_0_to_255():
    gray = np.tile(np.arange(256, dtype=np.float32), (256, 1))
    expected = np.tile(np.arange(256, dtype=np.uint8)[:, None], (256, 1, 3))
    np.testing.assert_array_equal(squared(pfm(gray / 255)), expected)
    np.testing.assert_array_equal(squared(pfm(gray)), expected)
    for odd in (np.nan, -1, 256, np.inf):
        gray[3, 3] = odd
        made = make_picture(pfm(gray), Jpeg())
        assert made.jpeg is None
        assert made.remark.startswith("broken: its values are ")


def test_integers_beyond_16_bits_are_skipped():
    values = DEEP.astype(np.int32) - 1
    data = encoded(Image.fromarray(values), "TIFF")
    with pytest.raises(ValueError, match="its values are -1 to 65534, not 0 to 65535"):
        squared(data)


def test_dark_and_bright_pictures_of_16_bits_differ():
    dark, bright = (
        make_picture(png16(np.full((300, 400, 1), value, np.uint16), 0), Jpeg())
        for value in (10_000, 40_000)
    )
    assert dark.remark == "a PNG, grey of 16 bits"
    assert abs(int(dark.pixels.mean()) - 39) <= 1
    assert abs(int(bright.pixels.mean()) - 156) <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr"])
def test_other_modes_are_converted_as_pillow_does(mode):
    image = picture(8, 256, 256)
    image = image.quantize(256).convert("PA") if mode == "PA" else image.convert(mode)
    assert image.mode == mode
    expected = np.asarray(image.convert("RGB"))
    assert expected.std() > 20
    np.testing.assert_array_equal(np.asarray(central_square(image)), expected)
