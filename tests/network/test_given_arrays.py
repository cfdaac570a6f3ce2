"""The arrays that a user gives a network: what fits, and the message on what does not."""

import numpy as np
import pytest

from convnet import Net
from convnet.errors import ConvnetError, DataError

LAYERS = """
[data]
type=data
dataIdx=0
channels=3
imgSize=4
[labels]
type=data
dataIdx=1
[scores]
type=fc
inputs=data
outputs=5
initW=0.1
[probs]
type=softmax
inputs=scores
[logprob]
type=cost.logreg
inputs=labels,probs
"""
PARAMS = "[scores]\nepsW=0.1\nepsB=0.1\nmomW=0\nmomB=0\nwc=0\n[logprob]\ncoeff=1\n"
IMAGES, LABELS = np.random.default_rng(0).normal(size=(6, 3, 4, 4)), np.array([0, 1, 2, 3, 4, 0])
CALLS = ("forward", "backward", "train")


@pytest.fixture
def net():
    return Net.from_text(LAYERS, PARAMS, minibatch=8, seed=2)


def with_value(array, place, value):
    changed = np.array(array, float)
    changed[place] = value
    return changed


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), r"found 0 matrices; .* 0 \(data\), 1 \(labels\)"),
        ((IMAGES, LABELS, LABELS), r"found 3 matrices; .*give 2, in the order of dataIdx"),
        ((IMAGES.transpose(0, 2, 3, 1), LABELS),
         r"matrix 0, which data reads, has the shape \(cases, 3, 4, 4\) or \(cases, 48\), found an "
         r"array of shape \(6, 4, 4, 3\)"),
        ((IMAGES[0], LABELS[:3]), r"found an array of shape \(3, 4, 4\)"),
        ((IMAGES[:, :, :3, :3], LABELS), r"found an array of shape \(6, 3, 3, 3\)"),
        ((np.zeros((6, 49)), LABELS), r"found an array of shape \(6, 49\)"),
        ((IMAGES.reshape(6, 12, 4), LABELS), r"found an array of shape \(6, 12, 4\)"),
        ((IMAGES, LABELS[:5]), r"equally many cases, found the shapes \(6, 3, 4, 4\), \(5,\)"),
        ((IMAGES, np.eye(5)[LABELS]), r"\(cases,\), found an array of shape \(6, 5\)"),
        ((np.zeros((9, 48)), np.zeros(9)), r"1 to 8 cases here, found 9 .*\(9, 48\)"),
        ((np.zeros((0, 48)), np.zeros(0)), r"1 to 8 cases here, found 0"),
        ((3.0, LABELS), "matrix 0 has the cases in its first dimension, found a number"),
        ((IMAGES.astype(complex), LABELS), "matrix 0 holds numbers, found .* complex128"),
        ((IMAGES.astype(str), LABELS), "matrix 0 holds numbers"),
        (([[1, 2], [3]], LABELS), "matrix 0 is not an array|matrix 0 holds numbers"),
        ((with_value(IMAGES, (2, 1, 0, 0), np.nan), LABELS), "not finite .* case 2 "),
        ((with_value(IMAGES, (3, 0, 0, 0), -np.inf), LABELS), "not finite .* case 3 "),
        ((with_value(IMAGES, (4, 0, 0, 0), 1e39), LABELS), "not finite numbers of float32"),
        ((IMAGES, with_value(LABELS, 1, np.nan)), "matrix 1 holds values that are not finite"),
        ((IMAGES, with_value(LABELS, 5, 5)), "label 5.0 in case 5; .* integers from 0 to 4"),
        ((IMAGES, LABELS - 1), "label -1 in case 0"),
        ((IMAGES, LABELS + 0.5), "label 0.5 in case 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_shapes(net, call, given, message):
    before = net.weights("scores")
    with pytest.raises(DataError, match=message):
        getattr(net, call)(*given)
    assert np.array_equal(net.weights("scores"), before)


@pytest.mark.parametrize(
    "images",
    [IMAGES.reshape(6, 48), IMAGES.astype(np.float32), IMAGES.tolist(), np.asfortranarray(IMAGES)],
)
def test_forms_of_the_same_images(net, images):
    expected = net.forward(IMAGES, LABELS.reshape(6, 1))
    assert net.forward(images, LABELS)["logprob"] == pytest.approx(expected["logprob"])


def test_labels_may_be_left_out_of_a_test_only(net):
    net.forward(IMAGES, LABELS)
    expected = net.activities("probs")
    net.forward(IMAGES)
    assert np.array_equal(net.activities("probs"), expected)
    for call in (net.train, net.backward):
        with pytest.raises(DataError, match="found 1 matrix; .*give 2"):
            call(IMAGES)


def test_images_without_a_declared_size_are_square_and_channels_first():
    layers = LAYERS.replace("channels=3\nimgSize=4\n", "")
    net = Net.from_text(layers, PARAMS, minibatch=8, data_dims={0: 48, 1: 1}, classes=5)
    net.train(IMAGES, LABELS)
    with pytest.raises(DataError, match=r"\(6, 4, 4, 3\)"):
        net.train(IMAGES.transpose(0, 2, 3, 1), LABELS)


def test_images_of_one_channel_need_no_channels():
    layers = LAYERS.replace("channels=3", "channels=1")
    net = Net.from_text(layers, PARAMS, minibatch=8)
    one = IMAGES[:, :1]
    assert net.forward(one[:, 0], LABELS) == net.forward(one, LABELS)


@pytest.mark.parametrize("progress", [-0.1, 1.1, float("nan")])
def test_progress_is_a_share(net, progress):
    with pytest.raises(ConvnetError, match="0 to 1, found"):
        net.train(IMAGES, LABELS, progress=progress)


def test_weights_must_be_finite(net):
    before = net.weights("scores")
    with pytest.raises(ConvnetError, match=r"scores.weights.0: .* not finite"):
        net.set_weights("scores", with_value(before, (0, 0), np.nan))
    assert np.array_equal(net.weights("scores"), before)
