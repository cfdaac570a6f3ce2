"""How the options of the command line choose and cut the data."""

import numpy as np
import pytest

from convnet.errors import DataError, SpecError
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
    centers = found.dataset.images("train", batch.indices)[:, :, 2:22, 2:22]
    expected = centers - found.dataset.mean_image()[:, 2:22, 2:22]
    np.testing.assert_allclose(batch.matrices[0].T.reshape(centers.shape), expected, atol=1e-4)


def test_what_was_opened_is_told():
    found = prepared()
    assert found.opened["name"] == "shapes:side=24,train=30"
    assert found.dataset.count("train") == 30 and found.side == 20


# -- crops -----------------------------------------------------------------------------------------

PLAIN = LAYERS.replace("imgSize=20\n", "")


def prepared_plain(data="shapes:side=24,train=30", **options):
    specs = Specs.parse(Source.from_text(PLAIN), Source.from_text("[sum]\ncoeff=1\n"))
    return prepare(specs, DataOptions(data=data, **options), "convnet")


@pytest.mark.parametrize(
    ("options", "side"),
    [
        ({}, 24),
        ({"inner_size": 0}, 24),
        ({"inner_size": 24}, 24),
        ({"inner_size": 18}, 18),
        ({"crop_border": 0}, 24),
        ({"crop_border": 5}, 14),
    ],
)
def test_the_side_of_the_crops(options, side):
    assert prepared_plain(**options).side == side


def test_no_crop_means_the_whole_image_also_where_the_file_declares_a_size():
    with pytest.raises(SpecError, match="imgSize|declares"):
        specs = Specs.parse(
            Source.from_text(LAYERS.replace("20", "25")), Source.from_text("[sum]\ncoeff=1\n")
        )
        prepare(specs, DataOptions(data="shapes:side=24,train=30", inner_size=0), "convnet")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inner_size": 25}, "--inner-size 25: .*images of 24x24; give at most 24, or 0"),
        ({"inner_size": -1}, "--inner-size -1 is negative; 0 means no crop"),
        ({"crop_border": 12}, "--crop-border 12 leaves nothing .*24x24: give 0 to 11"),
        ({"crop_border": -1}, "--crop-border -1 leaves nothing"),
        ({"crop_border": 2, "inner_size": 20}, "give one of them"),
    ],
)
def test_crops_that_do_not_fit_are_refused_by_name(options, message):
    with pytest.raises(DataError, match=message):
        prepared_plain(**options)


def test_images_that_are_smaller_than_the_network_needs_are_refused_at_once():
    specs = Specs.parse(Source.from_text(LAYERS), Source.from_text("[sum]\ncoeff=1\n"))
    with pytest.raises(DataError, match="images of 16x16, the network expects 20x20"):
        prepare(specs, DataOptions(data="shapes:side=16,train=30"), "convnet")


@pytest.mark.parametrize(("side", "warns"), [(40, False), (41, True), (256, True)])
def test_a_network_for_small_images_on_large_ones_is_a_warning(side, warns):
    specs = Specs.parse(Source.from_text(LAYERS), Source.from_text("[sum]\ncoeff=1\n"))
    notes = prepare(specs, DataOptions(data=f"shapes:side={side},train=30"), "convnet").notes
    found = [line for line in notes if line.startswith("warning: the network sees crops of 20x20")]
    assert len(found) == warns
    assert all(f"{side}x{side} pixels" in line and "--inner-size" in line for line in found)


@pytest.mark.parametrize("mean", ["image", "scalar", "none", 127.5])
def test_what_is_subtracted(mean):
    found = prepared_plain(mean=mean)
    batch = found.feed("test", 4).minibatch(0, 0)
    image = found.dataset.mean_image()
    values = {"image": image, "scalar": image.mean(dtype=float), "none": 0.0}
    expected = found.dataset.images("test", batch.indices) - values.get(mean, mean)
    np.testing.assert_allclose(batch.matrices[0].T.reshape(expected.shape), expected, atol=1e-4)
