"""Exported networks: their values in ONNX Runtime and PyTorch beside those of the network here."""

import importlib.util
from dataclasses import dataclass

import numpy as np

from convnet.checkpoint.contents import Checkpoint
from convnet.export.model import Model
from convnet.export.to_onnx.write import RULES
from convnet.export.walk import Matrix, case_dims, walk


def model_of(network, **facts) -> Model:
    """The model of a network in memory."""
    return Model(network.graph, Checkpoint.of(network).arrays, **facts)


def matrices_of(model, outputs=()) -> tuple[Matrix, ...]:
    """The inputs of the exported network."""
    return walk(model, outputs, RULES, "ONNX").matrices


def fed(model, data, outputs=()) -> dict[str, np.ndarray]:
    """The inputs by name, float32 (cases, ...), from matrices (values, cases) by dataIdx."""
    return {
        m.name: np.ascontiguousarray(data[m.index].T, np.float32).reshape(-1, *m.dims)
        for m in matrices_of(model, outputs)
    }


def in_onnxruntime(file: bytes, inputs) -> dict[str, np.ndarray]:
    """The outputs of an ONNX file by name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def ours(network, names) -> dict[str, np.ndarray]:
    """The outputs of layers after the network's run, (cases, ...)."""
    found = {}
    for name in names:
        node = network.graph.end_of(network.graph.node(name))
        values = np.moveaxis(network.values(node), -1, 0)
        found[name] = values.reshape(len(values), *case_dims(node.shape))
    return found


@dataclass
class Difference:
    """Of the values of a layer: the largest one, relative to the largest value."""

    name: str
    relative: float
    size: float


def differences(expected, found) -> list[Difference]:
    """One for each output; all have equal shapes."""
    assert set(expected) == set(found)
    return [_difference(name, expected[name], found[name]) for name in expected]


def _difference(name, expected, found):
    assert expected.shape == found.shape, (name, expected.shape, found.shape)
    assert np.isfinite(expected).all(), name
    size = float(np.abs(expected).max())
    gap = np.abs(np.float64(expected) - np.float64(found)).max()
    return Difference(name, float(gap) / max(size, 1e-30), size)


def in_torch(text: str, arrays, inputs, outputs, folder, real=None) -> dict[str, np.ndarray]:
    """The outputs of a written module by name.  folder: where its two files go.  real: a dtype."""
    import torch
    from safetensors.numpy import save_file

    (folder / "net.py").write_text(text, encoding="utf-8")
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / "net.safetensors")
    spec = importlib.util.spec_from_file_location("net", folder / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.load().to(real or torch.float32)
    with torch.no_grad():
        found = net(*(torch.from_numpy(x).to(real or torch.float32) for x in inputs.values()))
    found = found if isinstance(found, tuple) else (found,)
    return {name: value.numpy() for name, value in zip(outputs, found, strict=True)}
