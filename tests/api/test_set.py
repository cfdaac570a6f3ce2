"""`Net(set=...)`: keys of the files from Python."""

import numpy as np
import pytest

from convnet import Net
from convnet.errors import CheckpointError, ConvnetError, SpecError
from tests.support.paths import ROOT

FILES = (ROOT / "layers/digits.cfg", ROOT / "params/digits.params")


def net(**given):
    return Net.from_files(*FILES, minibatch=4, set=given)


def test_values_of_every_type():
    found = net(
        **{
            "conv1.epsW": np.float32(0.5),
            "conv1.initW": [0.25],
            "fc3.outputs": np.int64(20),
            "fc3.neuron": "tanh[1,2]",
            "conv2.sharedBiases": np.bool_(False),
            "conv2.initW": np.array([0.125]),
            "conv2.epsW": np.array(0.25),
        }
    )
    layers = {node.name: node.layer for node in found.graph.nodes}
    assert layers["conv1"].eps_w[0].base == 0.5
    assert layers["conv1"].init_w == (0.25,)
    assert layers["conv2"].init_w == (0.125,) and layers["conv2"].eps_w[0].base == 0.25
    assert layers["conv2"].shared_biases is False
    assert found.weights("fc3").shape[0] == 20
    assert "neuron=tanh[1,2]" in found.specs.layers.source.text


def test_a_saved_network_has_them_and_a_loaded_one_takes_others(tmp_path):
    net(**{"fc3.outputs": 20}).save(tmp_path / "net.safetensors")
    again = Net.load(tmp_path / "net.safetensors", set={"fc4.epsW": 0})
    assert again.weights("fc3").shape[0] == 20
    assert again.graph.node("fc4").layer.eps_w[0].base == 0
    with pytest.raises(CheckpointError, match="fc3"):
        Net.load(tmp_path / "net.safetensors", set={"fc3.outputs": 21})


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        ({"fc3.epsV": 1}, SpecError, "set fc3.epsV: fc layers have no key 'epsV'"),
        ({"fc3.epsW": "x"}, SpecError, "set fc3.epsW: fc3: epsW must be a number"),
        ({"fc3.epsW": float("nan")}, SpecError, "set fc3.epsW: fc3: epsW must be a number"),
        ({"fc3.epsW": None}, ConvnetError, "set fc3.epsW: a value is a text, a number or a list"),
        ([("fc3.epsW", 1)], ConvnetError, "set is a dictionary"),
    ],
)
def test_refused(given, kind, expected):
    with pytest.raises(kind, match=expected):
        Net.from_files(*FILES, minibatch=4, set=given)
