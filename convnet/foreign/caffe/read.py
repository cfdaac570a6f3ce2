"""Reads .caffemodel and .binaryproto files.  Nothing of a file is executed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from convnet.display import harmless
from convnet.errors import DataError
from convnet.foreign.caffe.blobs import array_of, by
from convnet.foreign.caffe.inputs import input_notes
from convnet.foreign.caffe.layers import NotRead, layers_of
from convnet.foreign.caffe.schema import parsed
from convnet.foreign.caffe.wire import BLOB, NET, separate
from convnet.foreign.contents import ForeignFile
from convnet.foreign.protobuf_wire import Malformed
from convnet.stored.files import plain_bytes
from convnet.stored.records import damage

_LARGEST = 8 << 30  # bytes of a network; that of VGG-19 has 0.6e9
_LARGEST_MEAN = 64 << 20  # bytes; 3x2048x2048 values have 50e6
_TEXT = frozenset(range(32, 127)) | {9, 10, 13}


def read_caffemodel(path: str | Path) -> ForeignFile:
    """Return the layers of a .caffemodel, of either format (`layers` and `layer`).

    Its first convolution expects the channels blue, green, red.  ConvnetError if the package
    protobuf is missing; DataError if the file is damaged, holds no weights, or is of Caffe's
    first format.
    """
    with _refusing(path):
        data = plain_bytes(path, _LARGEST)
        _check_binary(data)
        found = separate(data, NET)
        net = parsed("NetParameter", found.structure)
        layers, left = layers_of(net, found.runs)
        notes = input_notes(net)
    return ForeignFile(str(path), "Caffe model", layers, "BGR", left, notes=notes)


def read_mean(path: str | Path) -> np.ndarray:
    """Return the mean image of a .binaryproto, float32 (channels, rows, columns).

    The channels are in the file's order, which is blue, green, red.  ConvnetError if the package
    protobuf is missing, DataError if the file is damaged or holds no image.
    """
    with _refusing(path):
        data = plain_bytes(path, _LARGEST_MEAN)
        found = separate(data, BLOB)
        mean = array_of(parsed("BlobProto", found.structure), found.runs)
        if mean.ndim == 4 and len(mean) == 1:
            mean = mean[0]
        if mean.ndim != 3 or not mean.size:
            raise NotRead(f"holds an array of shape {by(mean.shape)}; an image was expected")
    return mean


@contextmanager
def _refusing(path: str | Path) -> Iterator[None]:
    try:
        yield
    except Malformed as problem:
        raise DataError(damage(path, harmless(str(problem)))) from None
    except NotRead as problem:
        raise DataError(harmless(f"{path}: {problem}")) from None
    except MemoryError:
        raise DataError(
            f"{harmless(str(path))}: there is not enough memory for its arrays"
        ) from None


def _check_binary(data: bytes) -> None:
    """Raise NotRead for a network that is written as text, which has no weights."""
    if data and all(byte in _TEXT for byte in data[:256]):
        raise NotRead("is text, such as a .prototxt; the binary .caffemodel holds the weights")
