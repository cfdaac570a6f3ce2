"""Reads ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from convnet.display import harmless, quoted
from convnet.errors import ConvnetError, DataError
from convnet.foreign.contents import ForeignFile
from convnet.foreign.onnx_file.graph import Graph, graph_of
from convnet.foreign.onnx_file.layers import layers_of
from convnet.foreign.onnx_file.tensors import Damaged, is_external, text
from convnet.foreign.onnx_file.wire import check_structure
from convnet.foreign.protobuf_wire import Malformed
from convnet.stored.files import plain_bytes
from convnet.stored.records import damage

KIND = "ONNX model"
PRODUCER = "convnet"  # what `convnet export` writes as the name of the producer
LARGEST = (1 << 31) - 1  # bytes of a protocol buffer


def read_onnx(path: Path | str) -> ForeignFile:
    """Return the convolutions and full connections of an ONNX file, in the order of its operators.

    These are the operators Conv, Gemm and MatMul whose weights are constants of the graph; all
    other constants are in `left`.  DataError if the file is damaged, holds none of them, or keeps
    arrays in other files, which are not opened.  ConvnetError if the package onnx is missing.
    """
    model = onnx_model(path)
    is_own = text(model.producer_name) == PRODUCER
    try:
        graph, operators = graph_of(model.graph)
        found = layers_of(graph, operators, is_own)
    except Damaged as problem:
        raise DataError(damage(path, harmless(str(problem)))) from None
    if not found:
        raise DataError(
            f"{harmless(str(path))}: holds no weights: expected operators Conv, Gemm or MatMul "
            f"with constant weights, found {len(operators):,} operators, none of them such"
        )
    left = (*graph.left(), *_sparse(model.graph, graph))
    order = _color_order(metadata_of(model))
    return ForeignFile(str(path), KIND, tuple(found), order, left, scales_dropout=is_own)


def onnx_model(path: Path | str) -> Any:
    """Return the ModelProto of a file, checked for its size and for external data."""
    onnx, errors = _imported()
    data = plain_bytes(path, LARGEST)
    try:
        check_structure(data)
        model = onnx.ModelProto.FromString(data)
    except Malformed as problem:
        raise DataError(damage(path, str(problem))) from None
    except (errors.DecodeError, ValueError):
        raise DataError(damage(path, "is no ONNX model")) from None
    if not model.HasField("graph"):
        raise DataError(damage(path, "is no ONNX model: it has no graph"))
    for tensor in model.graph.initializer:
        if is_external(tensor):
            raise DataError(
                f"{harmless(str(path))}: the values of {quoted(text(tensor.name))} lie in another "
                "file, which is not opened; write one file, in Python with "
                "onnx.save(onnx.load(FILE), ANOTHER)"
            )
    return model


def metadata_of(model: Any) -> dict[str, str]:
    """Return the texts that a model holds about itself."""
    return {text(entry.key): text(entry.value) for entry in model.metadata_props}


def _imported() -> tuple[Any, Any]:
    try:
        import onnx
        from google.protobuf import message
    except ImportError:
        raise ConvnetError(
            "reading ONNX files needs the package onnx; `pip install onnx` installs it"
        ) from None
    return onnx, message


def _sparse(found: Any, graph: Graph) -> list[tuple[str, str]]:
    names = [text(sparse.values.name) for sparse in found.sparse_initializer]
    return [(name, "is stored sparse") for name in names if name not in graph.constants]


def _color_order(metadata: dict[str, str]) -> str:
    """The order of the colors, as `convnet export` stores it."""
    try:
        record = msgspec.json.decode(metadata.get("input", ""), type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return ""
    order = record.get("color_order")
    return order if isinstance(order, str) and order in ("RGB", "BGR") else ""
