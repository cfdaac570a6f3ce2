"""Feature folders: written by the command, read as a data set, refused when damaged."""

import json

import numpy as np
import pytest

from convnet.backends.cpu.engine import Engine
from convnet.data import Feed, FeedOptions, open_dataset
from convnet.data.datasets.feature_files import FORMAT, META, FeatureFolder
from convnet.errors import ConvnetError, DataError
from convnet.network.network import Network
from convnet.train.features import layers_with_features, write_features
from tests.support.command_line import run
from tests.support.damage import damages
from tests.support.training import make_graph

VALUES, CASES = 5, {"train": 40, "test": 12}


def write_folder(folder, **meta):
    """Write small random features, with a mean far from 0 and a scale other than 1."""
    random = np.random.default_rng(3)
    folder.mkdir(exist_ok=True)
    for split, count in CASES.items():
        values = 7 + 3 * random.standard_normal((count, VALUES))
        np.save(folder / f"{split}.npy", values.astype(np.float32))
        np.save(folder / f"{split}_labels.npy", np.arange(count) % 3)
        np.save(folder / f"{split}_indices.npy", np.arange(count))
    facts = {"format": FORMAT, "layers": ["fc3"], "values": VALUES, "cases": CASES}
    facts |= {"class_names": ["a", "b", "c"], "dataset": {"name": "digits"}, **meta}
    (folder / META).write_text(json.dumps(facts))
    return folder


def test_a_folder_is_a_data_set(tmp_path):
    dataset = open_dataset(write_folder(tmp_path))
    assert (dataset.channels, dataset.side, dataset.classes) == (VALUES, 1, 3)
    assert [dataset.count(split) for split in CASES] == [40, 12]
    assert "5 features of fc3" in dataset.describe()
    train = np.load(tmp_path / "train.npy").astype(np.float64)
    scale = np.sqrt(((train - train.mean(axis=0)) ** 2).mean())
    assert 2 < scale < 4
    images = dataset.images("train", np.array([4, 0]))
    assert images.dtype == np.float32 and images.shape == (2, VALUES, 1, 1)
    np.testing.assert_allclose(images[:, :, 0, 0], train[[4, 0]] / scale, rtol=1e-5)
    np.testing.assert_allclose(dataset.mean_image().ravel(), train.mean(axis=0) / scale, rtol=1e-5)
    assert dataset.labels("test", [4]).tolist() == [1]


def test_a_feed_makes_minibatches_of_features(tmp_path):
    """What is subtracted is the mean; nothing is rounded to bytes."""
    dataset = open_dataset(write_folder(tmp_path))
    batch = Feed(dataset, "train", 40, FeedOptions(seed=1)).minibatch(0, 0)
    pixels = batch.matrices[0]
    expected = dataset.images("train", batch.indices)[:, :, 0, 0].T
    expected = expected - dataset.mean_image().reshape(-1, 1)
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    assert np.square(pixels).mean() == pytest.approx(1, rel=1e-5)
    assert batch.indices.tolist() != list(range(40))


def spoil_meta(folder):
    write_folder(folder, values=VALUES + 1)


def spoil_format(folder):
    write_folder(folder, format="something else")


def spoil_counts(folder):
    write_folder(folder, cases={"train": True})


def pickle_labels(folder):
    np.save(folder / "train_labels.npy", np.array([{}], dtype=object))


def truncate_matrix(folder):
    path = folder / "train.npy"
    path.write_bytes(path.read_bytes()[:-4])


def no_matrix(folder):
    (folder / "test.npy").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_meta, "expected float32 of 40x6, found float32 of 40x5; features.json states"),
        (spoil_format, FORMAT),
        (spoil_counts, "damaged"),
        (pickle_labels, "train_labels.npy: is damaged: .* found values of type"),
        (truncate_matrix, "train.npy: is damaged: expected 800 bytes of values, found 796"),
        (no_matrix, "test.npy: cannot be read"),
    ],
)
def test_damaged_folders_are_refused_by_name(tmp_path, spoil, message):
    spoil(write_folder(tmp_path))
    with pytest.raises(DataError, match=message):
        open_dataset(tmp_path).labels("train", [0])


SIGNALING = np.array([0x7F800001], np.uint32).view(np.float32)[0]  # casts warn of this NaN


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, SIGNALING])
def test_values_that_are_not_finite_are_refused_by_case(tmp_path, value):
    write_folder(tmp_path)
    name = next(tmp_path.glob("train.npy"))
    matrix = np.load(name)
    matrix[3, 1] = value
    np.save(name, matrix)
    with pytest.raises(DataError, match="training case 3 has a value that is not finite"):
        open_dataset(tmp_path).mean_image()


def test_one_damaged_field_of_the_record(tmp_path):
    """A damaged field is refused by name, or what is read fits the files."""
    write_folder(tmp_path)
    facts, refused = json.loads((tmp_path / META).read_text()), 0
    for place, damaged in damages(facts):
        (tmp_path / META).write_text(json.dumps(damaged))
        try:
            folder = FeatureFolder(tmp_path)
            assert folder.matrix("test").shape == (12, VALUES) and len(folder.labels("test")) == 12
        except DataError as error:
            refused += 1
            assert str(error).startswith(str(tmp_path)) and str(error).isprintable(), place
        else:
            assert isinstance(folder.dataset["name"], str), place
    assert refused > 200


def test_positions_before_the_first_case_are_refused(tmp_path):
    write_folder(tmp_path)
    np.save(tmp_path / "train_indices.npy", np.arange(40) - 1)
    with pytest.raises(DataError, match="train_indices.npy: is damaged: .* found -1"):
        FeatureFolder(tmp_path).indices("train")


def test_positions_behind_the_last_image_are_refused(tmp_path):
    write_folder(tmp_path)
    for split, count in CASES.items():
        np.save(tmp_path / f"{split}_indices.npy", np.arange(count) + 10**6)
    result = run("neighbors", "--features", tmp_path, "--out", tmp_path / "n.png")
    assert result.exit_code == 1 and "are features of other images" in result.output


def test_a_data_set_needs_both_splits(tmp_path):
    write_folder(tmp_path, cases={"test": CASES["test"]})
    assert FeatureFolder(tmp_path).matrix("test").shape == (12, VALUES)
    with pytest.raises(DataError, match="--split both"):
        open_dataset(tmp_path)


def test_a_folder_without_features_is_refused(tmp_path):
    with pytest.raises(DataError, match="--write-features"):
        FeatureFolder(tmp_path)


SPLIT_LAYERS = """
[data]
type=data
dataIdx=0
[labels]
type=data
dataIdx=1
[hida]
type=fc
inputs=data
outputs=4
initW=0.01
[hidb]
type=fc
inputs=data
outputs=3
initW=0.01
neuron=tanh
gpu=1
[scores]
type=fc
inputs=hida,hidb
outputs=10
initW=0.1
[probs]
type=softmax
inputs=scores
[logprob]
type=cost.logreg
inputs=labels,probs
"""


def test_the_parts_of_a_split_layer_stand_side_by_side(tmp_path):
    network = Network(make_graph(SPLIT_LAYERS, params=None), 100, Engine(), seed=1)
    assert [n.name for n in layers_with_features(network.graph, "hid")] == ["hida", "hidb"]
    feed = Feed(open_dataset("digits"), "test", 100, FeedOptions(side=6))
    facts = {"class_names": ["0"], "dataset": {"name": "digits"}}
    write_features(network, {"test": feed}, "hid", tmp_path, facts, minibatches=1)
    found = FeatureFolder(tmp_path).matrix("test")
    network.load(feed.minibatch(0, 0).matrices)
    network.run("test")
    parts = [network.output(name).reshape(-1, 100).T for name in ("hida", "hidb")]
    assert np.array_equal(found, np.concatenate(parts, axis=1))
    assert found.shape == (100, 7) and found[:, 4:].std() > 0.01


def test_a_folder_that_cannot_be_written(tmp_path):
    network = Network(make_graph(), 100, Engine(), seed=1)
    feed = Feed(open_dataset("digits"), "test", 100, FeedOptions(side=6))
    (tmp_path / "file").write_text("")
    with pytest.raises(ConvnetError, match="cannot be written"):
        write_features(network, {"test": feed}, "hidden", tmp_path / "file", {})
