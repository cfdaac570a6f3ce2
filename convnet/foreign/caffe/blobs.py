"""Arrays of Caffe's files, which Caffe calls blobs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from convnet.foreign.protobuf_wire import Malformed

_MOST_DIMS = 32  # of a blob: kMaxBlobAxes in Caffe's blob.hpp
_OLD_DIMS = ("num", "channels", "height", "width")


def shape_of(blob: Any) -> tuple[int, ...]:
    """Return the shape of a BlobProto; its four old fields come first, as in Caffe."""
    if any(blob.HasField(name) for name in _OLD_DIMS):
        return tuple(getattr(blob, name) for name in _OLD_DIMS)
    return tuple(blob.shape.dim)


def array_of(blob: Any, runs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the values of a BlobProto in its shape, float32.

    Raises Malformed if there are not as many as the shape says.
    """
    shape = shape_of(blob)
    parts = [runs[number] for number in blob.double_data or blob.data]
    found = sum(part.size for part in parts)
    if len(shape) > _MOST_DIMS or any(dim < 0 for dim in shape) or prod(shape) != found:
        raise Malformed(f"an array of shape {by(shape)} has {found:,} values")
    values = np.empty(found, np.float32)
    at = 0
    for part in parts:
        with np.errstate(over="ignore", invalid="ignore"):
            values[at : at + part.size] = part
        at += part.size
    return values.reshape(shape)


def by(shape: Sequence[int]) -> str:
    """Return a shape for a message, such as 96x3x11x11; a very long one is cut."""
    return "x".join(map(str, shape[:8])) + ("x..." if len(shape) > 8 else "") or "()"
