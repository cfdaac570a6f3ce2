"""The built-in sets: digits, shapes, synthetic."""

import numpy as np
import pytest

from convnet.data import open_dataset
from convnet.data.datasets.shapes import Shapes
from convnet.data.datasets.shapes_scene import COLORS, FIGURES, TEXTURES, scenes
from convnet.errors import DataError


def all_of(dataset, split):
    indices = np.arange(dataset.count(split))
    return dataset.images(split, indices), dataset.labels(split, indices)


def nearest_mean_accuracy(dataset):
    """Share of the test set whose class mean is the nearest one: a linear classifier."""
    images, labels = all_of(dataset, "train")
    flat = images.reshape(len(images), -1).astype(np.float32)
    means = np.stack([flat[labels == k].mean(axis=0) for k in range(dataset.classes)])
    images, labels = all_of(dataset, "test")
    score = images.reshape(len(images), -1) @ means.T - (means**2).sum(axis=1) / 2
    return (score.argmax(axis=1) == labels).mean()


def test_digits_are_the_packaged_images_in_a_fixed_split():
    digits = open_dataset("digits")
    assert (digits.classes, digits.channels, digits.side) == (10, 1, 8)
    assert (digits.count("train"), digits.count("test")) == (1501, 296)
    (train, train_labels), (test, test_labels) = all_of(digits, "train"), all_of(digits, "test")
    assert train.dtype == np.uint8 and (train.min(), train.max()) == (0, 255)
    assert np.bincount(test_labels).tolist() == [29, 30, 29, 30, 30, 30, 30, 29, 29, 30]
    # 16 dark pixels are 255, so every value is a multiple of 255 / 16
    steps = np.unique(np.concatenate([train, test]))
    np.testing.assert_array_equal(steps, np.rint(np.arange(17) * 255 / 16))
    assert train[0, 0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert train_labels[:10].tolist() == list(range(10))
    assert not digits.mirrors
    assert nearest_mean_accuracy(digits) > 0.85
    np.testing.assert_allclose(digits.mean_image(), train.mean(axis=0), rtol=1e-6)


def test_digits_have_their_license_beside_them():
    from convnet.data.datasets import digits

    text = digits._FILE.with_name("digits.LICENCE.txt").read_text()
    assert "CC BY 4.0" in text and "10.24432/C50P49" in text


@pytest.mark.parametrize("side", [16, 33, 224])
def test_any_image_of_shapes_can_be_rendered_alone(side):
    shapes = open_dataset("shapes", side=side, classes=100, seed=3)
    images = shapes.images("train", np.arange(20))
    assert images.shape == (20, 3, side, side) and images.dtype == np.uint8
    np.testing.assert_array_equal(shapes.images("train", [13, 4]), images[[13, 4]])
    again = Shapes(side, 100, seed=3)
    np.testing.assert_array_equal(again.images("train", [19]), images[19:])


def test_shapes_depend_on_seed_and_split_and_differ():
    shapes = Shapes(32, 10, seed=0)
    indices = np.arange(200)
    train, test = shapes.images("train", indices), shapes.images("test", indices)
    other = Shapes(32, 10, seed=1).images("train", indices)
    everything = np.concatenate([train, test, other]).reshape(600, -1)
    assert len(np.unique(everything, axis=0)) == 600
    assert everything.std() > 40


def test_shapes_labels_are_balanced_and_named():
    shapes = Shapes(16, 30, train=90, test=60)
    assert (shapes.count("train"), shapes.count("test")) == (90, 60)
    for split, each in (("train", 3), ("test", 2)):
        assert (
            np.bincount(shapes.labels(split, np.arange(shapes.count(split)))).tolist()
            == [each] * 30
        )
    assert shapes.class_names[0] == "disc, vertical stripes, red and green"
    assert Shapes(16, 1000).count("train") == 64_000
    assert Shapes(16, 1000).count("test") == 5_000
    assert Shapes(16, 10, train=1_200_000).count("train") == 1_200_000


@pytest.mark.parametrize("classes", [2, 3, 10, 100, 512, 999, 1000])
def test_shapes_classes_are_distinct_and_no_part_tells_them_apart(classes):
    kinds = Shapes(16, classes)._kinds
    assert len(np.unique(kinds, axis=0)) == classes
    parts = [len(np.unique(kinds[:, i])) for i in range(3)]
    assert all(have <= most for have, most in zip(parts, (10, 10, 10), strict=True))
    assert classes < 10 or max(parts) <= classes / 3
    assert (len(FIGURES), len(TEXTURES), len(COLORS)) == (10, 10, 10)


def test_directions_that_make_a_class_keep_within_eight_degrees():
    kinds = np.zeros((500, 3), int)
    kinds[:, 1] = np.arange(500) % 3  # vertical, horizontal, diagonal
    keys = np.random.default_rng(0).integers(0, 2**63, 500).astype(np.uint64)
    wave = scenes(keys, kinds, 32)["wave"]
    degrees = np.rad2deg(np.arctan2(wave[:, 1], wave[:, 0]))
    ideal = np.array([0, 90, 45])[kinds[:, 1]]
    folded = np.where(kinds[:, 1] == 2, np.abs(degrees), degrees)
    off = np.abs(folded - ideal)
    assert 6 < off.max() <= 8.001
    assert set(np.sign(degrees[kinds[:, 1] == 2])) == {-1, 1}


def test_shapes_defeat_a_linear_classifier():
    assert 0.1 < nearest_mean_accuracy(Shapes(32, 10, train=6000)) < 0.5


def test_shapes_mean_is_gray_and_taken_over_the_first_images():
    shapes = Shapes(32, 10)
    expected = shapes.images("train", np.arange(1024)).mean(axis=0)
    np.testing.assert_allclose(shapes.mean_image(), expected, rtol=1e-5)
    assert shapes.mean_image() is shapes.mean_image()
    assert len(Shapes(512, 10)._mean_sample()) == 64


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"side": 15}, "16 to 512 for side, not 15"),
        ({"side": 1024}, "16 to 512 for side"),
        ({"classes": 1}, "2 to 1,000 for classes, not 1"),
        ({"classes": 1001}, "2 to 1,000 for classes"),
        ({"channels": 1}, "3 channels; the network expects 1"),
    ],
)
def test_sizes_that_shapes_refuses(sizes, message):
    with pytest.raises(DataError, match=message):
        open_dataset("shapes", **sizes)


def test_the_name_of_shapes_may_state_numbers():
    stated = open_dataset("shapes:side=40,train=70,test=9", side=28, classes=7)
    assert (stated.side, stated.classes) == (40, 7)
    assert (stated.count("train"), stated.count("test")) == (70, 9)
    same = Shapes(40, 7)
    np.testing.assert_array_equal(stated.images("train", [3]), same.images("train", [3]))


@pytest.mark.parametrize("name", ["shapes:40", "shapes:side=0", "shapes:size=40", "shapes:"])
def test_numbers_of_shapes_that_mean_nothing(name):
    with pytest.raises(DataError, match="shapes:side=40,train=2000"):
        open_dataset(name)


def test_synthetic_is_uniform_noise_of_the_stated_size():
    noise = open_dataset("synthetic:7x2x9x9", seed=5)
    assert (noise.classes, noise.channels, noise.side) == (7, 2, 9)
    assert noise.name == "synthetic:7x2x9x9"
    images, labels = all_of(noise, "train")
    assert images.shape == (1280, 2, 9, 9)
    assert abs(images.mean() - 127.5) < 1 and abs(images.std() - 73.9) < 1
    assert set(labels) == set(range(7))
    np.testing.assert_array_equal(noise.images("train", [3]), images[3:4])
    assert not np.array_equal(noise.images("test", [3]), images[3:4])
    by_options = open_dataset("synthetic", side=9, channels=2, classes=7, seed=5)
    np.testing.assert_array_equal(by_options.images("train", [3]), images[3:4])


@pytest.mark.parametrize(
    "name", ["synthetic:7", "synthetic:7x2x9x8", "synthetic:0x2x9x9", "synthetic:1x1x9999x9999"]
)
def test_synthetic_names_that_do_not_fit(name):
    with pytest.raises(DataError, match=f"{name}: .*synthetic"):
        open_dataset(name)
