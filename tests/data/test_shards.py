"""Reading sets of shards: the contents of a folder, and messages on damaged ones."""

import json
import os
import pickle
import tarfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from convnet.data import decoding, open_dataset
from convnet.errors import DataError
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import encoded, picture, wnid, write_tree
from tests.support.sealed_sets import as_version_1, description, edit, seal, write_description

CLASSES, TRAIN, TEST = 3, 6, 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    train = write_tree(folder / "train", CLASSES, TRAIN)
    val = write_tree(folder / "val", CLASSES, TEST, first=TRAIN)
    make_data(MakeOptions(train, val, shard_images=4), folder / "made")
    return folder / "made"


@pytest.fixture
def copy(made, tmp_path):
    """A copy to damage."""
    for file in made.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_a_made_set_is_recognized(made):
    dataset = open_dataset(made)
    assert (dataset.channels, dataset.side) == (3, 256)
    assert dataset.wnids == tuple(wnid(label) for label in range(CLASSES))
    assert dataset.count("train") == CLASSES * TRAIN
    assert dataset.count("test") == CLASSES * TEST
    assert dataset.stored_batches("train") is None
    with pytest.raises(DataError, match="training and test sets are fixed"):
        open_dataset(made, train_range="1")


def members(made, split):
    """Yield (key, JPEG, label) of each image, read with an ordinary tar reader."""
    for path in sorted(made.glob(f"{split}-*.tar")):
        with tarfile.open(path) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
        keys = [name[:-4] for name in files if name.endswith(".jpg")]
        assert len(files) == 2 * len(keys)
        yield from ((key, files[f"{key}.jpg"], int(files[f"{key}.cls"])) for key in keys)


@pytest.mark.parametrize("split", ["train", "test"])
def test_shards_hold_what_other_readers_of_tars_find(made, split):
    dataset = open_dataset(made)
    keys, files, labels = zip(*members(made, split), strict=True)
    everything = np.arange(dataset.count(split))
    assert dataset.encoded(split, everything) == list(files)
    assert dataset.labels(split, everything).tolist() == list(labels)
    for index, (key, label) in enumerate(zip(keys, labels, strict=True)):
        number, name, _ = key.split("_")
        assert int(number) == index
        assert name == dataset.wnids[label]
        assert f"'{key}.jpg'" in dataset.where(split, index)


def test_images_come_in_any_order_and_any_number_of_times(made):
    dataset = open_dataset(made)
    everything = dataset.images("train", np.arange(18))
    wanted = [17, 0, 5, 5, 9]
    np.testing.assert_array_equal(dataset.images("train", wanted), everything[wanted])
    assert dataset.labels("train", wanted).dtype == np.int64
    assert dataset.images("train", []).shape == (0, 3, 256, 256)


def test_mean_and_colors_are_those_of_all_training_images(made):
    dataset = open_dataset(made)
    images = dataset.images("train", np.arange(18)).astype(np.float64)
    np.testing.assert_allclose(dataset.mean_image(), images.mean(axis=0), rtol=1e-6)
    covariance = np.cov(images.transpose(1, 0, 2, 3).reshape(3, -1), bias=True)
    deviations, vectors = dataset.color_pca
    found = vectors @ np.diag(deviations**2) @ vectors.T
    np.testing.assert_allclose(found, covariance, rtol=1e-9)
    assert (np.diff(deviations) < 0).all()


def test_threads_and_processes_share_a_set(made):
    dataset = pickle.loads(pickle.dumps(open_dataset(made)))
    expected = open_dataset(made).encoded("train", range(18))
    with ThreadPoolExecutor(4) as pool:
        for files in pool.map(lambda _: dataset.encoded("train", range(18)), range(20)):
            assert files == expected


def test_an_epochs_order_keeps_shards_together(made):
    dataset = open_dataset(made)
    orders = [dataset.epoch_order("train", 3, epoch) for epoch in range(8)]
    shard_of = np.arange(18) // 4
    for order in orders:
        assert sorted(order) == list(range(18))
        assert np.count_nonzero(np.diff(shard_of[order])) == 4
    assert len({tuple(order) for order in orders}) == 8
    assert len({tuple(dict.fromkeys(shard_of[order])) for order in orders}) > 4
    np.testing.assert_array_equal(dataset.epoch_order("train", 3, 5), orders[5])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 3}, "has version 3; this convnet reads versions 1 and 2"),
        ({"format": "x"}, "its format is 'x', not 'convnet shards'"),
        ({"side": 0}, "has images of 0 pixels, not of 1 to 2048"),
        ({"side": 2049}, "has images of 2049 pixels, not of 1 to 2048"),
        ({"classes": []}, "classes: expected array of length >= 1"),
        ({"classes": [{"id": 3, "name": "x"}]}, r"classes\[0\].id: expected str, found 3"),
        ({"shards": {"train": [], "test": []}}, "shards.train: expected array of length >= 1"),
        ({"shards": {"train": [{"images": -1}]}}, r"shards.train\[0\].images: expected int >= 0"),
        ({"eigenvalues": [1, 2]}, "eigenvalues: expected array of length >= 3"),
        ({"eigenvalues": [1, 2, float("nan")]}, r"eigenvalues\[2\]: expected float >= "),
        ({"eigenvectors": [[1, 2, 3]]}, "eigenvectors: expected array of length >= 3"),
        ({"mean_sha256": "g" * 64}, "mean_sha256: expected str matching regex"),
        ({"seed": "0"}, 'seed: expected int, found "0"'),
    ],
)
def test_a_damaged_list_is_named(copy, changes, message):
    edit(copy, **changes)
    with pytest.raises(DataError, match=f"dataset.json: .*{message}.*restore it from a copy"):
        open_dataset(copy)


@pytest.mark.parametrize("text", ["[" * 100_000, "3", "[]", '{"format": 3}', "", "\xff"])
def test_a_list_that_is_no_json_is_named(copy, text):
    (copy / "dataset.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=r"dataset.json: is damaged: .*make the data set again"):
        open_dataset(copy)


def test_a_list_that_was_changed_is_named(copy):
    names = description(copy)["classes"]
    edit(copy, sealed=False, classes=names[::-1])
    with pytest.raises(DataError, match=r"dataset.json: was changed .* checksum is \w{64}, not"):
        open_dataset(copy)
    stored = description(copy)
    del stored["checksum"]
    write_description(copy, stored, sealed=False)
    with pytest.raises(DataError, match=r"dataset.json: was changed"):
        open_dataset(copy)


def test_the_layout_of_the_list_does_not_matter(copy):
    before, stored = open_dataset(copy).manifest, description(copy)
    text = json.dumps(dict(reversed(stored.items())), indent=7)
    (copy / "dataset.json").write_text(text)
    assert open_dataset(copy).manifest == before


@pytest.mark.parametrize(
    ("name", "place"), [("train-00001.idx.npy", -16), ("test-00000.idx.npy", -3), ("mean.npy", -1)]
)
def test_a_changed_number_is_named_with_its_file(copy, name, place):
    """A label, a CRC-32, a mean: plausible numbers all."""
    data = bytearray((copy / name).read_bytes())
    data[place] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(
        DataError, match=rf"{name}: is not as it was written: its SHA-256 is \w{{64}}"
    ):
        open_dataset(copy)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.zeros((4, 4), np.int64), "points outside its shard"),
        (np.array([[512, 10, 3, 0]] * 4), "case 0 has the label 3, but the set has 3 classes"),
        (np.array([[512, 2**62, 0, 0]] * 4), "points outside its shard"),
        (np.array([[2**63 - 1, 10, 0, 0]] * 4), "points outside its shard"),
        (np.array([[512, 10, 0, 0]] * 5), "is damaged: expected int64 of 4x4, found"),
        (np.array([[512, 10, 0]] * 4), "is damaged: expected int64 of 4x4, found"),
        (np.array([[512, 10, 0, 0]] * 4, np.int32), "is damaged: expected int64 of 4x4, found"),
        (np.array([["x"]], object), "is damaged: expected int64 of 4x4, found"),
        (np.zeros((1000, 4), np.int64), "has 32,128 bytes, not the at most 4,224 of 4x4 int64"),
    ],
)
def test_a_damaged_index_is_named(copy, table, message):
    """Also if whoever damaged it stated its checksum."""
    np.save(copy / "train-00001.idx.npy", table, allow_pickle=True)
    seal(copy)
    with pytest.raises(DataError, match=f"train-00001.idx.npy: {message}"):
        open_dataset(copy)


def test_missing_and_short_files_are_named(copy):
    dataset = open_dataset(copy)
    tar = copy / "train-00000.tar"
    size = tar.stat().st_size
    tar.write_bytes(tar.read_bytes()[:-8192])
    with pytest.raises(DataError, match="train-00000.tar: is shorter than it was"):
        dataset.encoded("train", range(18))
    message = f"train-00000.tar: has {size - 8192:,} bytes, not the {size:,}"
    with pytest.raises(DataError, match=message):
        open_dataset(copy)
    tar.unlink()
    with pytest.raises(DataError, match="train-00000.tar: cannot be read: No such file"):
        dataset.images("train", [0])
    with pytest.raises(DataError, match="train-00000.tar: cannot be read: No such file"):
        open_dataset(copy)
    os.mkfifo(tar)
    with pytest.raises(DataError, match="train-00000.tar: is not an ordinary file"):
        open_dataset(copy)


@pytest.mark.parametrize("name", ["mean.npy", "test-00000.idx.npy"])
def test_a_pipe_in_place_of_a_file_is_named(copy, name):
    (copy / name).unlink()
    os.mkfifo(copy / name)
    with pytest.raises(DataError, match=f"{name}: is not an ordinary file"):
        open_dataset(copy)


def replace_image(folder, jpeg):
    """Write `jpeg` in place of the second image of the third shard."""
    path = folder / "train-00002.idx.npy"
    table = np.load(path)
    jpeg = jpeg.ljust(table[1, 1], b"\0")
    with open(folder / "train-00002.tar", "r+b") as tar:
        tar.seek(table[1, 0])
        tar.write(jpeg)
    if table.shape[1] > 3:
        table[1, 3] = zlib.crc32(jpeg)
        np.save(path, table)
        seal(folder)


IN_THIRD = r"train-00002.tar: '00000009_n\d+_\d.jpg' at byte [\d,]+"


@pytest.mark.parametrize(
    ("jpeg", "message"),
    [
        (b"", r"cannot be decoded"),
        (encoded(picture(0)), "is 48x36 RGB, not 256x256 RGB"),
        (encoded(picture(0, 256, 256).convert("L")), "is 256x256 L, not"),
    ],
)
def test_a_damaged_image_is_named_with_its_shard_and_key(copy, jpeg, message):
    replace_image(copy, jpeg)
    with pytest.raises(DataError, match=f"{IN_THIRD}: {message}"):
        open_dataset(copy).images("train", [8, 9])


@pytest.mark.parametrize("processes", [0, 1])
def test_an_image_that_was_changed_is_named(copy, processes):
    """It is a good image, and looks much the same: only its CRC-32 shows it."""
    offset, length, _, _ = np.load(copy / "train-00002.idx.npy")[1]
    with open(copy / "train-00002.tar", "r+b") as tar:
        tar.seek(offset)
        jpeg = bytearray(tar.read(length))
        jpeg[15] ^= 1  # the density of the pixels, which changes none of them
        tar.seek(offset)
        tar.write(jpeg)
    dataset = open_dataset(copy)
    message = f"{IN_THIRD}: is not as it was written: its CRC-32 is .* restore it from a copy"
    with pytest.raises(DataError, match=message):
        dataset.encoded("train", [8, 9])
    with decoding(dataset, processes):
        with pytest.raises(DataError, match=message):
            with dataset.borrow("train", [8, 9]):
                pass


def test_a_set_of_version_1_still_opens(made, copy):
    as_version_1(copy)
    older, now = open_dataset(copy), open_dataset(made)
    everything = np.arange(18)
    assert older.manifest.version == 1
    np.testing.assert_array_equal(
        older.images("train", everything), now.images("train", everything)
    )
    np.testing.assert_array_equal(
        older.labels("train", everything), now.labels("train", everything)
    )
    np.testing.assert_array_equal(older.mean_image(), now.mean_image())
    replace_image(copy, b"")
    with pytest.raises(DataError, match=f"{IN_THIRD}: cannot be decoded"):
        open_dataset(copy).images("train", [8, 9])
    path = copy / "train-00001.idx.npy"
    table = np.load(path)
    table[0, 2] ^= 1
    np.save(path, table)
    with pytest.raises(DataError, match="train-00001.idx.npy: is not as it was written"):
        open_dataset(copy)
