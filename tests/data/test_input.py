"""The record of a network's input made from data sets, and what differs between two of them."""

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, open_dataset
from convnet.data import input as of_input
from convnet.data.dataset import ArrayDataset
from convnet.data.input import describe_difference, input_of, network_input, small_crop, with_colors
from convnet.errors import DataError
from tests.data.test_features import write_folder

SIDE, NAMES = 10, ("cat", "dog")


def made(seed=1, brighter=0, names=NAMES, side=SIDE, channels=3):
    random = np.random.default_rng(seed)
    images = {
        split: random.integers(0, 200, (12, channels, side, side)) + brighter
        for split in ("train", "test")
    }
    images = {split: array.astype(np.uint8) for split, array in images.items()}
    labels = {split: np.arange(12) % 2 for split in images}
    return ArrayDataset("pets", names, images, labels)


@pytest.mark.parametrize("mean", ["image", "scalar", "none", 100.5])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_feed_of_the_record_makes_the_same_bits(mean, split):
    dataset = made()
    record = input_of(dataset, 6, mean)
    options = {"side": 6, "seed": 3}
    expected = Feed(dataset, split, 5, FeedOptions(mean=mean, **options)).minibatch(0, 0)
    found = Feed(dataset, split, 5, FeedOptions(mean=record.mean, **options)).minibatch(0, 0)
    assert found.matrices[0].tobytes() == expected.matrices[0].tobytes()


def test_what_is_recorded():
    dataset = made()
    record = input_of(dataset, 6, "image")
    facts = record.side, record.channels, record.inner_size, record.mean_kind, record.color_order
    assert facts == (SIDE, 3, 6, "image", "RGB")
    assert np.array_equal(record.mean, dataset.mean_image())
    assert input_of(made(channels=1), 6, "none").color_order == ""
    scalar = input_of(dataset, 6, "scalar")
    assert scalar.mean_kind == "scalar"
    assert scalar.mean == pytest.approx(dataset.mean_image().mean(), abs=1e-4)


def test_principal_colors_are_those_of_the_data_bit_for_bit():
    dataset = made()
    record = with_colors(input_of(dataset, 6, "image"), dataset.color_pca)
    for found, expected in zip(record.color_pca, dataset.color_pca, strict=True):
        assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


def test_a_mean_image_that_is_too_large_is_cropped(monkeypatch):
    monkeypatch.setattr(of_input, "LARGEST_MEAN", 4 * 3 * SIDE**2 - 1)
    dataset = made()
    record = input_of(dataset, 6, "image")
    assert np.array_equal(record.mean, dataset.mean_image()[:, 2:8, 2:8])


def test_the_same_data_does_not_differ():
    for mean in ("image", "scalar", "none", 12.0):
        assert describe_difference(input_of(made(), 6, mean), NAMES, made()) == []


@pytest.mark.parametrize(
    ("mean", "other", "expected"),
    [
        ("image", {"brighter": 20}, ["mean image that differs by 20 on average (at most 20)"]),
        ("scalar", {"brighter": 20}, ["a mean of 120.6, not 100.6"]),
        ("none", {"brighter": 20}, []),
        ("none", {"side": 14}, ["images of 14x14 pixels, not 10x10"]),
        ("none", {"channels": 1}, ["images of 1 channels, not 3"]),
        ("none", {"names": ("dog", "cat")}, ["class 0 is 'dog', not 'cat' (2 classes differ)"]),
        ("none", {"names": ("cat", "dog", "cow")}, ["3 classes, not 2"]),
    ],
)
def test_differences_are_named_with_their_size(mean, other, expected):
    found = describe_difference(input_of(made(), 6, mean), NAMES, made(**other))
    assert len(found) == bool(expected)
    assert all(text in found[0] for text in expected)


def test_images_of_another_side_are_compared_at_their_centers():
    found = describe_difference(input_of(made(), 6, "image"), (), made(side=30))
    assert len(found) == 2 and "differs by" in found[1]


def test_features_keep_the_scale_of_the_training(tmp_path):
    write_folder(tmp_path / "one")
    write_folder(tmp_path / "two")
    values = np.load(tmp_path / "two/train.npy")
    np.save(tmp_path / "two/train.npy", values * 2)
    first, second = (open_dataset(tmp_path / name) for name in ("one", "two"))
    record = input_of(first, 1, "image")
    assert record.scale == first.scale != second.scale
    (difference, _) = describe_difference(record, (), second)
    assert f"values to divide by {second.scale:.4g}, not {first.scale:.4g}" in difference
    second.use_scale(record.scale)
    images = [dataset.images("test", [0, 1]) for dataset in (first, second)]
    assert np.array_equal(*images)
    (mean,) = describe_difference(record, (), second)
    assert "mean image" in mean


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value, tmp_path):
    write_folder(tmp_path)
    values = np.load(tmp_path / "test.npy")
    values[7, 2] = value
    np.save(tmp_path / "test.npy", values)
    feed = Feed(open_dataset(tmp_path), "test", 6)
    feed.minibatch(0, 0)
    with pytest.raises(DataError, match="test case 7 holds values that are not finite"):
        feed.minibatch(0, 1)
    np.save(tmp_path / "train.npy", np.full((40, 5), value, np.float32))
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(DataError, match="training case 0 has a value that is not fin"),
    ):
        Feed(open_dataset(tmp_path), "test", 6)


def test_images_have_no_scale():
    made().use_scale(1.0)
    with pytest.raises(DataError, match="not divided by 2"):
        made().use_scale(2.0)


def test_a_network_input_is_what_a_test_makes():
    dataset = made()
    record = input_of(dataset, 6, "image")
    indices = np.arange(12)
    batch = Feed(dataset, "test", 12, FeedOptions(side=6)).minibatch(0, 0)
    found = network_input(record, dataset.images("test", indices))
    assert np.array_equal(found.reshape(12, -1).T, batch.matrices[0])
    crops = dataset.images("test", indices)[:, :, 2:8, 2:8]
    assert np.array_equal(network_input(record, crops), found)


@pytest.mark.parametrize("shape", [(2, 3, 9, 9), (2, 10, 10, 3), (3, 10, 10), (2, 1, 10, 10)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(DataError, match=r"\(cases, 3, 10, 10\) or \(cases, 3, 6, 6\), found"):
        network_input(input_of(made(), 6, "image"), np.zeros(shape))


def test_images_that_are_not_numbers_are_refused():
    images = np.zeros((2, 3, 10, 10))
    images[1, 0, 0, 0] = np.inf
    with pytest.raises(DataError, match="not finite"):
        network_input(input_of(made(), 6, "image"), images)


@pytest.mark.parametrize(("inner", "is_small"), [(10, False), (5, False), (4, True), (1, True)])
def test_a_crop_of_less_than_half_the_side_is_small(inner, is_small):
    line = small_crop(made(), inner)
    assert bool(line) == is_small
    if is_small:
        assert f"{inner}x{inner}" in line and "10x10" in line and "--inner-size" in line
