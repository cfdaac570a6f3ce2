"""Networks of DeCAF, and the pickled layers of cuda-convnet that it was shipped with."""

import os
import pickle

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.foreign.decaf import read_decaf
from convnet.foreign.formats import format_of
from tests.support import decaf_files as made

rng = np.random.default_rng(5)
CONV1 = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
CONV2 = rng.standard_normal((6, 2, 5, 5)).astype(np.float32)
FULL = rng.standard_normal((5, 6, 2, 2)).astype(np.float32)
BIASES = {n: rng.standard_normal(n).astype(np.float32) for n in (4, 5, 6)}


@pytest.fixture
def read(tmp_path):
    def read(data):
        (tmp_path / "net").write_bytes(data)
        return read_decaf(tmp_path / "net")

    return read


def whole(protocol=2, **more):
    layers = {
        "conv1": made.convolution("conv1", CONV1, BIASES[4]),
        "conv2": made.grouped("conv2", CONV2, BIASES[6], 2),
        "fc6": made.full("fc6", FULL, BIASES[5]),
        "up": made.other("up", [made.blob(CONV1)]),
        "relu": made.other("relu"),
    }
    return made.net(layers | more, protocol)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_layers_of_a_saved_network(read, tmp_path, protocol):
    file = read(whole(protocol))
    assert file.kind == "DeCAF network" and file.color_order == "RGB" and not file.is_ordered
    assert format_of(tmp_path / "net").name == "DeCAF network"
    conv1, conv2, full = file.layers
    np.testing.assert_array_equal(conv1.weights, CONV1)
    np.testing.assert_array_equal(conv1.biases, BIASES[4])
    np.testing.assert_array_equal(conv2.weights, CONV2)
    np.testing.assert_array_equal(conv2.biases, BIASES[6])
    assert (conv1.groups, conv2.groups) == (1, 2)
    expected = FULL.transpose(0, 2, 3, 1).reshape(5, -1)
    np.testing.assert_array_equal(full.weights, expected)
    assert full.channels_last and full.biases is not None
    assert file.left == (("up", "layers of the class DeconvolutionLayer are not read"),)


@pytest.mark.parametrize("protocol", [0, 2])
def test_layers_of_a_list(read, tmp_path, protocol):
    layers = [("conv1", "conv", CONV1, BIASES[4], 1), ("conv2", "conv", CONV2, BIASES[6], 2),
              ("fc6", "fc", FULL, BIASES[5], 1), ("l", "local", CONV1, BIASES[4], 1)]  # fmt: skip
    file = read(made.listed(layers, protocol))
    assert format_of(tmp_path / "net").name == "DeCAF network" and file.is_ordered
    assert [(layer.name, layer.groups) for layer in file.layers] == [
        ("conv1", 1),
        ("conv2", 2),
        ("fc6", None),
    ]
    for layer, weights in zip(file.layers, (CONV1, CONV2, FULL), strict=True):
        np.testing.assert_array_equal(layer.weights.reshape(weights.shape), weights)
        assert not layer.channels_last
    assert file.left == (("l", "1 matrices of the type local"),)


def test_a_layer_without_biases(read):
    file = read(made.net({"a": made.convolution("a", CONV1, None)}))
    assert file.layers[0].biases is None


class Runs:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_nothing_is_executed(read, tmp_path):
    command = f"touch {tmp_path / 'ran'}"
    for value in (
        [Runs(command)],
        ["a", {"x": (Runs(command), 1, 2)}],
        [{"weights": Runs(command)}],
    ):
        with pytest.raises(DataError, match="net: "):
            read(pickle.dumps(value, 2))
    assert not (tmp_path / "ran").exists()


def damaged(**state):
    return made.net({"a": made._made("decaf.layers.convolution.ConvolutionLayer", state)})


GOOD = {"_ksize": 3, "_kernels": made.blob(np.ones((27, 4), np.float32))}
BAD = {
    "no blob": damaged(**GOOD | {"_kernels": 3}),
    "a blob without values": damaged(**GOOD | {"_kernels": made.blob(None)}),
    "a vector": damaged(**GOOD | {"_kernels": made.blob(np.ones(27))}),
    "integers": damaged(**GOOD | {"_kernels": made.blob(np.ones((27, 4), int))}),
    "another side": damaged(**GOOD | {"_ksize": 4}),
    "a side of 0": damaged(**GOOD | {"_ksize": 0}),
    "a large side": damaged(**GOOD | {"_ksize": 1 << 40}),
    "no side": damaged(_kernels=GOOD["_kernels"]),
    "biases of others": damaged(**GOOD, _bias=made.blob(np.ones(3))),
    "no groups": made.net({"a": made._made("decaf.layers.x.GroupConvolutionLayer", {})}),
    "groups of nothing": made.net(
        {"a": made._made("decaf.layers.x.GroupConvolutionLayer", {"_conv_layers": [1]})}
    ),
    "unequal groups": made.net(
        {
            "a": made._made(
                "decaf.layers.x.GroupConvolutionLayer",
                {
                    "_conv_layers": [
                        made.convolution("x", CONV1, BIASES[4]),
                        made.convolution("x", CONV2, BIASES[6]),
                    ]
                },
            )
        }
    ),
    "a matrix of no values": made.net({"a": made.full("a", np.ones((0, 3)), np.ones(0))}),
    "no object": made.dumped(["a net", {"a": (3, 4)}]),
    "no layers": made.net({}),
    "only others": made.net({"a": made.other("a")}),
    "a list of numbers": pickle.dumps([1, 2, 3], 2),
    "an empty list": pickle.dumps([], 2),
    "too many layers": pickle.dumps([{}] * 5001, 2),
    "no matrix in a list": made.listed([("a", "conv", CONV1, BIASES[4], 1)], weights=["x"]),
    "biases of a list": made.listed([("a", "fc", FULL, BIASES[4], 1)]),
    "a truncated file": whole()[:-20],
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_damaged_files_are_refused(read, what):
    with pytest.raises(DataError, match="net: ") as problem:
        read(BAD[what])
    assert str(problem.value).isprintable()
    assert "executed" in str(problem.value)
