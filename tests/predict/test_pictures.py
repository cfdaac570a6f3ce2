"""How a user's pictures become the images of a data set."""

import io
from concurrent.futures import Future
from itertools import chain, repeat

import numpy as np
import pytest
from msgspec import structs
from PIL import Image

from convnet.data import ViewPrefetch, decoding
from convnet.data.input import network_input
from convnet.data.pictures.square import central_square
from convnet.data.pipeline.feed import Feed, FeedOptions
from convnet.errors import DataError
from convnet.predict.find import find_pictures
from convnet.predict.pictures import SPLIT, Blank, Pictures, picture_squares
from convnet.stored.input_record import InputRecord

RECORD = InputRecord(side=16, channels=3, inner_size=12, mean_kind="number", mean_number=100.0)
GRAY = structs.replace(RECORD, channels=1)
RNG = np.random.default_rng(2)
PHOTO = Image.fromarray(RNG.integers(0, 256, (40, 60, 3), np.uint8).astype(np.uint8))


@pytest.fixture
def folder(tmp_path):
    PHOTO.save(tmp_path / "0.png")
    PHOTO.save(tmp_path / "1.jpg", quality=95)
    PHOTO.convert("L").save(tmp_path / "2.bmp")
    PHOTO.convert("RGBA").save(tmp_path / "3.webp", lossless=True)
    PHOTO.convert("CMYK").save(tmp_path / "4.jpg", quality=95)
    PHOTO.convert("P").save(tmp_path / "5.gif")
    return tmp_path


def pictures(folder, record=RECORD):
    return Pictures(find_pictures([folder]), record, Blank())


def opened(folder, name):
    return Image.open(io.BytesIO((folder / name).read_bytes()))


def test_pictures_are_the_squares_of_make_data(folder):
    found = pictures(folder).images(SPLIT, range(6))
    assert found.shape == (6, 3, 16, 16)
    for number, name in enumerate(sorted(path.name for path in folder.iterdir())):
        expected = np.asarray(central_square(opened(folder, name), 16))
        np.testing.assert_array_equal(np.moveaxis(found[number], 0, 2), expected)


def test_gray_networks_get_the_luma(folder):
    found = pictures(folder, GRAY).images(SPLIT, [0, 2])
    assert found.shape == (2, 1, 16, 16)
    square = central_square(PHOTO.copy(), 16)
    np.testing.assert_array_equal(found[0, 0], np.asarray(square.convert("L")))
    assert abs(found[1, 0].astype(int) - found[0, 0]).max() <= 2  # rounded before it is scaled


def test_color_networks_get_gray_in_all_channels(folder):
    (found,) = pictures(folder).images(SPLIT, [2])
    assert (found == found[0]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says(tmp_path, orientation):
    """The camera was held in one of eight ways; what it saw is the same."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    stored = PHOTO if undo is None else PHOTO.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    (found,) = pictures(tmp_path).images(SPLIT, [0])
    expected = np.moveaxis(np.asarray(central_square(PHOTO.copy(), 16)), 2, 0)
    assert abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("record", [RECORD, GRAY], ids=["color", "gray"])
@pytest.mark.parametrize("workers", [0, 2])
def test_feeds_are_the_same_with_and_without_workers(folder, record, workers):
    (folder / "0a.png").write_bytes(b"no image")
    dataset = pictures(folder, record)
    images = dataset.images(SPLIT, range(7))
    feed = Feed(dataset, SPLIT, 4, FeedOptions(side=12, mean=100.0))
    with decoding(dataset, workers):
        made = [batch.matrices[0] for index in range(2) for batch in feed.views(index, 1)]
    expected = images[:, :, 2:14, 2:14].astype(np.float32) - 100
    np.testing.assert_array_equal(np.concatenate(made, axis=1), expected.reshape(7, -1).T)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_cannot_be_decoded_is_named_and_the_others_are_made(folder, workers):
    whole = (folder / "1.jpg").read_bytes()
    (folder / "1a.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "1b.jpg").write_bytes(b"")
    dataset = pictures(folder)
    (folder / "5.gif").unlink()  # after it was listed
    with decoding(dataset, workers), dataset.borrow(SPLIT, np.arange(8)) as images:
        broken = [case for case in range(8) if not images[case].any()]
    assert broken == [2, 3, 7]
    assert sorted(dataset.unreadable) == broken
    assert "truncated" in dataset.unreadable[2]
    assert dataset.unreadable[3].startswith("broken: none of JPEG")
    assert "No such file" in dataset.unreadable[7]


@pytest.mark.parametrize("workers", [0, 2])
def test_minibatches_that_no_thread_has_begun_are_dropped(folder, workers, monkeypatch):
    dataset = pictures(folder)
    with decoding(dataset, workers):
        feed = Feed(dataset, SPLIT, 1, FeedOptions(side=12, mean=100.0, matrices=(0,)))
        made = ViewPrefetch(feed, range(6), 1)
        submit = chain([made._pool.submit], repeat(lambda *_: Future()))
        monkeypatch.setattr(made._pool, "submit", lambda *task: next(submit)(*task))
        next(made)
        assert made._pending and not any(future.done() for *_, future in made._pending)
        made.close()
    assert not any(images.users for images in made._shared)


def test_inputs_of_pictures_are_cropped_and_less_the_mean(folder):
    squares = picture_squares(RECORD, [folder / "1.jpg", folder / "0.png"])
    found = network_input(RECORD, squares)
    square = np.asarray(central_square(opened(folder, "1.jpg"), 16)).astype(np.float32)
    np.testing.assert_array_equal(found[0], np.moveaxis(square, 2, 0)[:, 2:14, 2:14] - 100)
    assert found.shape == (2, 3, 12, 12)


def test_inputs_of_what_is_no_picture_are_refused(folder):
    (folder / "x.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="x.png: broken: none of"):
        picture_squares(RECORD, [folder])
    with pytest.raises(DataError, match="nothing: no such file"):
        picture_squares(RECORD, [folder / "nothing"])


@pytest.mark.parametrize("change", [{"channels": 2}, {"scale": 4.0}])
def test_networks_of_other_data_take_no_pictures(folder, change):
    with pytest.raises(DataError, match="not on gray or RGB images"):
        pictures(folder, structs.replace(RECORD, **change))


def test_a_files_metadata_may_be_damaged(tmp_path):
    file = io.BytesIO()
    PHOTO.save(file, "JPEG", quality=95)
    plain = file.getvalue()
    broken = b"\xff\xe1\x00\x10Exif\0\0" + b"MM\0\x2a\xff\xff\xff\xff"
    (tmp_path / "0.jpg").write_bytes(plain)
    (tmp_path / "1.jpg").write_bytes(plain[:2] + broken + plain[2:])
    found = pictures(tmp_path).images(SPLIT, [0, 1])
    np.testing.assert_array_equal(found[0], found[1])
