"""What an ONNX file holds beside the right values."""

import json
import sys

import numpy as np
import onnx
import pytest

from convnet.data.input import network_input
from convnet.errors import ConvnetError
from convnet.export.to_onnx import write
from convnet.export.to_onnx.write import IR_VERSION, OPSET, onnx_bytes
from convnet.export.to_torch.write import torch_module
from convnet.graph.build import build
from convnet.language import Problems, Source, parse
from convnet.network.network import Network
from convnet.stored.input_record import InputRecord
from tests.support.cases import BY_NAME, CASES
from tests.support.exported import compare, in_onnxruntime, in_torch, model_of, ours
from tests.support.rows import Engine, Row, network_of, randomize

CONV = "conv type=conv inputs=x channels=2 filters=3 filterSize=3 padding=1 neuron=relu\n"
ROW = Row("named", f"{CONV}y type=fc inputs=conv outputs=4", shapes=((2, 4, 4),), cases=7)


def model_and_file(row, *outputs, **facts):
    network = network_of(row, np.float32)
    network.run("test")
    model = model_of(network, **facts)
    return network, model, onnx.load_from_string(onnx_bytes(model, outputs))


def dims(info):
    return [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]


def test_inputs_and_outputs_have_the_names_of_layers_and_a_batch_of_any_size():
    network, _, file = model_and_file(ROW, "conv", "y")
    assert [(i.name, dims(i)) for i in file.graph.input] == [("x", ["N", 2, 4, 4])]
    outputs = [(o.name, dims(o)) for o in file.graph.output]
    assert outputs == [("conv", ["N", 3, 4, 4]), ("y", ["N", 4])]
    images = np.float32(ROW.matrices()[0].T.reshape(-1, 2, 4, 4))
    whole = in_onnxruntime(file.SerializeToString(), {"x": images})
    one = in_onnxruntime(file.SerializeToString(), {"x": images[3:4]})
    np.testing.assert_allclose(whole["y"], ours(network, ["y"])["y"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one["y"], whole["y"][3:4], rtol=1e-5, atol=1e-6)


def test_operators_and_arrays_have_the_names_of_their_layers():
    _, _, file = model_and_file(ROW)
    assert [node.name for node in file.graph.node] == [
        "conv/Conv", "conv/Relu", "y/Flatten", "y/Gemm", "readout/Gemm",
    ]  # fmt: skip
    assert [a.name for a in file.graph.initializer] == [
        "conv/weights.0", "conv/biases", "y/weights.0", "y/biases", "readout/weights.0",
        "readout/biases",
    ]  # fmt: skip


def test_a_value_is_made_flat_once():
    both = Row("both", f"{CONV}a type=fc inputs=conv outputs=4\ny type=fc inputs=conv,a outputs=4",
        shapes=((2, 4, 4),))  # fmt: skip
    _, _, file = model_and_file(both, "y")
    assert [node.name for node in file.graph.node if node.op_type == "Flatten"] == ["a/Flatten"]


def test_shared_weights_are_there_once():
    _, _, file = model_and_file(BY_NAME["conv: shared weights"], "s")
    assert [a.name for a in file.graph.initializer] == ["y/weights.0", "y/biases", "z/biases"]


def test_windows_that_hang_over_have_explicit_pads():
    _, _, file = model_and_file(BY_NAME["pool: avg, overhang"], "y")
    (pool,) = file.graph.node
    found = {a.name: onnx.helper.get_attribute_value(a) for a in pool.attribute}
    assert found["pads"] == [0, 0, 1, 1] and found["count_include_pad"] == 0
    assert "ceil_mode" not in found


def test_the_response_normalization_of_the_paper_is_one_operator():
    _, _, file = model_and_file(BY_NAME["cmrnorm: odd"], "y")
    assert [node.op_type for node in file.graph.node] == ["LRN"]
    (kept,) = [n for n in model_and_file(BY_NAME["dropout"], "y")[2].graph.node]
    assert kept.op_type == "Identity"  # scaled in training


def test_facts_are_metadata():
    _, model, file = model_and_file(ROW, class_names=("dot", "stripe \u00e9"))
    found = {each.key: each.value for each in file.metadata_props}
    assert found["dialect"] == "convnet" and json.loads(found["class_names"])[1] == "stripe \u00e9"
    assert found["layers"] == model.graph.layers_file.source.text
    assert found["params"] == model.graph.params_file.source.text
    assert json.loads(found["graph"])["data_dims"]["0"] == 32
    assert "input" not in found
    assert (file.ir_version, file.opset_import[0].version) == (IR_VERSION, OPSET)


def test_no_operator_is_newer_than_the_opset():
    kinds = set()
    for row in CASES:
        if "rand" not in row.name and row.name.split(":")[0] not in ("sum2", "tica", "msm"):
            kinds |= {node.op_type for node in onnx.load_from_string(_bytes_of(row)).graph.node}
    for kind in kinds:
        assert onnx.defs.get_schema(kind, OPSET).since_version <= OPSET
    assert {"LRN", "Conv", "GatherElements", "ArgMax", "Where", "Gemm"} <= kinds


def _bytes_of(row):
    return onnx_bytes(model_of(network_of(row, np.float32)))


# -- preprocessing ---------------------------------------------------------------------------------

MEAN = np.float32(100 + 50 * np.sin(np.arange(2 * 36))).reshape(2, 6, 6)
RECORDS = {
    "image": InputRecord(side=6, channels=2, inner_size=4, mean_kind="image",
        mean_image=MEAN.astype("<f4").tobytes(), scale=16.0),
    "number": InputRecord(side=4, channels=2, inner_size=4, mean_kind="scalar", mean_number=-3.25),
}  # fmt: skip


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("row", [ROW, Row("flat", "y type=fc inputs=x outputs=4", shapes=((32,),))])
def test_preprocessing_is_that_of_the_training(row, kind, tmp_path):
    record = RECORDS[kind]
    network = network_of(row, np.float32, cases=5)
    images = np.random.default_rng(0).integers(0, 256, (5, 2, record.side, record.side))
    seen = network_input(record, images)
    network.load({**row.matrices(5), 0: seen.reshape(5, -1).T})
    network.run("test")
    border = (record.side - 4) // 2
    crops = np.float32(images[:, :, border : border + 4, border : border + 4])
    model, expected = model_of(network, input=record), ours(network, ["y"])["y"]
    found = in_onnxruntime(onnx_bytes(model, ("y",), True), {"x": crops})["y"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    text, arrays = torch_module(model, ("y",), True)
    found = in_torch(text, arrays, {"x": crops}, ["y"], tmp_path)["y"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_the_record_of_the_input_is_metadata():
    model = model_of(network_of(ROW, np.float32), input=RECORDS["image"])
    for preprocessed in (False, True):
        file = onnx.load_from_string(onnx_bytes(model, (), preprocessed))
        found = json.loads({e.key: e.value for e in file.metadata_props}["input"])
        assert found["included"] is preprocessed
        assert (found["scale"], found["inner_size"], found["mean_kind"]) == (16.0, 4, "image")


@pytest.mark.parametrize("write", [onnx_bytes, torch_module])
def test_preprocessing_that_is_not_known_is_refused(write):
    model = model_of(network_of(ROW, np.float32))
    with pytest.raises(ConvnetError, match="does not record how its input is made"):
        write(model, (), True)
    other = InputRecord(side=8, channels=3, inner_size=8, mean_kind="number")
    model = model_of(network_of(ROW, np.float32), input=other)
    with pytest.raises(ConvnetError, match="reads 2 x 4 x 4, the recorded input is 3 x 8 x 8"):
        write(model, (), True)


# -- limits ----------------------------------------------------------------------------------------


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConvnetError, match=r"needs the package onnx; `pip install onnx`"):
        onnx_bytes(model_of(network_of(ROW, np.float32)))


def test_a_network_that_is_too_large_for_a_file_is_refused(monkeypatch):
    monkeypatch.setattr(write, "LARGEST", 1000)
    with pytest.raises(ConvnetError, match=r"take 1,\d{3} bytes, more than the 1,000 of an ONNX"):
        onnx_bytes(model_of(network_of(ROW, np.float32)))


def test_rscale_of_the_2012_source_takes_the_center(tmp_path):
    layers = """
[x]\ntype=data\ndataIdx=0
[y]\ntype=rscale\ninputs=x\nchannels=2\nmaxScale=1.5\ntgtSize=4
[f]\ntype=fc\ninputs=y\noutputs=3\ninitW=1
[cost]\ntype=cost.sum2\ninputs=f
"""
    params = "[f]\nepsW=0\nepsB=0\nmomW=0\nmomB=0\nwc=0\n[cost]\ncoeff=1\n"
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in (layers, params)]
    graph = build(*files, problems, dialect="chm", data_dims={0: 98})
    network = Network(graph, 3, Engine(np.float32))
    randomize(network)
    data = {0: np.random.default_rng(0).standard_normal((98, 3)).astype(np.float32)}
    network.load(data)
    network.run("test")
    center = data[0].reshape(2, 7, 7, 3)[:, 1:5, 1:5]
    np.testing.assert_array_equal(network.output("y"), center)
    for found in compare(network, data, ("y", "f"), tmp_path):
        assert max(each.relative for each in found.values()) < 2e-6
