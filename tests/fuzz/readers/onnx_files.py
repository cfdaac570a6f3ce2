"""ONNX files, of `convnet export` and of others."""

from pathlib import Path

import numpy as np

from convnet.export.to_onnx.write import onnx_bytes
from convnet.foreign.exported import read_exported
from convnet.foreign.onnx_file.read import read_onnx
from convnet.stored.input_record import InputRecord
from tests.fuzz.onnx_models import change_onnx
from tests.fuzz.reader import Reader, Tree
from tests.support.exported import model_of
from tests.support.onnx_models import Model, filled, tensor
from tests.support.rows import Row, network_of

_FILE = "net.onnx"
_NET = Row("net", """
    c type=conv inputs=x channels=4 filters=6 groups=2 filterSize=2 neuron=relu
    l type=local inputs=c channels=12 filters=2 filterSize=2 groups=2
    y type=fc inputs=l,x outputs=4""", shapes=((4, 4, 4),))  # fmt: skip


def seeds() -> list[Tree]:
    half = tensor("b.weight", filled(5, 4), "float16", raw=False)
    net = Model().op("Conv", "x", tensor("a.weight", filled(4, 2, 3, 3)), filled(4), group=2)
    net.op("Transpose", "Conv", perm=(0, 2, 3, 1)).op("Flatten", "Transpose").op("Relu", "Flatten")
    net.op("Gemm", "Relu", half, name="b", transB=1, alpha=2.0)
    net.op("Constant", value=tensor("", filled(5, 3))).op("MatMul", "b", "Constant", name="c")
    net.op("Add", "c", tensor("", filled(3))).op("Softmax", "Add")
    double = Model().op("Transpose", tensor("w", filled(3, 4), "float64"), name="t")
    double.op("Identity", "t", name="i").op("Gemm", "x", "i", filled(1, 3))
    return [{_FILE: net.bytes()}, {_FILE: double.bytes()}]


def own_seeds() -> list[Tree]:
    record = InputRecord(side=4, channels=4, inner_size=4, mean_kind="image",
        mean_image=filled(64).tobytes())  # fmt: skip
    model = model_of(network_of(_NET, np.float32), input=record, class_names=("a", "b"))
    return [{_FILE: onnx_bytes(model, (), preprocess)} for preprocess in (False, True)]


def read(folder: Path) -> None:
    for layer in read_onnx(folder / _FILE).layers:
        assert layer.weights.dtype == np.float32 and layer.weights.ndim in (2, 4)
        assert layer.biases is None or layer.biases.shape == layer.weights.shape[:1]


def read_own(folder: Path) -> None:
    read_exported(folder / _FILE, "ONNX file")


READERS = (
    Reader("onnx", seeds, read, {"*": change_onnx}),
    Reader("onnx-of-ours", own_seeds, read_own, {"*": change_onnx}, share=0.7),
)
