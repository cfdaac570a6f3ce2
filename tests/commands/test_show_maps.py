"""`convnet show-maps`: a layer's activities for an image file."""

import json

import numpy as np
import pytest
from PIL import Image

from convnet import Net
from convnet.data import open_dataset
from tests.support.command_line import good, run


@pytest.fixture(scope="module")
def digit(tmp_path_factory):
    """A test image of `digits` as a file."""
    image = open_dataset("digits").images("test", np.array([17]))[0, 0]
    path = tmp_path_factory.mktemp("digit") / "seven.png"
    Image.fromarray(image).save(path)
    return path


@pytest.fixture
def net(inside):
    net = Net.load("checkpoints", minibatch=1)
    net.forward(net.preprocess(open_dataset("digits").images("test", np.array([17]))))
    return net


@pytest.mark.parametrize("layer", ["conv1", "pool2", "fc3", "probs", "data"])
def test_values_are_the_activities_of_the_prepared_image(net, digit, tmp_path, layer):
    facts = json.loads(good("show-maps", digit, "--layer", layer, "--json",
                            "--npz", tmp_path / "maps.npz").stdout)  # fmt: skip
    with np.load(tmp_path / "maps.npz", allow_pickle=False) as found:
        arrays = dict(found)
    assert set(arrays) == {"input", layer}
    expected = net.activities(layer)[0]
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(arrays[layer].reshape(expected.shape), expected, atol=1e-5)
    np.testing.assert_allclose(arrays["input"], net.activities("data")[0], atol=1e-5)
    (one,) = facts["layers"]
    assert one["name"] == layer and one["devices"] == ([] if layer == "data" else [0])
    np.testing.assert_allclose(np.reshape(one["values"], expected.shape), expected, atol=1e-5)


def test_the_picture_is_of_the_first_layer_by_default(inside, digit, tmp_path):
    result = good("show-maps", digit, "--out", tmp_path / "m.png")
    named = good("show-maps", digit, "--layer", "conv1", "--out", tmp_path / "n.png")
    alone = good("show-maps", digit, "--norm-maps", "--out", tmp_path / "a.png")
    assert all("pixels" in each.stdout for each in (result, named, alone))
    pictures = [(tmp_path / f"{name}.png").read_bytes() for name in "mna"]
    assert pictures[0] == pictures[1] != pictures[2]
    with Image.open(tmp_path / "m.png") as picture:
        assert picture.width > 1000


def test_json_is_printed_alone(inside, digit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = good("show-maps", digit, "--load", inside / "checkpoints", "--json")
    assert json.loads(result.stdout)["image"] == str(digit)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_image_or_no_layer(inside, digit, tmp_path):
    for arguments, message in (
        (["missing.png"], "missing.png"),
        ([__file__], "test_show_maps.py"),
        ([digit, "--layer", "conv7"], "there is no layer conv7"),
        ([digit, "--layer", "logprob"], "is a cost"),
        ([digit, "--out", "maps.xyz"], "names no format of pictures"),
        ([digit, "--npz", tmp_path], "is a folder"),
    ):
        result = run("show-maps", *arguments)
        assert result.exit_code == 1 and message in result.output, arguments
        assert "Traceback" not in result.output and len(result.stdout) == 0
        assert "running on" not in result.output  # refused before the network is made


def test_a_checkpoint_without_a_record_of_its_input(inside, digit, tmp_path):
    net = Net.load("checkpoints", minibatch=1)
    net.input = None
    net.save(tmp_path / "bare.safetensors")
    result = run("show-maps", digit, "--load", tmp_path / "bare.safetensors")
    assert result.exit_code == 1 and "has no record of how its input is made" in result.output
