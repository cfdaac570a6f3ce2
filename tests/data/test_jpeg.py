"""JPEG images decoded into given memory: the same pixels as from Pillow, and what is refused."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from convnet.data import jpeg
from tests.support.imagenet_archives import encoded, picture

WIDTH, HEIGHT = 40, 24
IMAGE = picture(1, WIDTH, HEIGHT)
FORMS = [
    {},
    {"quality": 30},
    {"quality": 95, "subsampling": 0},
    {"subsampling": 1},
    {"progressive": True},
    {"optimize": True},
    {"comment": b"x" * 5000},
    {"exif": b"Exif\0\0" + b"a" * 100},
    {"restart_marker_rows": 1},
]


@pytest.fixture(autouse=True, params=["simplejpeg", "Pillow"])
def decoder(request, monkeypatch):
    """Each test runs with both decoders."""
    if request.param == "Pillow":
        monkeypatch.setattr(jpeg, "simplejpeg", None)
    else:
        pytest.importorskip("simplejpeg")
    return request.param


def decoded(file, converts=False):
    pixels = np.full((HEIGHT, WIDTH, 4), 7, np.uint8)
    jpeg.decode_into(file, pixels, converts)
    return pixels[..., :3]


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_pixels_are_those_of_pillow(options):
    file = encoded(IMAGE, **options)
    assert jpeg.frame_size(file) == (WIDTH, HEIGHT, 3)
    np.testing.assert_array_equal(decoded(file), np.asarray(Image.open(io.BytesIO(file))))


def test_a_pillow_that_decodes_into_a_copy_of_the_memory(monkeypatch):
    monkeypatch.setattr(jpeg, "simplejpeg", None)
    monkeypatch.setattr(Image, "frombuffer", lambda mode, size, *_: Image.new(mode, size))
    file = encoded(IMAGE)
    np.testing.assert_array_equal(decoded(file), np.asarray(Image.open(io.BytesIO(file))))


def test_the_fast_path_is_taken(monkeypatch, decoder):
    monkeypatch.setattr(jpeg, "_decode_slow", None)
    if decoder == "simplejpeg":
        monkeypatch.setattr(jpeg, "_decode_with_pillow", None)
    decoded(encoded(IMAGE))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_other_color_spaces_are_converted_on_request(mode):
    file = encoded(IMAGE.convert(mode))
    expected = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    np.testing.assert_array_equal(decoded(file, converts=True), expected)
    with pytest.raises(ValueError, match="not 40x24 RGB"):
        decoded(encoded(picture(1, WIDTH + 1, HEIGHT)), converts=True)


def test_what_pillow_tolerates_is_decoded_by_it(monkeypatch, decoder):
    """Extraneous bytes, for which libjpeg issues a warning."""
    file = encoded(IMAGE)
    odd = file[:-2] + b"\0" * 40 + file[-2:]
    expected = np.asarray(Image.open(io.BytesIO(odd)))
    np.testing.assert_array_equal(decoded(odd), expected)


def test_the_index_of_an_undecodable_image_is_reported(tmp_path):
    good, path = encoded(IMAGE), tmp_path / "file"
    path.write_bytes(good + b"nothing" + good)
    places = [(0, 0, len(good), -1), (0, len(good) + 7, len(good), zlib.crc32(good))]
    places.append((0, len(good), 7, -1))
    pixels = np.zeros((3, HEIGHT, WIDTH, 4), np.uint8)
    with pytest.raises(jpeg.Undecodable, match="cannot be decoded") as caught:
        jpeg.decode_byte_ranges([path], places, pixels)
    assert caught.value.index == 2
    np.testing.assert_array_equal(pixels[0], pixels[1])
    places[1] = (*places[1][:3], zlib.crc32(good) ^ 1)
    with pytest.raises(jpeg.Undecodable, match="not as it was written: its CRC-32 is") as caught:
        jpeg.decode_byte_ranges([path], places, pixels)
    assert caught.value.index == 1


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (encoded(picture(1, WIDTH + 1, HEIGHT)), "is 41x24 RGB, not 40x24 RGB"),
        (encoded(picture(1, WIDTH - 8, HEIGHT)), "is 32x24 RGB, not 40x24 RGB"),
        (encoded(picture(1, WIDTH, 2 * HEIGHT)), "is 40x48 RGB, not 40x24 RGB"),
        (encoded(IMAGE.convert("L")), "is 40x24 L, not 40x24 RGB"),
        (encoded(IMAGE.convert("CMYK")), "is 40x24 CMYK, not 40x24 RGB"),
        (encoded(IMAGE, "PNG"), "cannot be decoded"),
        (encoded(IMAGE)[:-300], "cannot be decoded"),
        (encoded(IMAGE)[:90], "cannot be decoded"),
        (b"\xff\xd8", "cannot be decoded"),
        (b"", "cannot be decoded"),
    ],
)
def test_what_is_refused(file, message):
    with pytest.raises(ValueError, match=message):
        decoded(file)


def test_truncated_and_malformed_headers():
    """Pillow decodes or refuses files whose header is unusual."""
    file = encoded(IMAGE)
    for length in range(2, 30):
        assert jpeg.frame_size(file[:length]) is None
        malformed = file[:length] + b"\0\1" + file[length:]
        assert jpeg.frame_size(malformed) in (None, (WIDTH, HEIGHT, 3))
