"""Files of `torch.save`, in both forms, read without PyTorch."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from convnet.errors import DataError
from convnet.foreign.torch_file.read import read_torch

FORMS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])


@pytest.fixture
def saved(tmp_path):
    """Save an object as `torch.save` does, and return the path."""

    def saved(value, zipped=True):
        path = tmp_path / "net.pth"
        torch.save(value, path, _use_new_zipfile_serialization=zipped)
        return path

    return saved


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5, bias=False)
    )


def same(layer, module):
    np.testing.assert_array_equal(layer.weights, module.weight.detach().float().numpy())
    assert layer.weights.dtype == np.float32 and layer.weights.flags.c_contiguous
    if module.bias is None:
        assert layer.biases is None
    else:
        np.testing.assert_array_equal(layer.biases, module.bias.detach().float().numpy())


@FORMS
def test_layers_of_a_state_dict(saved, zipped):
    net = small()
    file = read_torch(saved(net.state_dict(), zipped))
    assert file.kind == "PyTorch state_dict" and file.is_ordered and file.color_order == ""
    assert [layer.name for layer in file.layers] == ["0", "3"]
    same(file.layers[0], net[0])
    same(file.layers[1], net[3])
    assert dict(file.left) == {
        f"1.{name}": "batch normalization has no counterpart here"
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    }


@FORMS
def test_the_state_dict_of_a_training_script_is_found(saved, zipped):
    net = small()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(2, 3, 4, 4)).sum().backward()
    optimizer.step()
    state = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    whole = {"epoch": 3, "arch": "x", "best": torch.tensor(0.5), "state_dict": OrderedDict(state),
             "optimizer": optimizer.state_dict(), "rates": [0.1, (1, None)]}  # fmt: skip
    file = read_torch(saved(whole, zipped))
    assert [layer.name for layer in file.layers] == ["0", "3"]
    same(file.layers[0], net[0])


def test_of_several_networks_the_one_under_a_known_key_is_taken(saved):
    first, second = small(1), small(2)
    whole = {"ema": first.state_dict(), "model": second.state_dict()}
    same(read_torch(saved(whole)).layers[0], second[0])
    with pytest.raises(DataError, match="weights of several networks: 'a', 'b'"):
        read_torch(saved({"a": first.state_dict(), "b": second.state_dict()}))


@FORMS
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_other_floats_become_float32(saved, zipped, kind):
    net = small().to(getattr(torch, kind))
    same(read_torch(saved(net.state_dict(), zipped)).layers[0], net[0])


@FORMS
def test_views_of_a_shared_storage(saved, zipped):
    whole = torch.arange(200, dtype=torch.float32).reshape(10, 20)
    state = {"a.weight": whole[2:5, 3:9], "b.weight": whole.T, "b.bias": whole[:, 0][:20],
             "c.weight": whole[1:, 1:].T[::2]}  # fmt: skip
    file = read_torch(saved(state, zipped))
    assert [layer.name for layer in file.layers] == ["a", "b", "c"]
    for layer in file.layers:
        np.testing.assert_array_equal(layer.weights, state[f"{layer.name}.weight"].numpy())
    assert file.layers[1].biases is None  # 10 biases for 20 outputs
    assert dict(file.left)["b.bias"] == "biases without weights of as many outputs"


def test_parameters_themselves_may_be_saved(saved):
    net = small()
    file = read_torch(saved({name: p for name, p in net.named_parameters()}))
    same(file.layers[0], net[0])


def test_arrays_that_are_no_weights_are_left_with_a_reason(saved):
    state = {"a.weight": torch.ones(2, 3), "n.weight": torch.ones(2, 2, dtype=torch.int64),
             "d.weight": torch.ones(2, 3, 4), "e.weight": torch.ones(0, 4), "x": torch.ones(1),
             "w.weight_g": torch.ones(2, 1),
             "a.parametrizations.weight.original0": torch.ones(2)}  # fmt: skip
    file = read_torch(saved(state))
    assert [layer.name for layer in file.layers] == ["a"]
    assert dict(file.left) == {
        "n.weight": "holds integers",
        "d.weight": "has 3 dimensions; weights have 4 (convolutions) or 2 (full)",
        "e.weight": "holds no values",
        "x": "is neither weights nor biases of a layer",
        "w.weight_g": "a parametrized weight; remove the parametrization before saving",
        "a.parametrizations.weight.original0": "a parametrized weight; remove the parametrization "
        "before saving",
    }


def test_names_of_our_own_files(saved):
    state = {"conv1.weights.0": torch.ones(2, 3, 1, 1), "conv1.biases": torch.ones(2),
             "fc.weights.1": torch.ones(2, 3), "weight": torch.ones(1, 1)}  # fmt: skip
    file = read_torch(saved(state))
    assert [layer.name for layer in file.layers] == ["conv1", "weight"]
    assert file.layers[0].biases is not None
    assert "further input" in dict(file.left)["fc.weights.1"]


@FORMS
def test_a_whole_module_is_refused_with_advice(saved, zipped):
    with pytest.raises(DataError) as problem:
        read_torch(saved(small(), zipped))
    assert "torch.save(model.state_dict(), FILE)" in str(problem.value)
    assert "Nothing in this file was executed" in str(problem.value)


@FORMS
@pytest.mark.parametrize(
    "value", [torch.ones(3), [torch.ones(2, 2)], {"a": torch.ones(2, 2)}, {}, 5, {"a.bias": 1}]
)
def test_a_file_without_weights_is_refused(saved, zipped, value):
    with pytest.raises(DataError, match="holds no tensors whose names end in weight"):
        read_torch(saved(value, zipped))


@FORMS
def test_a_complex_tensor_is_refused(saved, zipped):
    state = {"a.weight": torch.ones(2, 2, dtype=torch.complex64)}
    with pytest.raises(DataError, match="ComplexFloatStorage.*not known"):
        read_torch(saved(state, zipped))
