"""Caffe's files written by hand, byte by byte: an encoder that knows nothing of the reader.

Source: "Encoding" in the documentation of Protocol Buffers; caffe.proto for the field numbers.
"""

import struct
from collections.abc import Sequence

import numpy as np


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = b""
    while value >= 128:
        found += bytes([value % 128 + 128])
        value //= 128
    return found + bytes([value])


def number(at: int, value: int) -> bytes:
    return varint(8 * at) + varint(value)


def message(at: int, contents: bytes | str) -> bytes:
    contents = contents.encode() if isinstance(contents, str) else contents
    return varint(8 * at + 2) + varint(len(contents)) + contents


def float32(at: int, value: float) -> bytes:
    return varint(8 * at + 5) + struct.pack("<f", value)


def blob(array: np.ndarray, form: str = "shape", values: str = "packed") -> bytes:
    """A BlobProto.

    form: "shape" (BlobShape, packed), "dims" (BlobShape, not packed) or "old" (four numbers).
    values: "packed", "unpacked", "split" (two packed runs), "double" or "unpacked double".
    """
    shape = b""
    if form == "old":
        dims = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(number(at, dim) for at, dim in enumerate(dims, 1))
    flat = array.reshape(-1)
    data = {
        "packed": lambda: message(5, flat.astype("<f4").tobytes()),
        "unpacked": lambda: b"".join(float32(5, value) for value in flat),
        "split": lambda: _split(flat.astype("<f4")),
        "double": lambda: message(8, flat.astype("<f8").tobytes()),
        "unpacked double": lambda: b"".join(
            varint(8 * 8 + 1) + struct.pack("<d", value) for value in flat
        ),
    }[values]()
    if form == "shape":
        shape = message(7, message(1, b"".join(map(varint, array.shape))))
    elif form == "dims":
        shape = message(7, b"".join(number(1, dim) for dim in array.shape))
    return shape + data


def _split(flat):
    half = flat.size // 2
    return message(5, flat[:half].tobytes()) + message(5, flat[half:].tobytes())


V1_TYPES = {"Convolution": 4, "InnerProduct": 14, "Deconvolution": 39, "ReLU": 18}


def layer(
    name: str,
    kind: str,
    blobs: Sequence[bytes] = (),
    *,
    generation: int = 2,
    convolution: bytes = b"",
    full: bytes = b"",
    transform: bytes = b"",
) -> bytes:
    """A layer as a field of a NetParameter, of generation 1 (`layers`) or 2 (`layer`)."""
    if generation == 1:
        found = message(4, name) + number(5, V1_TYPES[kind])
        found += b"".join(message(6, each) for each in blobs)
        places = ((10, convolution), (17, full), (36, transform))
    else:
        found = message(1, name) + message(2, kind)
        found += b"".join(message(7, each) for each in blobs)
        places = ((106, convolution), (117, full), (100, transform))
    found += b"".join(message(at, contents) for at, contents in places if contents)
    return message(2 if generation == 1 else 100, found)


def convolution_of(outputs: int, groups: int | None = None) -> bytes:
    """A ConvolutionParameter."""
    return number(1, outputs) + (b"" if groups is None else number(5, groups))


def net(*layers: bytes, name: str = "net") -> bytes:
    return message(1, name) + b"".join(layers)
