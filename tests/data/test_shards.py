"""Reading sets of shards: the contents of a folder, and messages on damaged ones."""

import json
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from convnet.data import open_dataset
from convnet.errors import DataError
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from tests.support.imagenet_archives import encoded, picture, wnid, write_tree

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


def test_a_made_set_is_recognised(made):
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


def edit(folder, **changes):
    path = folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "has version 2; this convnet reads version 1"),
        ({"format": "x"}, "does not describe a data set"),
        ({"side": 128}, "not 256 pixels high"),
        ({"classes": []}, "has 0 classes"),
        ({"classes": [{"id": 3, "name": "x"}]}, "has no 'id'"),
        ({"shards": {"train": [], "test": []}}, "has 0 train shards"),
        ({"shards": {"train": [{"images": -1, "bytes": 1}]}}, "of an impossible size"),
        ({"eigenvalues": [1, 2]}, "not 3 numbers"),
        ({"eigenvectors": [[1, 2, 3]]}, "not 3x3 numbers"),
        ({"seed": "0"}, "has no 'seed'"),
    ],
)
def test_a_damaged_list_is_named(copy, changes, message):
    edit(copy, **changes)
    with pytest.raises(DataError, match=f"dataset.json: .*{message}"):
        open_dataset(copy)


def test_a_list_that_is_no_json_is_named(copy):
    (copy / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"dataset.json: is damaged: not JSON"):
        open_dataset(copy)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.zeros((4, 3), np.int64), "points outside its shard"),
        (np.array([[512, 10, 3]] * 4), "case 0 has the label 3, but the set has 3 classes"),
        (np.array([[512, 2**62, 0]] * 4), "points outside its shard"),
        (np.array([[2**63 - 1, 10, 0]] * 4), "points outside its shard"),
        (np.array([[512, 10, 0]] * 5), "is not a NumPy file of 4x3 int64"),
        (np.array([[512, 10, 0]] * 4, np.int32), "is not a NumPy file of 4x3 int64"),
        (np.array([["x"]], object), "is not a NumPy file of 4x3 int64"),
    ],
)
def test_a_damaged_index_is_named(copy, table, message):
    np.save(copy / "train-00001.idx.npy", table, allow_pickle=True)
    with pytest.raises(DataError, match=f"train-00001.idx.npy: {message}"):
        open_dataset(copy)


def test_missing_and_short_files_are_named(copy):
    dataset = open_dataset(copy)
    tar = copy / "train-00000.tar"
    tar.write_bytes(tar.read_bytes()[:-8192])
    with pytest.raises(DataError, match="train-00000.tar: is shorter than it was"):
        dataset.encoded("train", range(18))
    tar.unlink()
    with pytest.raises(DataError, match="train-00000.tar: cannot be read: No such file"):
        dataset.images("train", [0])
    (copy / "mean.npy").write_bytes(b"")
    with pytest.raises(DataError, match="mean.npy: is not a NumPy file of 3x256x256 float32"):
        dataset.mean_image()


@pytest.mark.parametrize(
    ("jpeg", "message"),
    [
        (b"", r"cannot be decoded"),
        (encoded(picture(0)), "is 48x36 RGB, not 256x256 RGB"),
        (encoded(picture(0, 256, 256).convert("L")), "is 256x256 L, not"),
    ],
)
def test_a_damaged_image_is_named_with_its_shard_and_key(copy, jpeg, message):
    dataset = open_dataset(copy)
    offset, length, _ = np.load(copy / "train-00002.idx.npy")[1]
    with open(copy / "train-00002.tar", "r+b") as tar:
        tar.seek(offset)
        tar.write(jpeg.ljust(length, b"\0"))
    with pytest.raises(DataError, match=rf"train-00002.tar: '00000009_n\d+_\d.jpg' .*: {message}"):
        dataset.images("train", [8, 9])
