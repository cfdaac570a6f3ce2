"""Files that `convnet export` wrote, as checkpoints again: arrays, spec files, classes, input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from convnet.checkpoint.contents import Checkpoint
from convnet.checkpoint.records import Names, StoredOptions
from convnet.display import harmless
from convnet.errors import ConvnetError, DataError
from convnet.export.arrays import MEAN
from convnet.export.model import Model
from convnet.export.to_torch.write import torch_module
from convnet.foreign.array_files import ArrayFile, npz_file, safetensors_file
from convnet.foreign.onnx_file.own import as_documented, own_file
from convnet.graph.build import build
from convnet.graph.checkpoint_facts import check_weights, stored_facts
from convnet.graph.dialect import TITLES
from convnet.graph.graph import Graph, Node
from convnet.language import Source
from convnet.language.specs import Specs
from convnet.layers.weighted import WeightLayer
from convnet.stored.input_record import InputRecord
from convnet.stored.records import damage, from_objects, objects_of

_READERS = {
    "NumPy archive": npz_file,
    "safetensors file": safetensors_file,
    "ONNX file": own_file,
}
_TEXTS = ("convnet", "dialect", "layers", "params", "graph")
_NO_INPUT = "the file has no mean image: the record of the input is left out"


@dataclass(frozen=True)
class Exported:
    """The checkpoint that a file was exported from.  notes: lines about what the file lacks."""

    checkpoint: Checkpoint
    graph: Graph
    notes: tuple[str, ...] = ()


def read_exported(path: Path, format_name: str) -> Exported | None:
    """Return what `convnet export` wrote, in any format; None for any other file.

    format_name: of `formats.Format`.  DataError if it is damaged, or its network cannot be built.
    """
    if format_name not in _READERS:
        return None
    file = _READERS[format_name](path)
    facts = file.metadata
    if not all(key in facts for key in _TEXTS) or facts["dialect"] not in TITLES:
        return None
    options = _options(path, facts)
    layers = Source.from_text(facts["layers"], f"{path.name} (layers)")
    params = Source.from_text(facts["params"], f"{path.name} (params)")
    graph = _graph(path, layers, params, facts["dialect"], options)
    arrays = _arrays(file, graph)
    _refuse_part(path, graph, arrays)
    try:
        check_weights(graph, {name: array.shape for name, array in arrays.items()}, str(path))
    except ConvnetError as problem:
        raise DataError(str(problem)) from None
    record, notes = _input(path, facts, file.arrays)
    names = _json(path, facts, "class_names", Names) if "class_names" in facts else ()
    saved = Checkpoint(
        arrays,
        layers,
        params,
        facts["dialect"],
        options=options,
        class_names=tuple(names),
        input=record,
        path=str(path),
    )
    return Exported(saved, graph, notes)


def _json(path: Path, facts: Mapping[str, str], key: str, kind: Any) -> Any:
    """The plain objects of a text, checked to be a record of that kind."""
    value = objects_of(facts[key], path, within=key)
    from_objects(value, kind, path, within=key)
    return value


def _options(path: Path, facts: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = _json(path, facts, "graph", StoredOptions)
    return {key: found[key] for key in ("data_dims", "tree") if key in found}


def _graph(
    path: Path, layers: Source, params: Source, dialect: str, options: dict[str, Any]
) -> Graph:
    specs = Specs.parse(layers, params)
    try:
        specs.problems.raise_errors()
        stored = stored_facts(options, str(path))
        return build(specs.layers, specs.params, specs.problems, dialect=dialect, **stored)
    except ConvnetError as problem:
        raise DataError(damage(path, f"its network cannot be built:\n{problem}")) from None


# -- arrays ----------------------------------------------------------------------------------------


def _arrays(file: ArrayFile, graph: Graph) -> dict[str, np.ndarray]:
    """Return the arrays by the names and in the layouts of checkpoints."""
    names, arrays = _own_names(graph), as_documented(file.arrays, graph)
    found = {name: arrays[name] for name in names if name in arrays}
    if len(found) < len(names):
        modules = _module_names(graph)
        found |= {own: arrays[name] for name, own in modules.items() if name in arrays}
    return {name: _stored(name, array) for name, array in found.items()}


def _own_names(graph: Graph) -> list[str]:
    """The names of all arrays of a checkpoint of a graph that only a test needs."""
    names = []
    for node in graph.declared():
        if isinstance(node.layer, WeightLayer):
            owned = [i for i in range(len(node.layer.weights())) if node.owns(i)]
            names += [f"{node.name}.weights.{index}" for index in owned]
            names += [f"{node.name}.biases"]
            tables = node.layer.tables().items()
            names += [f"{node.name}.{key}" for key, t in tables if t.permuted and t.input in owned]
    return names


def _refuse_part(path: Path, graph: Graph, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse a file without the arrays of layers that no output of the exported network needs."""
    names = (name for name in _own_names(graph) if name not in arrays)
    layers = dict.fromkeys(re.sub(r"\.(biases|\w+\.\d+)$", "", name) for name in names)
    if layers:
        raise DataError(
            f"{harmless(str(path))}: has no arrays of {', '.join(layers)}, as networks exported "
            "with --output; export all of it, or give --layers and --partial to take what is there"
        )


def _stored(name: str, array: np.ndarray) -> np.ndarray:
    if ".connections." in name:
        return array.astype(np.int32).reshape(-1)
    if name.endswith(".biases"):
        return array.reshape(-1)
    return np.ascontiguousarray(np.moveaxis(array, -4, -1) if array.ndim >= 4 else array)


class _Named(np.ndarray):
    """An array that remembers its name in a checkpoint, also where it is reshaped."""

    own = ""

    def __array_finalize__(self, source: Any) -> None:
        self.own = getattr(source, "own", "")


class _NamedModel(Model):
    """A model whose arrays are zeros that take no memory and know their names."""

    def weights(self, node: Node, index: int) -> Any:
        owner, at = node.owners[index]
        shape = owner.layer.weights()[at].shape
        first = shape[:-4] + (shape[-1], *shape[-4:-1]) if len(shape) >= 4 else shape
        return _named(self.weights_name(node, index), first)

    def biases(self, node: Node) -> Any:
        layer: Any = node.layer
        return _named(self.biases_name(node), (layer.biases().size,))

    def connections(self, node: Node, index: int) -> Any:
        layer: Any = node.layer
        return _named(self.connections_name(node, index), (layer.connected(index),))


def _named(name: str, shape: tuple[int, ...]) -> Any:
    array = _Named((1,), np.float32)
    array.fill(0)
    array.own = name
    return np.broadcast_to(array, shape, subok=True)


def _module_names(graph: Graph) -> dict[str, str]:
    """Return the names in the state of an exported PyTorch module -> the names here."""
    try:
        _, arrays = torch_module(_NamedModel(graph, {}))
    except ConvnetError:  # it could not have been exported
        return {}
    return {n: a.own for n, a in arrays.items() if isinstance(a, _Named) and a.own}


# -- the input -------------------------------------------------------------------------------------


def _input(
    path: Path, facts: Mapping[str, str], arrays: Mapping[str, np.ndarray]
) -> tuple[InputRecord | None, tuple[str, ...]]:
    if "input" not in facts:
        return None, ()
    stored = objects_of(facts["input"], path, within="input")
    if type(stored) is not dict:
        raise DataError(damage(path, "input: expected object"))
    if stored.get("mean_kind") == "image":
        mean = _mean_image(stored, arrays)
        if mean is None:
            return None, (_NO_INPUT,)
        stored["mean_image"] = mean
    wanted = {each.name for each in msgspec.structs.fields(InputRecord)}
    found = {key: value for key, value in stored.items() if key in wanted}
    return from_objects(found, InputRecord, path, within="input"), ()


def _mean_image(stored: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes | None:
    """The mean image of the crops: under its own name, or that of an exported module's buffer."""
    channels, side = stored.get("channels"), stored.get("inner_size")
    if type(channels) is not int or type(side) is not int:
        return None
    names = [MEAN, *(name for name in arrays if name.endswith("_mean"))]
    found = [arrays[n] for n in names if n in arrays and arrays[n].size == channels * side**2]
    return np.ascontiguousarray(found[0], "<f4").tobytes() if found else None
