"""Labels that name no class are refused where they are read, whatever the data set."""

import numpy as np
import pytest

from convnet.data import Dataset, Feed, open_dataset
from convnet.data.dataset import ArrayDataset
from convnet.data.datasets.shard_folder import index_name
from convnet.data.labels import checked_labels
from convnet.errors import DataError
from tests.data import test_folders as folders
from tests.data.test_features import write_folder
from tests.support.python2_pickle import python2_pickle
from tests.support.sealed_sets import seal
from tests.support.shard_sets import made_set


def test_labels_become_int64():
    found = checked_labels("a set", np.array([0, 2, 1], np.uint8), 3)
    assert found.dtype == np.int64 and found.tolist() == [0, 2, 1]
    assert checked_labels("a set", [], 3).shape == (0,)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "a set: case 1 has the label 3, but the set has 3 classes, 0 to 2"),
        ([-1, 0], "case 0 has the label -1"),
        ([0.5, 1], "float64, not integers"),
        ([[0], [1]], r"the shape \(2, 1\)"),
        ([True, False], "bool, not integers"),
        ([1 << 70], "not integers"),
    ],
)
def test_others_are_refused(labels, message):
    with pytest.raises(DataError, match=message):
        checked_labels("a set", labels, 3)


def test_the_case_is_named_by_its_number_in_the_set():
    with pytest.raises(DataError, match="case 1,700 has the label 9"):
        checked_labels("a set", [0, 9], 3, np.array([12, 1700]))


def features(folder, label):
    write_folder(folder)
    labels = np.load(folder / "test_labels.npy")
    labels[5] = label
    np.save(folder / "test_labels.npy", labels)


def data_batches(folder, label):
    folders.write_originals(folder)
    batch = {"data": np.zeros((12, 2), np.uint8), "labels": [[0], [label]]}
    (folder / "data_batch_3").write_bytes(python2_pickle(batch, 2))


def jpeg_batches(folder, label):
    folder.mkdir()
    meta = {"label_names": [b"a", b"b", b"c"]}
    (folder / "batches.meta").write_bytes(python2_pickle(meta, 2))
    for number in (1, 2):
        batch = {"data": [b"\xff\xd8 no picture"], "labels": [label if number == 2 else 0]}
        (folder / f"data_batch_{number}").write_bytes(python2_pickle(batch, 2))


def cifar(folder, label):
    folders.write_binary_cifar(folder)
    path = folder / "data_batch_2.bin"
    path.write_bytes(bytes([label % 256]) + path.read_bytes()[1:])


def made_data(folder, label):
    made = made_set(folder.parent / "made-from")
    made.rename(folder)
    path = folder / index_name("train", 0)
    table = np.load(path)
    table[1, 2] = label
    np.save(path, table)
    seal(folder)


@pytest.mark.parametrize("kind", [features, data_batches, jpeg_batches, cifar, made_data])
@pytest.mark.parametrize("label", [77, -3])
def test_every_form_of_data_is_checked_when_it_is_opened(kind, label, tmp_path):
    kind(tmp_path / "set", label)
    with pytest.raises(DataError, match=r"set/.*label"):
        open_dataset(tmp_path / "set")


@pytest.mark.parametrize("label", [2, -1, 0.5])
def test_arrays_are_checked(label):
    images = {split: np.zeros((3, 1, 4, 4), np.uint8) for split in ("train", "test")}
    labels = {"train": np.array([0, 1, 1]), "test": np.array([0, 1, label])}
    with pytest.raises(DataError, match="mine"):
        ArrayDataset("mine", ["a", "b"], images, labels)
    with pytest.raises(DataError, match="3 test images but 2 labels"):
        ArrayDataset("mine", ["a", "b"], images, {"train": labels["train"], "test": [0, 1]})


class Own(Dataset):
    """A data set of somebody's own, with a label that is wrong."""

    name, class_names, channels, side = "own", ("a", "b"), 1, 4

    def count(self, split):
        return 6

    def images(self, split, indices):
        return np.zeros((len(indices), 1, 4, 4), np.uint8)

    def labels(self, split, indices):
        return np.where(np.asarray(indices) == 4, 2, 0)


def test_feeds_check_the_labels_of_other_data_sets():
    feed = Feed(Own(), "test", 3)
    feed.minibatch(0, 0)
    with pytest.raises(DataError, match="own: case 4 has the label 2"):
        feed.minibatch(0, 1)
