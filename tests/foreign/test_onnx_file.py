"""ONNX files: which operators are layers, in which layout, and what is refused."""

import os
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convnet.errors import ConvnetError, DataError
from convnet.export.to_onnx.write import onnx_bytes
from convnet.foreign.onnx_file import wire
from convnet.foreign.onnx_file.read import read_onnx
from tests.support.cases import BY_NAME
from tests.support.exported import model_of
from tests.support.onnx_models import Model, filled, tensor
from tests.support.rows import Row, network_of

KERNEL, MATRIX, BIASES = filled(6, 2, 3, 3), filled(5, 24), filled(5)


def read(model: Model | bytes, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.bytes())
    return read_onnx(path)


def layer_of(model, tmp_path):
    (layer,) = read(model, tmp_path).layers
    return layer


# -- layers ----------------------------------------------------------------------------------------


def test_convolutions_and_full_connections_in_order(tmp_path):
    model = Model().op("Conv", "x", filled(6, 2, 3, 3), filled(6), name="c", group=2)
    model.op("Relu", "c").op("Flatten", "Relu", name="f")
    model.op("Gemm", "f", MATRIX, BIASES, name="g", transB=1)
    found = read(model, tmp_path)
    assert [layer.name for layer in found.layers] == ["c", "g"]
    conv, full = found.layers
    np.testing.assert_array_equal(conv.weights, KERNEL)
    np.testing.assert_array_equal(conv.biases, filled(6))
    np.testing.assert_array_equal(full.weights, MATRIX)
    np.testing.assert_array_equal(full.biases, BIASES)
    assert (conv.groups, full.groups) == (2, 1)
    assert found.kind == "ONNX model" and found.left == () and found.color_order == ""
    assert found.is_ordered and not found.scales_dropout
    for layer in found.layers:
        assert layer.weights.dtype == layer.biases.dtype == np.float32


@pytest.mark.parametrize(
    "model",
    [
        Model().op("Gemm", "x", MATRIX, BIASES, name="y", transB=1),
        Model().op("Gemm", "x", MATRIX.T, BIASES, name="y"),
        Model().op("Gemm", "x", MATRIX, BIASES.reshape(1, 5), name="y", transB=1),
        Model().op("Gemm", "x", MATRIX / 2, BIASES * 4, name="y", transB=1, alpha=2.0, beta=0.25),
        Model().op("MatMul", "x", MATRIX.T, name="y").op("Add", "y", BIASES),
        Model().op("MatMul", "x", MATRIX.T, name="y").op("Add", BIASES.reshape(1, 5), "y"),
        Model().op("Transpose", MATRIX, name="t").op("MatMul", "x", "t", name="y").op(
            "Add", "y", BIASES
        ),
        Model().op("Constant", value=tensor("w", MATRIX.T)).op(
            "Gemm", "x", "Constant", BIASES, name="y"
        ),
        Model().op("Identity", MATRIX.T).op("Cast", "Identity", to=TensorProto.FLOAT).op(
            "Gemm", "x", "Cast", BIASES, name="y"
        ),
    ],
)  # fmt: skip
def test_forms_of_full_connections(model, tmp_path):
    layer = layer_of(model, tmp_path)
    np.testing.assert_array_equal(layer.weights, MATRIX)
    np.testing.assert_array_equal(layer.biases, BIASES)


@pytest.mark.parametrize("shape", [(6, 1, 1), (1, 6, 1, 1)])
def test_biases_that_are_added_to_a_convolution(shape, tmp_path):
    model = Model().op("Conv", "x", KERNEL, name="c").op("Add", "c", filled(*shape))
    np.testing.assert_array_equal(layer_of(model, tmp_path).biases, filled(6))


def test_a_sum_that_is_read_twice_or_is_no_vector_of_biases(tmp_path):
    twice = Model().op("MatMul", "x", MATRIX.T, name="y").op("Add", "y", BIASES, name="z")
    twice.op("Add", "y", "z")
    other = Model().op("MatMul", "x", MATRIX.T, name="y").op("Add", "y", filled(2, 5))
    for model in (twice, other):
        found = read(model, tmp_path)
        assert found.layers[0].biases is None and found.left[-1][1] == "an input of Add"


@pytest.mark.parametrize(
    "between",
    [["Reshape"], ["Flatten"], ["Relu", "Reshape", "Dropout"], ["Tanh", "Flatten", "LeakyRelu"]],
)
@pytest.mark.parametrize("order, last", [((0, 2, 3, 1), True), ((0, 3, 1, 2), False)])
def test_inputs_with_channels_last(between, order, last, tmp_path):
    model = Model().op("Transpose", "x", name="at", perm=order)
    at = "at"
    for kind in between:
        model.op(kind, at, *([np.array([0, 24])] if kind == "Reshape" else []))
        at = kind
    model.op("Gemm", at, MATRIX, name="y", transB=1)
    model.op("Gemm", "y", filled(3, 5), name="z", transB=1)
    assert [each.channels_last for each in read(model, tmp_path).layers] == [last, False]


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("raw", [True, False])
def test_types_of_floats(kind, raw, tmp_path):
    values = np.float32([[0, -1.5, 2.0**-14], [3.25, 65280, -0.0]])
    weights = tensor("w", values, kind, raw)
    layer = layer_of(Model().op("Gemm", "x", weights, name="y", transB=1), tmp_path)
    np.testing.assert_array_equal(layer.weights, values)
    assert layer.weights.dtype == np.float32


@pytest.mark.parametrize(
    "weights, operator, name",
    [
        ("features.0.weight", "/features/features.0/Conv", "features.0"),
        ("conv1_w_0", "", "conv1"),
        ("model/fc6/kernel:0", "", "model/fc6"),
        ("onnx::Conv_43", "/features/features.0/Conv", "features/features.0"),
        ("onnx::Conv_43", "Conv_0", "onnx::Conv_43"),
        ("w", "net/conv1/Conv2D", "net/conv1"),
        ("", "", "Conv_1"),
    ],
)
def test_names(weights, operator, name, tmp_path):
    model = Model().op("Conv", "x", tensor(weights or "v", KERNEL), name="made")
    if not weights:
        model = Model().op("Constant", value=tensor("", KERNEL), name="v").op("Conv", "x", "v")
        model.nodes[0].output[0] = model.nodes[1].input[1] = "\u00e9" * 3
        name = "\u00e9" * 3
    model.nodes[-1].name = operator
    assert layer_of(model, tmp_path).name == name


def test_weights_used_twice_are_two_layers_of_one_array(tmp_path):
    model = Model().op("Gemm", "x", tensor("a.weight", filled(5, 5)), name="a", transB=1)
    model.op("Gemm", "a", "a.weight", name="b", transB=1)
    first, second = read(model, tmp_path).layers
    assert [first.name, second.name] == ["a", "a.2"]
    assert first.weights is second.weights


# -- what is left ----------------------------------------------------------------------------------

LEFT = {
    "read by 'y', whose weights are not constant": Model().op("Conv", "x", "x", BIASES, name="y"),
    "read by 'y', whose biases are not constant": Model().op("Gemm", "x", MATRIX, "x", name="y",
        transB=1),
    "read by 'y', whose biases are not one for each output": Model().op("Gemm", "x", MATRIX,
        filled(1), name="y", transB=1),
    "read by 'y', whose factors are in another order than a layer's": Model().op("Gemm", "x",
        MATRIX, name="y", transA=1),
    "the weights of a convolution over 1 axes, not of images": Model().op("Conv", "x",
        filled(4, 2, 3)),
    "has 3 dimensions; the weights of a full connection have 2": Model().op("MatMul", "x",
        filled(2, 3, 4)),
    "6 filters in 4 groups": Model().op("Conv", "x", KERNEL, group=4),
    "6 filters in 0 groups": Model().op("Conv", "x", KERNEL, group=0),
    "the weights of a dilated convolution": Model().op("Conv", "x", KERNEL, dilations=[2, 2]),
    "holds no values": Model().op("Gemm", "x", filled(0, 3)),
    "holds int64 values": Model().op("MatMul", "x", np.ones((2, 3), np.int64)),
    "holds text values": Model().op("MatMul", "x", helper.make_tensor("w", TensorProto.STRING,
        [2], [b"a", b"b"])),
    "holds type 77 values": Model().op("MatMul", "x", TensorProto(name="w", data_type=77)),
    "an input of ConvTranspose": Model().op("ConvTranspose", "x", KERNEL),
    "an input of '?'": Model().op("Conv", "x", KERNEL, domain="com.example"),
    "an input of BatchNormalization": Model().op("BatchNormalization", "x", *[BIASES] * 4),
    "no operator reads it": Model(tensor("w", BIASES)),
    "has 9 dimensions": Model().op("Conv", "x", filled(*[1] * 9)),
    "is stored in segments": Model().op("Conv", "x", TensorProto(name="w", data_type=1,
        segment=TensorProto.Segment(begin=0, end=1))),
}  # fmt: skip


@pytest.mark.parametrize("reason", LEFT)
def test_what_is_left(reason, tmp_path):
    model = Model(*LEFT[reason].tensors)
    model.nodes[:] = LEFT[reason].nodes
    found = read(model.op("Gemm", "x", filled(2, 3), name="good"), tmp_path)
    assert [layer.name for layer in found.layers] == ["good"]
    assert found.left and {text.replace("an input of ?", "an input of '?'") for _, text in
        found.left} == {reason}  # fmt: skip


def test_sparse_tensors_are_left(tmp_path):
    sparse = helper.make_sparse_tensor(
        tensor("s.weight", np.float32([1.0])), tensor("i", np.int64([3])), [2, 3]
    )
    model = Model().op("Gemm", "x", MATRIX, name="y", transB=1)
    proto = model.proto()
    proto.graph.sparse_initializer.append(sparse)
    proto.graph.node.append(helper.make_node("MatMul", ["x", "s.weight"], ["z"]))
    found = read(proto.SerializeToString(), tmp_path)
    assert found.left == (("s.weight", "is stored sparse"),) and len(found.layers) == 1


# -- files of ours ---------------------------------------------------------------------------------


def exported(row, outputs=("y",)):
    network = network_of(row, np.float32)
    return network, onnx_bytes(model_of(network), outputs)


def test_files_of_ours_have_the_names_of_layers(tmp_path):
    row = Row("two", """
        c type=conv inputs=x channels=4 filters=6 groups=2 filterSize=3 neuron=relu
        y type=fc inputs=c,x outputs=4""")  # fmt: skip
    network, file = exported(row)
    found = read(file, tmp_path)
    conv, full = found.layers
    assert (conv.name, full.name, conv.groups) == ("c", "y", 2) and found.scales_dropout
    kernel = network.read(network.parameters["c.weights.0"])
    np.testing.assert_array_equal(conv.weights, np.moveaxis(kernel, -1, 0))
    np.testing.assert_array_equal(full.weights, network.read(network.parameters["y.weights.0"]))
    np.testing.assert_array_equal(full.biases, network.read(network.parameters["y.biases"]).ravel())
    assert [name for name, _ in found.left] == ["y/weights.1"]
    assert "a further input" in found.left[0][1]


@pytest.mark.parametrize("name", ["resize", "treefc", "local", "sfc", "rgb2yuv", "cnorm: even"])
def test_matrices_of_ours_that_are_no_layers_are_left(name, tmp_path):
    names = [each for each in BY_NAME if each.split(":")[0] == name.split(":")[0]]
    _, file = exported(BY_NAME[name if name in BY_NAME else names[0]], ("y", "readout"))
    found = read(file, tmp_path)
    expected = {"readout", "y"} if name == "treefc" else {"readout"}
    assert {layer.name for layer in found.layers} == expected
    for layer, why in found.left:
        assert layer.startswith("y/") and (why.startswith("an input of") or "weights" in layer)


def test_the_order_of_colors_is_that_of_the_record(tmp_path):
    model = Model().op("Gemm", "x", MATRIX, name="y", transB=1).proto()
    for text, order in [('{"color_order": "RGB"}', "RGB"), ('{"color_order": 7}', ""), ("[", "")]:
        del model.metadata_props[:]
        helper.set_model_props(model, {"input": text})
        assert read(model.SerializeToString(), tmp_path).color_order == order


# -- damage ----------------------------------------------------------------------------------------


def external(**more) -> TensorProto:
    found = TensorProto(name="conv1.weight", data_type=1, dims=[6, 2, 3, 3], **more)
    found.external_data.add(key="location", value="/etc/passwd")
    return found


@pytest.fixture
def opened(monkeypatch):
    """The paths of files that have been opened."""
    found, real = [], os.open
    monkeypatch.setattr(os, "open", lambda path, *more: found.append(path) or real(path, *more))
    monkeypatch.setattr("builtins.open", lambda path, *_: found.append(path))
    return found


@pytest.mark.parametrize("more", [{}, {"data_location": 1}, {"raw_data": KERNEL.tobytes()}])
@pytest.mark.parametrize("place", ["weights.bin", "{}/weights.bin", "../../etc/passwd"])
def test_values_in_other_files_are_refused_and_not_opened(place, more, tmp_path, request):
    (tmp_path / "weights.bin").write_bytes(KERNEL.tobytes())
    given = external(**more)
    given.external_data[0].value = place.format(tmp_path)
    path = tmp_path / "net.onnx"
    path.write_bytes(Model().op("Conv", "x", given).bytes())
    opened = request.getfixturevalue("opened")
    with pytest.raises(DataError, match=r"'conv1.weight' lie in another file.* onnx\.save\("):
        read_onnx(path)
    assert opened == [path]


def test_values_of_constants_in_other_files_are_left(tmp_path):
    model = Model().op("Constant", value=external()).op("Conv", "x", "Constant")
    model.op("Gemm", "x", MATRIX)
    assert read(model, tmp_path).left == (
        ("Constant", "lies in another file, '/etc/passwd', which is not opened"),
    )


def changed(**fields) -> TensorProto:
    found = tensor("w", KERNEL)
    for key, value in fields.items():
        if key == "dims":
            found.dims[:] = value
        else:
            setattr(found, key, value)
    return found


@pytest.mark.parametrize(
    "weights, words",
    [
        (changed(dims=[6, -2, 3, 3]), "'w' has the shape 6x-2x3x3"),
        (changed(dims=[1 << 40, 1 << 20, 3, 3]), "has the shape 1099511627776x1048576x3x3, and"),
        (changed(dims=[6, 2, 3, 2]), "has the shape 6x2x3x2, and data for 108 values"),
        (changed(raw_data=b"abc"), "and data for 0.75 values"),
        (changed(raw_data=KERNEL.tobytes()[:-4]), "and data for 107 values"),
        (changed(data_type=11), "and data for 54 values"),
        (TensorProto(name="w", data_type=10, dims=[1, 1, 1, 1], int32_data=[1 << 16]),
         "'w' holds values of more than 16 bits"),
    ],
)  # fmt: skip
def test_data_that_do_not_have_their_shape(weights, words, tmp_path):
    with pytest.raises(DataError, match="net.onnx: is damaged") as found:
        read(Model().op("Conv", "x", weights), tmp_path)
    assert words in str(found.value)


def test_graphs_with_cycles(tmp_path):
    model = Model().op("Add", "b", BIASES, name="a").op("Relu", "a", name="b")
    with pytest.raises(DataError, match="'a' reads 'b', which no operator before it makes"):
        read(model, tmp_path)
    model = Model().op("Relu", "x", name="b").op("Relu", "x", name="b")
    with pytest.raises(DataError, match="'b' makes a value that is there already"):
        read(model, tmp_path)


def test_files_that_are_no_models(tmp_path):
    good = Model().op("Conv", "x", KERNEL).bytes()
    for data in (b"", b"\x08\x08", b"\x89PNG\r\n\x1a\n" * 5, b"\x0b" * 9, good[:-1], good[:40]):
        with pytest.raises(DataError, match="net.onnx: is damaged"):
            read(data, tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_onnx(tmp_path / "missing.onnx")
    with pytest.raises(DataError, match="found 2 operators, none of them such"):
        read(Model().op("Relu", "x").op("Tanh", "Relu"), tmp_path)


def test_names_that_are_no_text(tmp_path):
    data = Model().op("Gemm", "x", tensor("abc", MATRIX), name="y", transB=1).bytes()
    layer = layer_of(data.replace(b"abc", b"a\xff\x1b"), tmp_path)
    assert layer.name == "y"


def varint(size: int) -> bytes:
    """A length as Protocol Buffers write it."""
    more = size >> 7
    return bytes([size & 127 | (128 if more else 0)]) + (varint(more) if more else b"")


@pytest.mark.parametrize("field", [b"\x0a\x00", b"\x2a\x00", b"\x7a\x00"])
def test_messages_that_would_take_far_more_memory_are_refused(field, tmp_path, monkeypatch):
    """Empty operators, initializers and sparse initializers."""
    monkeypatch.setattr(wire, "MOST", 10_000)
    inner = field * 5_001
    with pytest.raises(DataError, match="more than 10,000 bytes beside its arrays"):
        read(b"\x3a" + varint(len(inner)) + inner, tmp_path)


def test_arrays_are_no_structure(tmp_path, monkeypatch):
    monkeypatch.setattr(wire, "MOST", 300)
    for raw in (True, False):
        weights = tensor("w", filled(100, 100), "float32", raw)
        assert read(Model().op("Conv", "x", KERNEL).op("Gemm", "x", weights), tmp_path).layers
        inner = Model().op("Constant", value=weights).op("Gemm", "x", "Constant")
        assert read(inner, tmp_path).layers


def test_messages_within_each_other(tmp_path):
    graph = b""
    for _ in range(60):  # the graph of an attribute of an operator
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            graph = tag + varint(len(graph)) + graph
    with pytest.raises(DataError, match="its messages lie too deep within each other"):
        read(b"\x3a" + varint(len(graph)) + graph, tmp_path)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConvnetError, match="needs the package onnx; `pip install onnx`"):
        read_onnx(tmp_path / "net.onnx")


def test_onnx_reads_the_same(tmp_path):
    """A second reader of the same file: onnx's own."""
    file = Model().op("Conv", "x", KERNEL).op("Gemm", "x", MATRIX, transB=1).bytes()
    arrays = [numpy_helper.to_array(t) for t in onnx.load_from_string(file).graph.initializer]
    for layer, array in zip(read(file, tmp_path).layers, arrays, strict=True):
        np.testing.assert_array_equal(layer.weights, array)
