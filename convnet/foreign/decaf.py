"""Reads networks of DeCAF, the framework of Donahue et al. (2013), without executing anything.

DeCAF's own files are pickles of [name, {layer: (object, needs, provides)}]; the network that it
published is a pickle of cuda-convnet's list of layers, which DeCAF translates when it starts.
Sources: `decaf/base.py`, `decaf/layers/convolution.py`, `group_convolution.py`, `innerproduct.py`
and `decaf/scripts/imagenet.py` of decaf-release; for the lists docs/dialect.md, 11.

Layouts: DeCAF's kernels are (rows · columns · channels, filters), channels fastest; its full
connections (inputs, outputs), of inputs (rows, columns, channels).  cuda-convnet's matrices are
(channels · rows · columns, filters) and (inputs, outputs), of inputs (channels, rows, columns).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from convnet.data.pickle.records import Record
from convnet.data.pickle.unpickler import read_records
from convnet.display import escaped, harmless, quoted
from convnet.errors import DataError
from convnet.foreign.contents import ForeignFile, ForeignLayer

_MOST_LAYERS = 5_000
_CONVOLUTION, _GROUPED, _FULL = "ConvolutionLayer", "GroupConvolutionLayer", "InnerProductLayer"


def read_decaf(path: Path | str) -> ForeignFile:
    """Return the layers of a network of DeCAF, or of the list of cuda-convnet's layers.

    DataError if the file is damaged, or is a pickle of anything else.
    """
    path = Path(path)
    value: Any = read_records(path)
    is_ordered = not _is_saved_net(value)  # Python 2 pickled its dictionaries in any order
    if not is_ordered:
        layers, left = _of_net(path, value[1])
    elif type(value) is list and value and all(type(each) is dict for each in value):
        layers, left = _of_list(path, value)
    else:
        raise _wrong(path, "is a pickle, but no network of DeCAF or of cuda-convnet")
    if not layers:
        raise _wrong(path, "holds no layers with weights")
    return ForeignFile(str(path), "DeCAF network", tuple(layers), "RGB", tuple(left), is_ordered)


def _is_saved_net(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and type(value[1]) is dict


def _wrong(path: Path, what: str) -> DataError:
    return DataError(f"{harmless(str(path))}: {what}. Nothing in it was executed")


Found = tuple[list[ForeignLayer], list[tuple[str, str]]]


# -- networks that DeCAF saved ---------------------------------------------------------------------


def _of_net(path: Path, stored: dict[Any, Any]) -> Found:
    layers, left = [], []
    for name, entry in _limited(path, stored.items()):
        shown = escaped(str(name)).replace("\n", " ")
        made = entry[0] if type(entry) in (tuple, list) and entry else entry
        if type(made) is not Record:
            raise _wrong(path, f"is damaged: its layer {quoted(str(name))} is no object")
        kind = made.name.rpartition(".")[2]
        if kind in (_CONVOLUTION, _GROUPED):
            layers.append(_convolution(path, shown, made, kind == _GROUPED))
        elif kind == _FULL:
            matrix, biases = (_blob(path, shown, made.get(k)) for k in ("_weight", "_bias"))
            layers.append(_full(path, shown, matrix, biases, channels_last=True))
        elif made.get("_param"):
            left.append((shown, f"layers of the class {harmless(kind)[:40]} are not read"))
    return layers, left


def _convolution(path: Path, name: str, made: Record, is_grouped: bool) -> ForeignLayer:
    parts = made.get("_conv_layers") if is_grouped else [made]
    size = made.get("_ksize") if not is_grouped else None
    if type(parts) is not list or not 0 < len(parts) <= _MOST_LAYERS:
        raise _wrong(path, f"is damaged: the groups of {name} are no list of layers")
    found, biases = [], []
    for part in parts:
        if type(part) is not Record:
            raise _wrong(path, f"is damaged: a group of {name} is no object")
        matrix, bias = (_blob(path, name, part.get(key)) for key in ("_kernels", "_bias"))
        found.append(_filters(path, name, matrix, part.get("_ksize", size), channels_last=True))
        biases.append(bias)
    if len({each.shape for each in found}) > 1:
        raise _wrong(path, f"is damaged: the groups of {name} differ in shape")
    whole = np.concatenate(found)
    known = [each for each in biases if each is not None]
    joined = np.concatenate(known) if len(known) == len(parts) else None
    return ForeignLayer(name, whole, _checked_biases(path, name, joined, len(whole)), len(parts))


def _blob(path: Path, name: str, blob: Any) -> np.ndarray | None:
    """The values of one of DeCAF's blobs, whose state is (values, filler); None without values."""
    if blob is None:
        return None
    state: Any = blob.state if type(blob) is Record else None
    if type(state) is not tuple or len(state) != 2:
        raise _wrong(path, f"is damaged: weights of {name} are not of the form of DeCAF's")
    return _numbers(path, name, state[0])


# -- lists of cuda-convnet's layers ----------------------------------------------------------------


def _of_list(path: Path, stored: list[dict[str, Any]]) -> Found:
    layers, left = [], []
    for number, layer in enumerate(_limited(path, stored)):
        name = escaped(_text(layer.get("name")) or f"layer {number}").replace("\n", " ")
        weights, kind = layer.get("weights"), _text(layer.get("type"))
        if weights is None:
            continue
        matrices = weights if type(weights) in (list, tuple) else [weights]
        if len(matrices) != 1 or kind not in ("conv", "fc"):
            left.append((name, f"{len(matrices)} matrices of the type {harmless(kind)[:40]}"))
            continue
        matrix, biases = (_numbers(path, name, each) for each in (matrices[0], layer.get("biases")))
        if kind == "fc":
            layers.append(_full(path, name, matrix, biases, channels_last=False))
            continue
        size, groups = (_first(layer.get(key)) for key in ("filterSize", "groups"))
        filters = _filters(path, name, matrix, size, channels_last=False)
        groups = groups if type(groups) is int and groups > 0 else 1
        checked = _checked_biases(path, name, biases, len(filters))
        layers.append(ForeignLayer(name, filters, checked, groups))
    return layers, left


def _first(value: Any) -> Any:
    return value[0] if type(value) in (list, tuple) and value else value


def _text(value: Any) -> str:
    if type(value) is bytes:
        return value.decode("latin-1")
    return value if type(value) is str else ""


# -- both ------------------------------------------------------------------------------------------


def _limited(path: Path, values: Collection[Any]) -> Iterable[Any]:
    if len(values) > _MOST_LAYERS:
        raise _wrong(path, f"has {len(values):,} layers; at most {_MOST_LAYERS:,} are read")
    return values


def _numbers(path: Path, name: str, value: Any) -> np.ndarray | None:
    if value is None:
        return None
    if type(value) is not np.ndarray or value.dtype.kind != "f":
        raise _wrong(path, f"is damaged: weights or biases of {name} are no array of numbers")
    with np.errstate(over="ignore"):
        return np.array(value, np.float32)


def _filters(
    path: Path, name: str, matrix: np.ndarray | None, size: Any, channels_last: bool
) -> np.ndarray:
    """Return a matrix with a column for each filter as (filters, channels, rows, columns)."""
    rows = matrix.shape[0] if matrix is not None and matrix.ndim == 2 else 0
    if matrix is None or not rows or not matrix.shape[1]:
        raise _wrong(path, f"is damaged: the weights of {name} are no matrix")
    side = size if type(size) is int and 0 < size <= isqrt(rows) else 0
    if not side or rows % side**2:
        raise _wrong(
            path, f"is damaged: the {rows:,} weights of a filter of {name} are no square windows"
        )
    channels = rows // side**2
    if channels_last:
        filters = matrix.T.reshape(-1, side, side, channels).transpose(0, 3, 1, 2)
    else:
        filters = matrix.T.reshape(-1, channels, side, side)
    return np.ascontiguousarray(filters)


def _full(
    path: Path, name: str, matrix: np.ndarray | None, biases: np.ndarray | None, channels_last: bool
) -> ForeignLayer:
    if matrix is None or matrix.ndim != 2 or not matrix.size:
        raise _wrong(path, f"is damaged: the weights of {name} are no matrix")
    weights = np.ascontiguousarray(matrix.T)
    checked = _checked_biases(path, name, biases, len(weights))
    return ForeignLayer(name, weights, checked, channels_last=channels_last)


def _checked_biases(
    path: Path, name: str, biases: np.ndarray | None, outputs: int
) -> np.ndarray | None:
    if biases is not None and biases.size != outputs:
        raise _wrong(path, f"is damaged: {name} has {biases.size:,} biases for {outputs:,} outputs")
    return None if biases is None else biases.reshape(-1)
