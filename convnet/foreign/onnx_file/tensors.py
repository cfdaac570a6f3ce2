"""The values of a tensor of an ONNX file as float32."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from convnet.display import quoted

# Numbers of onnx.TensorProto.DataType, how the values lie in raw_data, and the field they are in
# otherwise.
_FLOAT, _FLOAT16, _DOUBLE, _BFLOAT16, _INT64 = 1, 10, 11, 16, 7
_FORMS = {
    _FLOAT: ("<f4", "float_data"),
    _FLOAT16: ("<f2", "int32_data"),
    _BFLOAT16: ("<u2", "int32_data"),
    _DOUBLE: ("<f8", "double_data"),
}
_NAMES = {
    2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "text", 9: "bool",
    12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128",
}  # fmt: skip
_EXTERNAL = 1  # onnx.TensorProto.DataLocation
MOST_DIMS = 8


class Unread(Exception):
    """Why a tensor's values are not read, such as "holds int64 values"."""


class Damaged(Exception):
    """What is wrong with a tensor, as the end of a sentence that begins with its name."""


def text(value: str | bytes) -> str:
    """Return a text of a protocol buffer, which gives bytes for what is no UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def is_external(tensor: Any) -> bool:
    """Return whether a tensor's values lie in another file."""
    return tensor.data_location == _EXTERNAL or len(tensor.external_data) > 0


def shape_of(tensor: Any) -> tuple[int, ...]:
    """Return the shape of a tensor of floats.

    Unread if its values are others, or lie in another file; Damaged.
    """
    if tensor.data_type not in _FORMS:
        kind = _NAMES.get(tensor.data_type, f"type {tensor.data_type}")
        raise Unread(f"holds {kind} values")
    if tensor.HasField("segment"):
        raise Unread("is stored in segments")
    if is_external(tensor):
        raise Unread(f"lies in another file, {quoted(_location(tensor))}, which is not opened")
    if len(tensor.dims) > MOST_DIMS:
        raise Unread(f"has {len(tensor.dims):,} dimensions")
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape):
        raise Damaged(f"has the shape {_shown(shape)}")
    return shape


def values_of(tensor: Any) -> npt.NDArray[np.float32]:
    """Return the values of a tensor of floats in its shape.

    The size of its data is compared with its shape first.  Unread, Damaged: as `shape_of`.
    """
    shape = shape_of(tensor)
    dtype, field = _FORMS[tensor.data_type]
    if tensor.HasField("raw_data"):
        data = tensor.raw_data
        _check_count(shape, len(data) / np.dtype(dtype).itemsize)
        values = np.frombuffer(data, dtype)
    else:
        values = _from_field(shape, getattr(tensor, field), dtype)
    if tensor.data_type == _BFLOAT16:
        values = (values.astype("<u4") << np.uint32(16)).view("<f4")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32).reshape(shape)


def integers_of(tensor: Any) -> npt.NDArray[np.int64]:
    """Return the values of a vector of int64.  Unread if it is something else; Damaged."""
    if tensor.data_type != _INT64 or len(tensor.dims) != 1 or is_external(tensor):
        raise Unread("is no vector of int64 values")
    data = tensor.raw_data
    values = np.frombuffer(data, "<i8") if not len(data) % 8 else np.empty(0, np.int64)
    _check_count(tuple(tensor.dims), len(data) / 8)
    return values


def _from_field(shape: tuple[int, ...], found: Any, dtype: str) -> np.ndarray:
    """Values of a list; those of 16-bit floats are their bits as integers."""
    _check_count(shape, len(found))
    if np.dtype(dtype).itemsize > 2:
        return np.fromiter(found, dtype, len(found))
    bits = np.fromiter(found, np.int64, len(found))
    if bits.size and (bits.min() < 0 or bits.max() > 0xFFFF):
        raise Damaged("holds values of more than 16 bits")
    return bits.astype("<u2").view(dtype)


def _check_count(shape: tuple[int, ...], found: float) -> None:
    if prod(shape) != found:
        raise Damaged(f"has the shape {_shown(shape)}, and data for {found:,.10g} values")


def _location(tensor: Any) -> str:
    places = (text(e.value) for e in tensor.external_data if text(e.key) == "location")
    return next(places, "unnamed")


def _shown(shape: tuple[int, ...]) -> str:
    """A shape for a message, such as 64x3x11x11."""
    return "x".join(map(str, shape)) or "of one value"
