"""The formats of other frameworks' files: how each is recognized, and what reads it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from convnet.checkpoint.read import FORMAT
from convnet.display import harmless
from convnet.errors import DataError
from convnet.foreign.contents import ForeignFile
from convnet.foreign.torch_file import MAGIC
from convnet.stored.archives import Damaged, unpacking
from convnet.stored.files import plain_file

_HEAD = 1 << 16  # bytes that decide
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Format:
    """A format of files with weights.

    name: for messages.  reader: "module:function" of a function from a path to a ForeignFile,
    imported when it is used.  recognizes: of a file's path and first bytes.
    """

    name: str
    reader: str
    recognizes: Callable[[Path, bytes], bool]


def _suffix(*endings: str) -> Callable[[Path, bytes], bool]:
    return lambda path, head: path.suffix.lower() in endings


def _is_safetensors(path: Path, head: bytes) -> bool:
    return 2 <= int.from_bytes(head[:8], "little") < 1 << 27 and head[8:9] == b"{"


def is_checkpoint(path: Path) -> bool:
    """Return whether a file is a checkpoint of ours, which is a safetensors file too."""
    try:
        with safetensors.safe_open(path, framework="np") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (safetensors.SafetensorError, OSError, ValueError, TypeError):
        return False


def _is_npz(path: Path, head: bytes) -> bool:
    return head.startswith(_ZIP) and any(name.endswith(".npy") for name in _members(path))


def _is_torch(path: Path, head: bytes) -> bool:
    if head.startswith(MAGIC) or path.suffix.lower() in (".pth", ".pt"):
        return True
    return head.startswith(_ZIP) and any(name.endswith("data.pkl") for name in _members(path))


def _is_decaf(path: Path, head: bytes) -> bool:
    """Whether a pickle begins with a list; those of the original systems are dictionaries."""
    return (head[2:] if head[:1] == b"\x80" else head).startswith((b"]", b"(l"))


def _members(path: Path) -> list[str]:
    with plain_file(path) as (file, _):
        try:
            with unpacking():
                return zipfile.ZipFile(file).namelist()
        except Damaged:
            return []


FORMATS = (
    Format("Caffe model", "convnet.foreign.caffe:read_caffemodel", _suffix(".caffemodel")),
    Format("ONNX file", "convnet.foreign.onnx_file.read:read_onnx", _suffix(".onnx")),
    Format("safetensors file", "convnet.foreign.array_files:read_safetensors", _is_safetensors),
    Format("NumPy archive", "convnet.foreign.array_files:read_npz", _is_npz),
    Format("PyTorch state_dict", "convnet.foreign.torch_file.read:read_torch", _is_torch),
    Format("DeCAF network", "convnet.foreign.decaf:read_decaf", _is_decaf),
)
"""The formats, the first that recognizes a file is taken."""

MEAN_READERS = {
    ".npy": "convnet.foreign.mean_file:read_npy_mean",
    ".binaryproto": "convnet.foreign.caffe:read_mean",
}
"""The readers of mean images, by the ending of their files."""


def format_of(path: Path) -> Format | None:
    """Return the format of a file; None if it is none of these, a folder, or a checkpoint of ours.

    DataError if the file cannot be read.
    """
    if path.is_dir():
        return None
    with plain_file(path) as (file, _):
        head = file.read(_HEAD)
    if _is_safetensors(path, head) and is_checkpoint(path):
        return None
    return next((each for each in FORMATS if each.recognizes(path, head)), None)


def read_foreign(path: Path, found: Format) -> ForeignFile:
    """Return the contents of a file.  ConvnetError if it is damaged, or if a package is missing."""
    file: ForeignFile = _function(found.reader)(path)
    return file


def read_mean(path: Path) -> np.ndarray:
    """Return a mean image, (channels, rows, columns) or (channels,), in the file's own order.

    ConvnetError if the file is damaged, or of none of the formats, or if a package is missing.
    """
    ending = path.suffix.lower()
    if ending not in MEAN_READERS:
        known = " or ".join(MEAN_READERS)
        raise DataError(f"{harmless(str(path))}: is no mean image; expected a file {known}")
    found: np.ndarray = _function(MEAN_READERS[ending])(path)
    return found


def _function(place: str) -> Any:
    """Import the function of a "module:function"."""
    module, name = place.split(":")
    return getattr(import_module(module), name)
