"""Folders of pictures as data sets: what is found, how it is split, decoded and remembered."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnet.data import Feed, FeedOptions, Prefetch, decoding, open_dataset
from convnet.data.pictures.square import central_square
from convnet.errors import DataError
from convnet.make_data.picture import Jpeg, make_picture
from convnet.stored import cache
from tests.support.picture_folders import CLASSES, pixels, write_classes, write_picture

SIDE = 24


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    return folder


@pytest.fixture
def photos(tmp_path):
    return write_classes(tmp_path / "photos", 20)


def opened(folder, side=SIDE, **options):
    return open_dataset(folder, side=side, **options)


def names(dataset, split):
    indices = range(dataset.count(split))
    return [dataset.where(split, i).rpartition("photos/")[2] for i in indices]


# -- what is found -----------------------------------------------------------------------------


def test_classes_are_the_sorted_names_of_the_folders(photos):
    write_classes(photos, 20, ["Zebra", "aardvark"])
    dataset = opened(photos)
    assert dataset.class_names == ("Zebra", "aardvark", "ant", "bee", "cow")
    for split in ("train", "test"):
        labels = dataset.labels(split, range(dataset.count(split)))
        found = [dataset.class_names[label] for label in labels]
        assert found == [name.partition("/")[0] for name in names(dataset, split)]


@pytest.mark.parametrize(
    ("train", "test"), [("train", "val"), ("Training", "Validation"), ("train", "testing")]
)
def test_folders_of_splits(tmp_path, train, test):
    folder = tmp_path / "photos"
    write_classes(folder / train, 4)
    write_classes(folder / test, 2, CLASSES[:2], first=50)
    dataset = opened(folder)
    assert (dataset.count("train"), dataset.count("test")) == (12, 4)
    assert all(name.startswith(f"{train}/") for name in names(dataset, "train"))
    assert all(name.startswith(f"{test}/") for name in names(dataset, "test"))
    with pytest.raises(DataError, match="has a folder of test pictures; --hold-out is for"):
        opened(folder, hold_out=0.5)


def test_the_second_folder_of_test_pictures_is_named(tmp_path):
    for part in ("train", "val", "test"):
        write_classes(tmp_path / "photos" / part, 2)
    dataset = opened(tmp_path / "photos")
    assert names(dataset, "test")[0].startswith("val/")
    assert any("not used: test/" in line for line in dataset.notes)


@pytest.mark.parametrize("below", [".", "steam"])
def test_a_class_may_be_called_train(photos, below):
    write_picture(photos / "train" / below / "locomotive.png", 7)
    assert opened(photos, hold_out=0.5).class_names == ("ant", "bee", "cow", "train")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["1.png", "2.png"], "holds 2 pictures, but no folders of them; a folder of pictures has"),
        (["ant/1.png", "ant/2.png"], "has pictures of one class only, 'ant'; a folder of pictures"),
        (["ant/1.png", "bee/a.txt"], "one class only, 'ant' \\('bee' has none\\); a folder"),
        (["train/ant/1.png", "train/bee/1.png", "val/cow/1.png"], "test pictures of 'cow', but no"),
        (["notes/readme.txt"], "no known kind of data; a data folder holds pictures in a folder"),
    ],
)
def test_what_is_expected_is_said(tmp_path, files, message):
    for number, name in enumerate(files):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            write_picture(path, number)
        else:
            path.write_text("hello")
    with pytest.raises(DataError, match=message):
        opened(tmp_path / "photos")


def test_what_is_no_picture_is_named_counted_and_skipped(photos):
    (photos / "dog").mkdir()
    (photos / ".hidden").mkdir()
    write_picture(photos / ".hidden" / "1.png", 1)
    write_picture(photos / "loose.png", 2)
    (photos / "ant" / "Thumbs.db").write_bytes(b"x")
    (photos / "ant" / "notes.txt").write_text("hello")
    (photos / "bee" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    whole = (photos / "cow" / "000.png").read_bytes()
    (photos / "cow" / "half.png").write_bytes(whole[: len(whole) // 2])
    dataset = opened(photos, hold_out=6)
    assert dataset.count("train") + dataset.count("test") == 60
    assert dataset.class_names == CLASSES
    lines = [line for line in dataset.notes if "skipped" in line]
    expected = [
        "hidden, or left by a program: 2: .hidden; ant/Thumbs.db",
        "not named as an image: 1: ant/notes.txt",
        "a class without images: 1: dog",
        "beside the folders of the classes: 1: loose.png",
        "broken: 2: ",
    ]
    for text in expected:
        assert any(f"photos: skipped, {text}" in line for line in lines), (text, lines)
    assert all(f"{name} (" in lines[-1] for name in ("cow/half.png", "bee/broken.jpg"))
    assert not any("broken.jpg" in name or "half" in name for name in names(dataset, "train"))


def test_a_split_of_broken_pictures_only(tmp_path):
    write_classes(tmp_path / "photos" / "train", 3)
    for name in CLASSES:
        path = tmp_path / "photos" / "val" / name / "1.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"broken")
    with pytest.raises(DataError, match="none of its test pictures can be read: .*broken: 3: "):
        opened(tmp_path / "photos").count("test")


# -- the split -----------------------------------------------------------------------------------


def test_a_tenth_of_each_class_is_held_out_by_default(photos):
    dataset = opened(photos)
    labels = dataset.labels("test", range(dataset.count("test")))
    assert np.bincount(labels).tolist() == [2, 2, 2] and dataset.count("train") == 54
    assert any("10 % of each class (as there is no" in line for line in dataset.notes)
    assert not set(names(dataset, "train")) & set(names(dataset, "test"))


@pytest.mark.parametrize(("wanted", "counts"), [(0.25, [5, 5, 5]), (7, [3, 2, 2]), (59, None)])
def test_a_share_or_a_number_is_held_out(photos, wanted, counts):
    dataset = opened(photos, hold_out=wanted)
    found = np.bincount(dataset.labels("test", range(dataset.count("test")))).tolist()
    assert sorted(found, reverse=True) == counts if counts else sum(found) == 59


def test_numbers_are_held_out_in_proportion(tmp_path):
    write_classes(tmp_path / "photos", 30, ["large"])
    write_classes(tmp_path / "photos", 10, ["small"])
    dataset = opened(tmp_path / "photos", hold_out=8)
    assert np.bincount(dataset.labels("test", range(8))).tolist() == [6, 2]


def test_the_first_test_pictures_are_of_all_classes(photos):
    """A test of a few minibatches must not be one of the first class."""
    dataset = opened(photos, hold_out=0.5)
    assert set(dataset.labels("test", range(10)).tolist()) == {0, 1, 2}
    assert np.all(np.diff(dataset.labels("train", range(30))) >= 0)


@pytest.mark.parametrize("wanted", [60, 1000, 0.001, 0.999])
def test_too_much_or_too_little_held_out(photos, wanted):
    with pytest.raises(DataError, match="leaves no (training|test) pictures; give another share"):
        opened(photos, hold_out=wanted)


def test_the_seed_chooses_and_further_pictures_change_little(photos):
    before = names(opened(photos), "test")
    assert before == names(opened(photos), "test") != names(opened(photos, seed=1), "test")
    first, digest = opened(photos), opened(photos).digest
    assert first.digest == digest != opened(photos, seed=1).digest
    write_classes(photos, 1, first=500)
    after = opened(photos)
    assert len(set(before) - set(names(after, "test"))) <= 3
    assert after.digest != digest


# -- pixels ----------------------------------------------------------------------------------------


def test_pixels_are_those_of_make_data_at_that_size(photos):
    """Before it stores them as JPEG, and in all but the losses of JPEG after."""
    dataset = opened(photos)
    found = dataset.images("train", [0, 25])
    for image, index in zip(found, (0, 25), strict=True):
        path = dataset.where("train", index)
        with Image.open(path) as picture:
            expected = np.asarray(central_square(picture, SIDE))
        np.testing.assert_array_equal(np.moveaxis(image, 0, -1), expected)
        made = make_picture(Path(path).read_bytes(), Jpeg(quality=100, side=SIDE)).pixels.astype(
            float
        )
        assert np.abs(made - np.moveaxis(image, 0, -1)).mean() < 1.5


def test_pictures_of_the_size_itself_are_taken_as_they_are(tmp_path):
    for label, name in enumerate(CLASSES):
        for n in range(3):
            write_picture(tmp_path / "photos" / name / f"{n}.png", 10 * label + n, (SIDE, SIDE))
    dataset = opened(tmp_path / "photos", hold_out=3)
    number = {f"{name}/{n}.png": 10 * i + n for i, name in enumerate(CLASSES) for n in range(3)}
    for index, name in enumerate(names(dataset, "train")):
        expected = np.moveaxis(pixels(number[name], SIDE, SIDE), -1, 0)
        np.testing.assert_array_equal(dataset.images("train", [index])[0], expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_cameras_were_held(tmp_path, orientation):
    """Against Pillow's own function on the whole picture."""
    from PIL import ImageOps

    folder, exif = tmp_path / "photos", Image.Exif()
    write_classes(folder, 2)
    exif[0x0112] = orientation
    write_picture(folder / "ant" / "turned.png", 3, (48, 48), exif=exif)
    dataset = opened(folder, hold_out=1, side=48)
    split = "train" if "ant/turned.png" in names(dataset, "train") else "test"
    found = dataset.images(split, [names(dataset, split).index("ant/turned.png")])[0]
    with Image.open(folder / "ant" / "turned.png") as picture:
        turned = ImageOps.exif_transpose(picture)
    np.testing.assert_array_equal(found, np.moveaxis(np.asarray(turned), -1, 0))


def test_the_mean_is_that_of_the_training_pictures(photos):
    dataset = opened(photos)
    images = dataset.images("train", range(dataset.count("train")))
    expected = (images.sum(axis=0, dtype=np.int64) / len(images)).astype(np.float32)
    np.testing.assert_array_equal(dataset.mean_image(), expected)
    deviations, vectors = dataset.color_pca
    colors = np.moveaxis(images, 1, -1).reshape(-1, 3).astype(float)
    np.testing.assert_allclose(
        vectors @ np.diag(deviations**2) @ vectors.T, np.cov(colors.T, bias=True), rtol=1e-8
    )


# -- what is remembered ----------------------------------------------------------------------------


@pytest.fixture
def readings(monkeypatch):
    """The number of times that the pictures of a folder are all read."""
    from convnet.data.pictures import survey

    taken, original = [], survey._taken
    monkeypatch.setattr(survey, "_taken", lambda *given: taken.append(given) or original(*given))
    return taken


def test_pictures_are_read_once(photos, readings, own_cache):
    first, again = opened(photos), opened(photos)
    assert not readings  # listing is enough until something of the pictures is needed
    np.testing.assert_array_equal(first.mean_image(), again.mean_image())
    assert first.notes == again.notes and len(readings) == 1
    assert not [p for p in photos.rglob("*") if p.is_file() and p.suffix != ".png"]
    opened(photos, side=SIDE + 1).mean_image()
    assert len(readings) == 2
    os.utime(photos / "ant" / "000.png", (1, 1))
    opened(photos).mean_image()
    assert len(readings) == 3


_DAMAGES = {
    "cut": lambda stored: stored[:-5],
    "empty": lambda stored: b"",
    "no JSON": lambda stored: stored[:70] + b"x" + stored[71:],
    "another mean": lambda stored: stored[:150] + b"AAAA" + stored[154:],
}


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_memory_is_not_believed(photos, readings, own_cache, damage):
    expected = opened(photos).mean_image()
    (file,) = [path for path in own_cache.rglob("*") if path.is_file()]
    file.write_bytes(_DAMAGES[damage](file.read_bytes()))
    np.testing.assert_array_equal(opened(photos).mean_image(), expected)
    assert len(readings) == 2


def test_a_cache_that_cannot_be_written_is_said(photos, own_cache):
    own_cache.write_text("a file in its place")
    assert any("the mean of" in line and "cannot be kept" in line for line in opened(photos).notes)


# -- minibatches -----------------------------------------------------------------------------------


def batches(dataset, workers, **options):
    source = Feed(dataset, "train", 13, FeedOptions(side=20, seed=3, color_noise=0.1, **options))
    places = [(epoch, i) for epoch in range(2) for i in range(source.minibatches_per_epoch)]
    with decoding(dataset, workers), Prefetch(source, places) as made:
        return [(batch.matrices[0].copy(), batch.labels) for _, batch in made]


def test_minibatches_are_the_same_for_any_number_of_processes(photos):
    expected = batches(opened(photos), 0)
    for workers in (1, 3):
        for one, other in zip(batches(opened(photos), workers), expected, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_breaks_later_is_named(photos, workers):
    dataset = opened(photos)
    path = dataset.where("train", 5)
    size = os.path.getsize(path)
    with open(path, "wb") as file:
        file.write(b"x" * size)
    with pytest.raises(DataError, match=r"photos/ant/\d+.png: broken: none of .*; the file is dam"):
        batches(dataset, workers)
    os.unlink(path)
    with pytest.raises(DataError, match=r"photos/ant/\d+.png: cannot be read: No such file"):
        batches(dataset, workers)


def test_large_folders_are_read_by_processes(tmp_path, monkeypatch):
    from convnet.data.pictures import survey

    write_classes(tmp_path / "photos", 40)
    expected = opened(tmp_path / "photos").mean_image()
    monkeypatch.setattr(survey, "_SMALL", 0)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "other"))
    found = opened(tmp_path / "photos", workers=2).mean_image()
    np.testing.assert_array_equal(found, expected)
