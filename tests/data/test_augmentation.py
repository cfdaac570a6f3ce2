"""Augmentation (paper, 4.1) against a slow reference in float64, and its distributions.

The reference gets the positions of the crops from the feed; other tests check their distribution.
"""

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, decoding, open_dataset
from convnet.data.dataset import ArrayDataset
from tests.support.shard_sets import made_set

SIDE, WHOLE, STRENGTH = 224, 256, 0.1
PLACES = WHOLE - SIDE + 1


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(made_set(tmp_path_factory.mktemp("set")))


def slow(image, mean, start, flip, shift):
    """Return one image as the network gets it, float64 (3, SIDE, SIDE), row by row."""
    y, x = start
    border = (WHOLE - SIDE) // 2
    columns = [x + (SIDE - 1 - column if flip else column) for column in range(SIDE)]
    out = np.empty((3, SIDE, SIDE))
    for channel in range(3):
        for row in range(SIDE):
            pixels = image[channel, y + row, columns].astype(np.float64)
            subtracted = mean[channel, border + row, border : border + SIDE].astype(np.float64)
            out[channel, row] = (pixels - subtracted + shift[channel]) / (1 + STRENGTH)
    return out


def test_training_images_are_those_of_the_slow_reference(dataset):
    source = Feed(dataset, "train", 6, FeedOptions(side=SIDE, seed=2, color_noise=STRENGTH))
    mean = dataset.mean_image()
    with decoding(dataset, 1):
        batch = source.minibatch(3, 1)
    starts, flips, shifts = source._crops(3, batch.indices)
    assert len(set(flips)) == 2 and np.abs(shifts).min(axis=1).max() > 0.1
    images = dataset.images("train", batch.indices)
    found = batch.matrices[0].reshape(3, SIDE, SIDE, -1)
    for n in range(batch.cases):
        expected = slow(images[n], mean, starts[n], flips[n], shifts[:, n].astype(np.float64))
        np.testing.assert_allclose(found[..., n], expected, rtol=1e-5, atol=1e-4)


def sampled(dataset, cases=200_000):
    """Return starts and flips of crops of many cases."""
    source = Feed(dataset, "train", 8, FeedOptions(side=SIDE, seed=7))
    starts, flips, _ = source._crops(4, np.arange(cases))
    return starts, flips


def test_crops_are_uniform_over_all_places(dataset):
    starts, _ = sampled(dataset)
    counts = np.zeros((PLACES, PLACES), int)
    np.add.at(counts, tuple(starts.T), 1)
    assert counts.min() > 0
    expected = len(starts) / counts.size
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    freedom = counts.size - 1
    assert abs(chi_squared - freedom) < 4 * np.sqrt(2 * freedom)


def test_half_are_mirrored_wherever_the_crop_is(dataset):
    starts, flips = sampled(dataset)
    assert abs(flips.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(flips))
    for axis in (0, 1):
        assert abs(np.corrcoef(starts[:, axis], flips)[0, 1]) < 4 / np.sqrt(len(flips))


@pytest.mark.parametrize("epoch", range(5))
def test_the_order_is_independent_of_the_crops(dataset, epoch):
    """Otherwise the images of a minibatch would be cropped alike."""
    source = Feed(dataset, "train", 30, FeedOptions(side=SIDE, seed=7))
    order = source.indices(epoch, 0)
    starts, flips, _ = source._crops(epoch, order)
    shard = dataset._splits["train"].shard_of[order]
    for values in (*starts.T, flips):
        together = [np.diff(values[shard == s].astype(int)) for s in np.unique(shard)]
        assert any((steps < 0).any() for steps in together)
        assert any((steps > 0).any() for steps in together)


class Points(ArrayDataset):
    """Gray images of one pixel, with given color statistics."""

    def __init__(self, count=4000):
        images = np.full((count, 3, 1, 1), 100, np.uint8)
        both, labels = {"train": images, "test": images}, np.zeros(count, int)
        super().__init__("points", ["a"], both, {"train": labels, "test": labels})

    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    eigenvalues = np.array([3500.0, 300.0, 70.0])  # about ImageNet's
    color_pca = np.sqrt(eigenvalues), rotation


def test_added_colors_have_the_covariance_of_the_principal_components():
    """What is added to RGB has the covariance E diag(lambda) E^T times the strength squared."""
    source = Feed(Points(), "train", 4000, FeedOptions(seed=1, mean="none", color_noise=STRENGTH))
    epochs = [source.minibatch(epoch, 0).matrices[0].astype(np.float64) for epoch in range(50)]
    shifts = np.concatenate(epochs, axis=1) * (1 + STRENGTH) - 100
    expected = STRENGTH**2 * (Points.rotation * Points.eigenvalues) @ Points.rotation.T
    found = np.cov(shifts)
    assert np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)
    along = np.diag(Points.rotation.T @ found @ Points.rotation)
    np.testing.assert_allclose(along, STRENGTH**2 * Points.eigenvalues, rtol=0.02)
    scaled = Points.rotation.T @ shifts / (STRENGTH * np.sqrt(Points.eigenvalues))[:, np.newaxis]
    np.testing.assert_allclose((scaled**4).mean(axis=1), 3, rtol=0.05)  # normally distributed
    assert np.abs(shifts.mean(axis=1)).max() < 0.1
    assert len(np.unique(shifts[0])) > 0.9 * shifts.shape[1]  # fresh for each image and epoch


def test_ten_views_are_those_of_the_slow_reference(dataset):
    source = Feed(dataset, "test", 2, FeedOptions(side=SIDE))
    mean, images = dataset.mean_image(), dataset.images("test", [2, 3])
    far, middle = WHOLE - SIDE, (WHOLE - SIDE) // 2
    places = [(0, 0), (0, far), (middle, middle), (far, 0), (far, far)]
    wanted = [(place, flip) for flip in (False, True) for place in places]
    with decoding(dataset, 1):
        for batch, (place, flip) in zip(source.views(1, 10), wanted, strict=True):
            found = batch.matrices[0].reshape(3, SIDE, SIDE, 2)[..., 1] / (1 + STRENGTH)
            expected = slow(images[1], mean, place, flip, np.zeros(3))
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
