"""JPEGs whose decoding would take long, and what the decoder raises."""

import io
import struct
import warnings
from time import process_time

import numpy as np
import pytest
from PIL import Image

from convnet.data import jpeg
from convnet.make_data.picture import Jpeg, make_picture
from tests.support.imagenet_archives import encoded, picture


def with_scans(width, height, scans) -> bytes:
    """A progressive JPEG with a first scan of all pixels, and then that many empty ones."""
    made = io.BytesIO()
    Image.new("L", (width, height)).save(made, "JPEG", progressive=True)
    data = made.getvalue()
    end = data.rindex(b"\xff\xda")
    return data[:end] + data[end:-2] * scans + data[-2:]


def test_a_jpeg_of_many_scans_is_refused_at_once():
    file = with_scans(4000, 4000, 2_000)
    assert len(file) < 1 << 20
    start = process_time()
    for size in ((4000, 4000), (8000, 8000)):
        with pytest.raises(ValueError, match=r"cannot be decoded \(2,0\d\d scans"):
            jpeg.refuse_scans(file, size)
    made = make_picture(file, Jpeg())
    assert made.jpeg is None and made.remark.startswith("broken: cannot be decoded (2,0")
    assert process_time() - start < 2


def test_scans_are_counted_with_the_pixels():
    file = with_scans(64, 64, 100)
    jpeg.refuse_scans(file, (64, 64))
    jpeg.refuse_scans(file, (6_000, 6_000))
    with pytest.raises(ValueError, match="scans of 9000x9000 pixels; at most 49"):
        jpeg.refuse_scans(file, (9_000, 9_000))


def test_only_scans_of_the_first_image_count():
    """The bytes of a scan's mark may be in metadata, and in what a camera puts behind the image."""
    marks = b"\xff\xda\0\2" * 9_000
    file = encoded(picture(1, 64, 48))
    metadata = b"\xff\xe1" + struct.pack(">H", len(marks) + 2) + marks
    odd = file[:2] + metadata + file[2:] + marks
    expected = np.asarray(Image.open(io.BytesIO(odd)))
    pixels = np.zeros((48, 64, 4), np.uint8)
    jpeg.decode_into(odd, pixels)
    np.testing.assert_array_equal(pixels[..., :3], expected)


def test_decoding_small_images_checks_the_scans_first(monkeypatch):
    monkeypatch.setattr(jpeg, "_MOST_SCANNED", 500 * 64 * 64)
    file = with_scans(64, 64, 600)
    with pytest.raises(ValueError, match="60[0-9] scans"):
        jpeg.decode_into(file, np.zeros((64, 64, 4), np.uint8), converts=True)
    with pytest.raises(ValueError, match="60[0-9] scans"):
        jpeg.load_jpeg(file, (64, 64))


def huge() -> bytes:
    """A JPEG that states 65,500 x 65,500 pixels."""
    file = bytearray(encoded(picture(1, 64, 48)))
    at = file.index(b"\xff\xc0")
    file[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(file)


@pytest.mark.parametrize("error", [MemoryError(), IndexError("x"), struct.error("x"), KeyError()])
def test_whatever_the_decoder_raises_is_told(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(ValueError, match="cannot be decoded"):
        jpeg.load_jpeg(encoded(picture(1, 64, 48)), (64, 48))


def test_a_jpeg_of_too_many_pixels_is_refused_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="cannot be decoded|is 65500x65500"):
            jpeg.decode_into(huge(), np.zeros((48, 64, 4), np.uint8))
        assert make_picture(huge(), Jpeg()).remark.startswith("too large")
