"""Exported networks, imported again; `python -m tests.scripts.round_trips` has all of them."""

import numpy as np
import pytest

from convnet import Net, nets
from convnet.backends.cpu.engine import Engine
from convnet.errors import DataError
from convnet.export.formats import export
from convnet.foreign.exported import read_exported
from convnet.foreign.formats import format_of
from convnet.graph.build import build
from convnet.language.specs import Specs
from convnet.network.network import Network
from convnet.stored.input_record import InputRecord
from tests.scripts.export_table import random_data
from tests.support.cases import BY_NAME
from tests.support.command_line import good
from tests.support.exported import draw_weights, model_of
from tests.support.paths import ROOT
from tests.support.round_trips import FORMATS, differing, of_file, taken, written
from tests.support.rows import Row, network_of

CASES = 3
SMALL = ["digits", "cifar10", "figure1-tanh", "codes-small"]
ROWS = [
    "conv: groups", "conv: overhang", "conv: unshared biases", "conv: shared weights",
    "conv: randSparse", "conv: randSparse, shared", "local: groups", "fc: two inputs", "fc: shared",
    "sfc", "treefc", "cnorm: even", "dropout2", "blur", "resize: larger",
]  # fmt: skip
MODEL = Row("model", """
    a type=conv inputs=x channels=4 filters=2 filterSize=2
    b-1 type=conv inputs=x channels=4 filters=2 filterSize=2 neuron=relu
    c type=conv inputs=a,b-1 channels=2,2 filters=4,4 filterSize=2,2
    y type=fc inputs=c,b-1 outputs=4""")  # fmt: skip


@pytest.fixture(scope="module")
def shipped():
    """Small nets with random weights, by name."""
    found = {}
    for name in SMALL:
        net = nets.find(nets.Path(name))
        specs = Specs.read(net.layers, net.params)
        graph = build(specs.layers, specs.params, specs.problems)
        found[name] = Network(graph, CASES, Engine(np.float32))
        draw_weights(found[name], random_data(graph, CASES))
    return found


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", SMALL)
def test_shipped_nets(name, form, shipped, tmp_path):
    network = shipped[name]
    path = written(network, tmp_path, form)
    other = of_file(path, CASES)
    assert differing(network, other, random_data(network.graph, CASES)) == []


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", SMALL)
def test_weights_as_of_any_framework(name, form, shipped, tmp_path):
    network = shipped[name]
    other = taken(written(network, tmp_path, form), network)
    assert differing(network, other, random_data(network.graph, CASES)) == []


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("row", [*map(BY_NAME.get, ROWS), MODEL], ids=lambda row: row.name)
def test_layer_types(row, form, tmp_path):
    network = network_of(row, np.float32)
    network.run("test")
    other = of_file(written(network, tmp_path, form), row.cases)
    assert differing(network, other, {k: np.float32(m) for k, m in row.matrices().items()}) == []


@pytest.mark.parametrize("form", FORMATS)
def test_what_a_file_says_beside_its_arrays(form, shipped, tmp_path):
    mean = np.float32(np.arange(3 * 24 * 24)).tobytes()
    record = InputRecord(side=24, channels=3, inner_size=24, mean_kind="image", mean_image=mean)
    network, names = shipped["cifar10"], tuple(f"class {n}" for n in range(10))
    path = written(network, tmp_path, form, input=record, class_names=names)
    found = read_exported(path, format_of(path).name).checkpoint
    assert found.class_names == names
    assert found.layers.text == network.graph.layers_file.source.text
    if form in ("npz", "safetensors"):  # the others hold the mean with --preprocess alone
        assert found.input == record


@pytest.mark.parametrize("form", ["onnx", "torch"])
def test_layers_that_were_not_exported_are_named(form, shipped, tmp_path):
    path = export(model_of(shipped["digits"]), tmp_path / "net", form, ("conv1",))[0]
    words = "has no arrays of conv2, fc3, fc4, as networks exported with --output"
    with pytest.raises(DataError, match=words):
        read_exported(path, format_of(path).name)


def test_the_command(tmp_path):
    net = Net.from_files(ROOT / "layers/digits.cfg", ROOT / "params/digits.params", seed=3)
    net.save(tmp_path / "first.safetensors")
    good("export", "--load", tmp_path / "first.safetensors", "--format", "onnx", "--out",
        tmp_path / "net")  # fmt: skip
    good("import", tmp_path / "net.onnx", "--out", tmp_path / "second")
    other = Net.load(tmp_path / "second.safetensors")
    images = np.random.default_rng(0).standard_normal((2, 1, 8, 8), np.float32)
    np.testing.assert_array_equal(net.forward(images), other.forward(images))
    good("import", tmp_path / "net.onnx", "--out", tmp_path / "third", "--layers", "digits")
    np.testing.assert_array_equal(
        Net.load(tmp_path / "third.safetensors").forward(images), net.forward(images)
    )
