"""`Net.filters` and `Net.maps`, `convnet.curves` and `convnet.Confusion`."""

import numpy as np
import pytest
from PIL import Image

import convnet
from convnet.data import open_dataset
from convnet.errors import ConvnetError, DataError


@pytest.fixture(scope="module")
def net(trained):
    return convnet.load(trained / "checkpoints", minibatch=4)


@pytest.fixture(scope="module")
def digits():
    return open_dataset("digits").images("test", np.arange(4))


def test_filters_are_the_weights(net):
    found = net.filters("conv1")
    assert list(found.arrays) == ["conv1"]
    np.testing.assert_array_equal(found.arrays["conv1"], net.weights("conv1"))
    assert found.arrays["conv1"].shape == (32, 1, 3, 3)
    np.testing.assert_array_equal(net.filters().arrays["conv1"], found.arrays["conv1"])
    rows = net.filters("fc4", channels=2).arrays["fc4"]
    np.testing.assert_array_equal(rows.reshape(10, -1), net.weights("fc4"))
    assert rows.shape == (10, 2, 8, 8)


def test_figures_of_filters_are_those_of_the_command(net, trained, tmp_path):
    from tests.support.command_line import good

    good("show-filters", "--load", trained / "checkpoints", "--out", tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as picture:
        assert np.array_equal(np.asarray(picture), np.asarray(net.filters("conv1").figure()))
    one, each = (net.filters("conv1").figure(norm_filters=norm) for norm in (False, True))
    assert not np.array_equal(np.asarray(one), np.asarray(each))


def test_maps_of_the_last_minibatch(net, digits):
    net.forward(net.preprocess(digits))
    found = net.maps("conv2", case=3)
    np.testing.assert_array_equal(found.arrays["conv2"], net.activities("conv2")[3])
    assert found.seen is None and found.figure().width > 900


def test_maps_of_an_image(net, digits):
    """Given as an array of the data set, or as a picture of any size."""
    net.forward(net.preprocess(digits))
    expected = net.activities("probs")[2]
    found = net.maps("probs", digits[2:3])
    np.testing.assert_allclose(found.arrays["probs"].ravel(), expected, atol=1e-6)
    assert found.names == tuple("0123456789")
    assert (found.seen.pixels == digits[2]).all()
    np.testing.assert_allclose(found.seen.values, net.preprocess(digits[2:3])[0])
    picture = Image.fromarray(digits[2, 0]).resize((80, 80), Image.Resampling.NEAREST)
    again = net.maps("probs", picture)
    assert again.arrays["probs"].argmax() == expected.argmax()
    assert again.seen.pixels.shape == (1, 8, 8)


def test_what_cannot_be_shown(net, digits, trained):
    with pytest.raises(DataError, match="there is no layer conv9"):
        net.maps("conv9", digits[:1])
    with pytest.raises(DataError, match="give one image; found 4"):
        net.maps("conv1", digits)
    with pytest.raises(DataError, match="no weights"):
        net.filters("probs")
    net.forward(net.preprocess(digits))
    with pytest.raises(ConvnetError, match="cases 0 to 3, there is no 4"):
        net.maps("conv1", case=4)
    fresh = convnet.load(trained / "checkpoints", minibatch=1)
    with pytest.raises(ConvnetError, match="no activities yet"):
        fresh.maps("conv1")
    fresh.input = None
    with pytest.raises(ConvnetError, match="no record"):
        fresh.maps("conv1", digits[:1])


def test_what_the_package_offers(trained, net, digits):
    labels = open_dataset("digits").labels("test", np.arange(4))
    found = convnet.Confusion.of(labels, net.predict(digits), net.class_names)
    assert found.cases.sum() == 4 and found.figure().width > 600
    assert len(convnet.curves(trained / "checkpoints")["logprob"]["cost"].training) >= 30
    assert {"Confusion", "Net", "curves", "load"} <= set(convnet.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = convnet.nothing
