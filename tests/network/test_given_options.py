"""Options of `Net` that cannot be, and what is read before there is anything to read."""

import numpy as np
import pytest

from convnet import Net
from convnet.errors import ConvnetError
from tests.network.test_given_arrays import IMAGES, LABELS, LAYERS, PARAMS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minibatch": 0}, "minibatch is an integer from 1 .* found 0"),
        ({"minibatch": 2.5}, "minibatch is an integer .* found 2.5"),
        ({"seed": -1}, "seed is an integer from 0 .* found -1"),
        ({"seed": 1 << 64}, "seed is an integer .* found 18446744073709551616"),
        ({"dtype": "float16"}, "dtype is float32 or float64, found 'float16'"),
        ({"dtype": "none"}, "dtype is float32 or float64"),
        ({"dialect": "cc3"}, "dialect is one of cc1, chm, cc2, convnet or None, found 'cc3'"),
        ({"data_dims": [48, 1]}, "data_dims is a dictionary"),
        ({"data_dims": {0: 0}}, r"data_dims\[0\] is an integer from 1"),
        ({"classes": 0}, "classes is an integer from 1"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(ConvnetError, match=message):
        Net.from_text(LAYERS, PARAMS, **options)


def test_integers_of_numpy_are_integers(tmp_path):
    net = Net.from_text(LAYERS, PARAMS, minibatch=np.int32(6), seed=np.int64(4))
    net.save(tmp_path / "net.safetensors")
    assert Net.load(tmp_path / "net.safetensors").seed == 4


def test_nothing_is_read_before_it_is_there():
    net = Net.from_text(LAYERS, PARAMS, minibatch=6)
    for read in (net.costs, lambda: net.activities("probs")):
        with pytest.raises(ConvnetError, match="yet: call forward, backward, train first"):
            read()
    net.forward(IMAGES, LABELS)
    assert net.costs() and net.activities("probs").shape == (6, 5)
    for read in (net.weights_gradient, net.biases_gradient):
        with pytest.raises(ConvnetError, match="no gradients yet: call backward, train first"):
            read("scores")
    net.backward(IMAGES, LABELS)
    assert net.weights_gradient("scores").any() and net.biases_gradient("scores").any()


@pytest.mark.parametrize("values", [None, "ab", [1j] * 5, [[1], [2, 3]]])
def test_values_of_weights_are_numbers(values):
    net = Net.from_text(LAYERS, PARAMS)
    for write in (net.set_weights, net.set_biases):
        with pytest.raises(ConvnetError, match="scores.*(holds numbers, found|is not an array)"):
            write("scores", values)


def test_an_input_is_a_position():
    with pytest.raises(ConvnetError, match="0, 1, ..., found 'data'"):
        Net.from_text(LAYERS, PARAMS).weights("scores", "data")
