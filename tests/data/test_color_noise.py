"""PCA color augmentation: the statistics of the training images, and which images get noise."""

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, open_dataset
from convnet.data.color_noise import SAMPLE
from convnet.data.dataset import ArrayDataset
from convnet.data.datasets.cuda_convnet import CudaConvnetFolder
from convnet.errors import DataError
from convnet.language import Source
from convnet.language.specs import Specs
from convnet.prepare import DataOptions, prepare
from tests.support.python2_pickle import python2_pickle

ROTATION = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]


class Colored(ArrayDataset):
    """Images of 4x4 whose colors vary mostly along one line."""

    def __init__(self, count=60):
        random = np.random.default_rng(1)
        colors = 120 + (random.normal(size=(count * 16, 3)) * [30, 12, 4]) @ ROTATION.T
        images = np.clip(np.rint(colors), 0, 255).astype(np.uint8).reshape(count, 4, 4, 3)
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        labels = np.zeros(count, int)
        both = {"train": images, "test": images}
        super().__init__("colored", ["a"], both, {"train": labels, "test": labels})


def test_principal_colors_of_all_pixels():
    dataset = Colored()
    deviations, vectors = dataset.color_pca
    pixels = np.moveaxis(dataset.images("train", np.arange(60)), 1, 0).reshape(3, -1)
    covariance = (vectors * deviations**2) @ vectors.T
    assert np.allclose(covariance, np.cov(pixels, bias=True))
    assert dataset.count("train") < SAMPLE


def test_training_images_are_shifted_and_scaled_and_others_are_not():
    dataset = Colored()
    plain, noisy = (
        Feed(dataset, "train", 20, FeedOptions(seed=9, mean="scalar", color_noise=c))
        for c in (0, 0.25)
    )
    before, after = (f.minibatch(1, 2).matrices[0].reshape(3, 16, 20) for f in (plain, noisy))
    shifts = after * 1.25 - before
    assert np.ptp(shifts, axis=1).max() < 1e-4  # one shift for all pixels of an image
    assert shifts.std(axis=2).max() > 2
    tests = (
        Feed(dataset, "test", 20, FeedOptions(color_noise=0.25, mean="none"))
        .minibatch(0, 0)
        .matrices[0]
    )
    assert np.array_equal(tests, np.rint(tests))


def test_noise_is_a_function_of_seed_epoch_and_image():
    dataset = Colored()

    def shifts(seed, epoch, minibatch):
        feed = Feed(dataset, "train", 20, FeedOptions(seed=seed, shuffle=False, color_noise=1.0))
        return feed.minibatch(epoch, minibatch).matrices[0]

    assert np.array_equal(shifts(1, 0, 0), shifts(1, 0, 0))
    assert not np.array_equal(shifts(1, 0, 0), shifts(1, 1, 0))
    assert not np.array_equal(shifts(1, 0, 0), shifts(2, 0, 0))
    whole = Feed(
        dataset, "train", 60, FeedOptions(seed=1, shuffle=False, color_noise=1.0)
    ).minibatch(0, 0)
    assert np.array_equal(whole.matrices[0][:, 20:40], shifts(1, 0, 1))


def test_a_folder_brings_its_own_colors(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    pixels = np.arange(48, dtype=np.uint8).reshape(12, 4)
    for n in (1, 2):
        batch = {"data": pixels, "labels": [0, 1, 0, 1]}
        (folder / f"data_batch_{n}").write_bytes(python2_pickle(batch, 2))
    pca = (np.array([1.0, 2.0, 3.0]), ROTATION)
    meta = {"label_names": [b"a", b"b"], "num_vis": 12, "color_pca": pca}
    (folder / "batches.meta").write_bytes(python2_pickle(meta, 2))
    deviations, vectors = open_dataset(folder).color_pca
    assert np.array_equal(deviations, [1, 2, 3]) and np.array_equal(vectors, ROTATION)
    (folder / "batches.meta").write_bytes(python2_pickle({**meta, "color_pca": [1, 2]}, 2))
    with pytest.raises(DataError, match="color_pca"):
        _ = CudaConvnetFolder(folder, "data").color_pca


@pytest.mark.parametrize("strength", [-0.1, float("nan"), 1000])
def test_strengths_that_make_no_sense(strength):
    with pytest.raises(DataError, match="color noise"):
        Feed(Colored(), "train", 20, FeedOptions(color_noise=strength))


@pytest.mark.parametrize(
    ("dialect", "value", "expected"),
    [
        ("cc2", None, "image"),
        ("cc2", -1, "image"),
        ("cc2", 0, 0),
        ("cc2", 120, 120),
        ("chm", 1, "scalar"),
        ("chm", 0, "image"),
    ],
)
def test_scalar_mean_is_read_as_each_system_does(dialect, value, expected):
    layers = "[data]\ntype=data\ndataIdx=0\n[sum]\ntype=cost.sum2\ninputs=data\n"
    specs = Specs.parse(Source.from_text(layers), Source.from_text("[sum]\ncoeff=1\n"))
    options = DataOptions(data="digits", scalar_mean=value)
    assert prepare(specs, options, dialect).mean() == expected


def test_a_mean_that_is_no_number():
    with pytest.raises(DataError, match="nan"):
        Feed(Colored(), "train", 20, FeedOptions(mean=float("nan")))
