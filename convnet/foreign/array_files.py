"""Reads safetensors and npz files: arrays by name, and texts about them."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import safetensors

from convnet.display import harmless, quoted
from convnet.errors import DataError
from convnet.foreign.contents import ForeignFile
from convnet.foreign.state_dict import Entry, layers_of
from convnet.stored.archives import ALWAYS_ALLOWED, MOST_PER_BYTE, Damaged, unpacking
from convnet.stored.arrays import Unfit, any_array
from convnet.stored.files import plain_bytes, plain_file
from convnet.stored.records import damage, objects_of

METADATA = "metadata"  # the array of an npz file of ours that holds the texts, as JSON

_LARGEST = 8 << 30  # bytes of a file, packed or not
_FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_INTEGERS = {
    **{f"{letter}{8 * n}": f"<{kind}{n}" for letter, kind in (("I", "i"), ("U", "u"))
       for n in (1, 2, 4, 8)},
    "BOOL": "|b1",
}  # fmt: skip


@dataclass(frozen=True)
class ArrayFile:
    """Arrays by name, floats as float32, and the texts that the file holds about them."""

    path: str
    arrays: dict[str, np.ndarray] = field(repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_safetensors(path: Path | str) -> ForeignFile:
    """Return the layers of a safetensors file.  DataError if it is damaged or holds none.

    The format sorts arrays, so the order in which the layers are computed is not known.
    """
    return replace(_layers(safetensors_file(path), "safetensors file"), is_ordered=False)


def read_npz(path: Path | str) -> ForeignFile:
    """Return the layers of a NumPy archive.  DataError if it is damaged or holds none."""
    return _layers(npz_file(path), "NumPy archive")


def _layers(file: ArrayFile, kind: str) -> ForeignFile:
    entries = {name: _entry(array) for name, array in file.arrays.items()}
    layers, left = layers_of(entries)
    if not layers:
        raise DataError(
            f"{harmless(file.path)}: holds no weights: arrays of 2 or 4 dimensions were expected, "
            f"named LAYER.weight; it holds {len(file.arrays):,} arrays"
        )
    ours = "convnet" in file.metadata and "dialect" in file.metadata
    return ForeignFile(file.path, kind, layers, left=left, scales_dropout=ours)


def _entry(array: np.ndarray) -> Entry:
    return Entry(array.shape, array.dtype.kind == "f", lambda: array)


def _float32(array: np.ndarray) -> np.ndarray:
    """Return floats as float32, infinite beyond its range; other values as they are."""
    if array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32).reshape(array.shape)


# -- safetensors -----------------------------------------------------------------------------------


def safetensors_file(path: Path | str) -> ArrayFile:
    """Return the arrays and metadata of a safetensors file.  DataError if it is damaged."""
    data = plain_bytes(path, _LARGEST)
    try:
        found = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except (safetensors.SafetensorError, ValueError, OverflowError) as problem:
        raise DataError(damage(path, harmless(str(problem)) or "no safetensors file")) from None
    arrays = {name: _safe_array(path, name, facts) for name, facts in found}
    header = objects_of(data[8 : 8 + int.from_bytes(data[:8], "little")], path)
    ordered = {name: arrays[name] for name in header if name in arrays}
    return ArrayFile(str(path), ordered, _texts(header.get("__metadata__")))


def _safe_array(path: Path | str, name: str, facts: Mapping[str, Any]) -> np.ndarray:
    kind, shape, data = facts["dtype"], facts["shape"], facts["data"]
    if kind == "BF16":
        bits = np.frombuffer(data, "<u2").astype("<u4") << np.uint32(16)
        return bits.view("<f4").reshape(shape)
    dtype = _FLOATS.get(kind) or _INTEGERS.get(kind)
    if dtype is None:
        raise DataError(f"{harmless(str(path))}: {quoted(name)} is of type {kind}, not read here")
    return _float32(np.frombuffer(data, dtype).reshape(shape))


def _texts(value: object) -> dict[str, str]:
    """The texts of a dictionary."""
    items = value.items() if type(value) is dict else ()
    return {k: v for k, v in items if type(k) is str and type(v) is str}


# -- npz -------------------------------------------------------------------------------------------


def npz_file(path: Path | str) -> ArrayFile:
    """Return the arrays of a NumPy archive, and the texts of `convnet export`.

    DataError if it is damaged, or holds anything but numbers and those texts.
    """
    arrays: dict[str, np.ndarray] = {}
    with plain_file(path) as (file, size):
        try:
            with unpacking():
                archive = zipfile.ZipFile(file)
            room = min(_LARGEST, max(MOST_PER_BYTE * size, ALWAYS_ALLOWED))
            for info in archive.infolist():
                room -= info.file_size
                if room < 0:
                    raise Damaged(f"its {size:,} bytes claim to unpack to far more")
                name = info.filename.removesuffix(".npy")
                arrays[name] = _member(archive, info)
        except Damaged as problem:
            raise DataError(damage(path, harmless(str(problem)))) from None
    text = arrays.pop(METADATA, None)
    floats = {name: _float32(array) for name, array in arrays.items() if array.dtype.kind != "U"}
    return ArrayFile(str(path), floats, {} if text is None else _npz_metadata(path, text))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with unpacking(), archive.open(info) as file:
        try:
            return any_array(cast(BinaryIO, file), info.file_size)
        except Unfit as problem:
            raise Damaged(f"{info.filename}: {problem}") from None


def _npz_metadata(path: Path | str, text: np.ndarray) -> dict[str, str]:
    if text.dtype.kind != "U" or text.ndim:
        return {}
    try:
        return _texts(json.loads(str(text)))
    except (ValueError, RecursionError):
        raise DataError(damage(path, f"{METADATA} is not valid JSON")) from None
