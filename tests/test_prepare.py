"""How the options of the command line choose and cut the data."""

import numpy as np
import pytest

from convnet.language import Source
from convnet.language.specs import Specs
from convnet.prepare import DataOptions, prepare

LAYERS = """
[data]
type=data
dataIdx=0
imgSize=20
[sum]
type=cost.sum2
inputs=data
"""


def prepared(**options):
    specs = Specs.parse(Source.from_text(LAYERS), Source.from_text("[sum]\ncoeff=1\n"))
    return prepare(specs, DataOptions(data="shapes:side=24,train=30", **options), "convnet")


def pixels_by_image(feed, epoch):
    batch = feed.minibatch(epoch, 0)
    return batch.matrices[0][:, np.argsort(batch.indices)]


@pytest.mark.parametrize(("augment", "differs"), [(None, True), (False, False)])
def test_augmentation_can_be_left_out(augment, differs):
    feed = prepared(augment=augment).feed("train", 30, seed=1)
    same = np.array_equal(pixels_by_image(feed, 0), pixels_by_image(feed, 1))
    assert same != differs


def test_a_plain_feed_has_the_training_images_in_order_as_tests_see_them():
    found = prepared(color_noise=0.5)
    batch = found.feed("train", 30, seed=1, plain=True).minibatch(0, 0)
    assert batch.indices.tolist() == list(range(30))
    centres = found.dataset.images("train", batch.indices)[:, :, 2:22, 2:22]
    expected = centres - found.dataset.mean_image()[:, 2:22, 2:22]
    np.testing.assert_allclose(batch.matrices[0].T.reshape(centres.shape), expected, atol=1e-4)


def test_what_was_opened_is_told():
    found = prepared()
    assert found.opened["name"] == "shapes:side=24,train=30"
    assert found.dataset.count("train") == 30 and found.side == 20
