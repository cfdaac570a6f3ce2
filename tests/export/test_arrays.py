"""`npz` and `safetensors`: names, layouts and metadata."""

import io
import json

import numpy as np
import pytest
from safetensors import safe_open

from convnet import Net
from convnet.export.arrays import npz_bytes, safetensors_bytes
from convnet.export.formats import export
from convnet.stored.input_record import InputRecord
from tests.support.cases import BY_NAME
from tests.support.exported import model_of
from tests.support.rows import network_of, texts

ROWS = ["conv: randSparse of one input", "local: two inputs", "fc: two inputs", "sfc", "treefc",
    "conv: shared weights", "conv: unshared biases"]  # fmt: skip


def read_npz(data):
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = dict(file)
    return arrays, json.loads(str(arrays.pop("metadata")))


def read_safetensors(data, folder):
    (folder / "net").write_bytes(data)
    with safe_open(folder / "net", "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


@pytest.mark.parametrize("name", ROWS)
def test_arrays_are_those_of_the_python_interface(name, tmp_path):
    row = BY_NAME[name]
    layers, params = texts(row)
    net = Net.from_text(layers, params, data_dims=row.data_dims(), tree=row.tree, seed=3)
    model = model_of(net.network)
    arrays, facts = read_npz(npz_bytes(model))
    assert set(arrays) == {
        *net.network.parameters,
        *(name for name, table in net.network.tables.items() if table.spec.values is None),
    }
    for parameter in net.network.plan.parameters:
        layer, index = parameter.unit.node.name, parameter.index
        ours = net.biases(layer) if index is None else net.weights(layer, index)
        found = arrays[parameter.name]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, ours)
    again, again_facts = read_safetensors(safetensors_bytes(model), tmp_path)
    assert facts == again_facts and set(again) == set(arrays)
    for each, array in arrays.items():
        np.testing.assert_array_equal(again[each], array)


def test_connections_are_those_of_the_network():
    network = network_of(BY_NAME["conv: randSparse of one input"], np.float32)
    arrays, _ = read_npz(npz_bytes(model_of(network)))
    table = network.tables["y.connections.1"]
    found = arrays["y.connections.1"]
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, network.engine.read(table.value, network.cases))


def test_the_mean_image_is_cropped_as_the_input_is():
    mean = np.arange(50, dtype="<f4").reshape(2, 5, 5)
    record = InputRecord(
        side=5, channels=2, inner_size=3, mean_kind="image", mean_image=mean.tobytes()
    )
    model = model_of(network_of(BY_NAME["fc"], np.float32), input=record, class_names=("a", "b"))
    arrays, facts = read_npz(npz_bytes(model))
    np.testing.assert_array_equal(arrays["input.mean"], mean[:, 1:4, 1:4])
    assert json.loads(facts["class_names"]) == ["a", "b"]
    assert json.loads(facts["input"])["included"] is False


def test_files_can_be_written_in_every_format(tmp_path):
    model = model_of(network_of(BY_NAME["fc"], np.float32))
    for form in ("npz", "safetensors", "torch", "onnx"):
        for path in export(model, tmp_path / form / "net", form):
            assert path.stat().st_size > 100
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert found == [
        "npz/net.npz", "onnx/net.onnx", "safetensors/net.safetensors", "torch/net.py",
        "torch/net.safetensors",
    ]  # fmt: skip
