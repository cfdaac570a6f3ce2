"""Exported networks: their values in ONNX Runtime and PyTorch beside those of the network here."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convnet.export.model import Model
from convnet.export.to_onnx.write import RULES, onnx_bytes
from convnet.export.to_torch.write import torch_module
from convnet.export.walk import case_dims, walk
from convnet.layers.norm import Normalization

LIMIT = 1e-5  # of the difference of two values, relative to the largest value of the layer


def model_of(network, **facts) -> Model:
    """The model of a network in memory."""
    arrays = {name: network.read(parameter) for name, parameter in network.parameters.items()}
    tables = network.tables.items()
    arrays |= {name: network.engine.read(table.value, network.cases) for name, table in tables}
    return Model(network.graph, arrays, **facts)


def inputs_of(model, data, outputs=()) -> dict[str, np.ndarray]:
    """The exported network's inputs by name, (cases, ...).  data: (values, cases) by dataIdx."""
    return {
        matrix.name: np.ascontiguousarray(data[matrix.index].T).reshape(-1, *matrix.dims)
        for matrix in walk(model, outputs, RULES, "ONNX").matrices
    }


def ours(network, names) -> dict[str, np.ndarray]:
    """The outputs of layers after the network's run, (cases, ...)."""
    found = {}
    for name in names:
        node = network.graph.end_of(network.graph.node(name))
        values = np.moveaxis(network.values(node), -1, 0)
        found[name] = values.reshape(len(values), *case_dims(node.shape))
    return found


def in_onnxruntime(file: bytes, inputs) -> dict[str, np.ndarray]:
    """The outputs of an ONNX file by name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    floats = {name: np.asarray(x, np.float32) for name, x in inputs.items()}
    return dict(zip(names, session.run(None, floats), strict=True))


def check_shapes(file: bytes, graph) -> None:
    """onnx accepts the file, and infers for all values shapes for N cases, for layers ours."""
    import onnx

    model = onnx.load_from_string(file)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    found = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in [*inferred.value_info, *inferred.output]
    }
    for name in (output for node in model.graph.node for output in node.output):
        assert "N" in found[name] and all(d == "N" or type(d) is int for d in found[name]), name
    for node in graph.declared():
        if node.name in found:
            assert found[node.name] == ["N", *case_dims(graph.end_of(node).shape)], node.name


def loaded(folder: Path):
    """The network that the two files of a folder hold."""
    spec = importlib.util.spec_from_file_location("net", folder / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def in_torch(text: str, arrays, inputs, names, folder: Path, real="float32"):
    """The outputs of a written module by name.  folder: where its two files go."""
    import torch
    from safetensors.numpy import save_file

    (folder / "net.py").write_text(text, encoding="utf-8")
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / "net.safetensors")
    dtype = getattr(torch, real)
    net = loaded(folder).to(dtype)
    with torch.no_grad():
        found = net(*(torch.from_numpy(x).to(dtype) for x in inputs.values()))
    found = found if isinstance(found, tuple) else (found,)
    return {name: value.numpy() for name, value in zip(names, found, strict=True)}


@dataclass
class Difference:
    """Between the values of a layer here and elsewhere.

    largest: of the differences.  relative: divided by the largest of our values.
    """

    layer: str
    largest: float
    relative: float


def differences(expected, found) -> dict[str, Difference]:
    """One for each layer; the shapes are equal and our values finite."""
    assert set(expected) == set(found)
    return {name: _difference(name, expected[name], found[name]) for name in expected}


def _difference(name, expected, found):
    assert expected.shape == found.shape, (name, expected.shape, found.shape)
    assert np.isfinite(expected).all(), name
    largest = np.abs(np.float64(expected) - found).max()
    return Difference(name, float(largest), float(largest / np.abs(expected).max()))


def compare(network, data, outputs, folder) -> tuple[dict, dict]:
    """The differences to ONNX Runtime and to PyTorch, by layer, of a network that has run on data.

    outputs: names of layers; () for those that the costs read.
    """
    model = model_of(network)
    inputs = inputs_of(model, data, outputs)
    file = onnx_bytes(model, outputs)
    check_shapes(file, network.graph)
    theirs = in_onnxruntime(file, inputs)
    expected = ours(network, theirs)
    by_torch = in_torch(*torch_module(model, outputs), inputs, list(theirs), folder)
    return differences(expected, theirs), differences(expected, by_torch)


# -- whole networks --------------------------------------------------------------------------------


def sensitive(graph) -> None:
    """Make the sums of the norms as large as what is added to them; call it before the plan."""
    for node in graph.nodes:
        if isinstance(node.layer, Normalization):
            node.layer.set_field("scale", 0.5 * node.layer.window)


def draw_weights(network, data, seed=0) -> None:
    """Random weights and biases, scaled so that the outputs of each layer have deviation 1.

    data: of a few cases.  The layers below a softmax get deviation 2, so that no class has all of
    the probability.
    """
    rng = np.random.default_rng(seed)
    for parameter in network.plan.parameters:
        fan_in = 20 if parameter.index is None else parameter.spec.blocks[1]
        values = rng.standard_normal(parameter.spec.shape, np.float32) * fan_in**-0.5
        network.write(parameter, values)
    network.load(data)
    for node in network.graph.declared():
        own = [p for p in network.plan.parameters if p.unit.node is node]
        if own:
            network.run("test")
            deviation = float(kept_values(network, node).std())
            scale = _wanted(network.graph, node) / max(deviation, 1e-6)
            for parameter in own:
                network.write(parameter, network.read(parameter) * np.float32(scale))


def kept_values(network, node) -> np.ndarray:
    """A layer's values, flat: of all microbatches, or of those whose values are kept."""
    parts = network.plan.microbatch_outputs[network.graph.end_of(node).name]
    found = [(part.view, network.sizes[part.microbatch]) for part in parts]
    return np.concatenate([network.engine.read(v, n).reshape(-1) for v, n in found if n])


def least_effect(network, data, names) -> float:
    """What an error of 1 % in an array of weights or biases changes at least.

    The change of the values of some layers, relative to the largest of them, for the array whose
    change matters least.  data: of a few cases.
    """
    network.load(data)
    network.run("test")
    before = ours(network, names)
    effects = []
    for parameter in network.plan.parameters:
        kept = network.read(parameter).copy()
        network.write(parameter, kept * np.float32(1.01))
        network.run("test")
        found = differences(before, ours(network, names)).values()
        effects.append(max(each.relative for each in found))
        network.write(parameter, kept)
    return min(effects)


def _wanted(graph, node) -> float:
    above = {consumer.layer.type_name for consumer in graph.consumers(node)}
    return 2.0 if "softmax" in above else 1.0


def compared_layers(graph) -> tuple[list[str], list[str]]:
    """(layers below the softmaxes, the softmaxes); without a softmax, what the costs read."""
    softmaxes = [node for node in graph.declared() if node.layer.type_name == "softmax"]
    if softmaxes:
        return _names(node.inputs[0] for node in softmaxes), _names(softmaxes)
    return _names(read for cost in graph.nodes if cost.is_cost for read in cost.inputs), []


def _names(nodes) -> list[str]:
    """Of the layers of some nodes, each once, data layers left out."""
    return list(dict.fromkeys((n.declared_in or n).name for n in nodes if not n.is_data))
