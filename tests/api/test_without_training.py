"""Networks made with `training=False`, which predict but cannot be trained."""

import numpy as np
import pytest

import convnet
from tests.support.paths import ROOT

FILES = ROOT / "layers/digits.cfg", ROOT / "params/digits.params"
IMAGES = np.random.default_rng(0).standard_normal((8, 1, 8, 8)).astype(np.float32)
LABELS = np.arange(8)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A checkpoint with velocities."""
    net = convnet.Net.from_files(*FILES, minibatch=8)
    net.train(IMAGES, LABELS)
    path = tmp_path_factory.mktemp("saved") / "digits.safetensors"
    net.save(path)
    return path


def test_it_predicts_the_same_in_less_memory(path):
    nets = [convnet.Net.load(path, minibatch=8, training=training) for training in (True, False)]
    expected, found = (net.predict(IMAGES) for net in nets)
    np.testing.assert_array_equal(found, expected)
    assert nets[0].forward(IMAGES, LABELS) == nets[1].forward(IMAGES, LABELS)
    planned = [sum(net.network.plan.bytes()[0].values()) for net in nets]
    assert planned[1] < 0.6 * planned[0]


def test_changed_weights_are_used(path):
    net = convnet.Net.load(path, training=False)
    before = net.predict(IMAGES)
    net.set_weights("conv2", net.weights("conv2") * 2)
    assert not np.allclose(net.predict(IMAGES), before)


@pytest.mark.parametrize("training", [True, False])
def test_a_loaded_net_draws_no_initial_weights(path, training, monkeypatch):
    def refuse(*_):
        raise AssertionError("drawn")

    monkeypatch.setattr("convnet.network.network.initial_values", refuse)
    assert convnet.Net.load(path, training=training).weights("fc4").std() > 0
    with pytest.raises(AssertionError, match="drawn"):
        convnet.Net.from_files(*FILES, training=training)


def test_initial_weights_are_those_of_a_trained_net():
    nets = [convnet.Net.from_files(*FILES, seed=3, training=each) for each in (True, False)]
    for layer in ("conv1", "fc4"):
        np.testing.assert_array_equal(nets[1].weights(layer), nets[0].weights(layer))
    assert nets[1].weights("fc4").std() > 0


@pytest.mark.parametrize(
    "call",
    [
        lambda net: net.train(IMAGES, LABELS),
        lambda net: net.backward(IMAGES, LABELS),
        lambda net: net.fit((IMAGES, LABELS), 1),
        lambda net: net.weights_gradient("conv1"),
        lambda net: net.biases_gradient("conv1"),
    ],
    ids=["train", "backward", "fit", "weights_gradient", "biases_gradient"],
)
def test_what_needs_gradients_is_refused(path, call):
    net = convnet.Net.load(path, training=False)
    with pytest.raises(convnet.ConvnetError, match="with training=False.*without that argument"):
        call(net)


def test_a_saved_net_is_loaded_and_trained(path, tmp_path):
    net = convnet.Net.load(path, training=False)
    net.save(tmp_path / "saved.safetensors")
    again = convnet.Net.load(tmp_path / "saved.safetensors", minibatch=8)
    np.testing.assert_array_equal(again.predict(IMAGES), net.predict(IMAGES))
    assert np.isfinite(again.train(IMAGES, LABELS)["logprob"]["cost"])
