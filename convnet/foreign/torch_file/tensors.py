"""Storages and tensors as a PyTorch pickle describes them, checked before memory is taken."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from convnet.data.pickle.arrays import Global, Unreadable

# The names of storage types -> type of the values in the file.  bfloat16 is read as its bits.
TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
BFLOAT16 = "bfloat16"
_MOST_DIMS = 32


@dataclass(frozen=True)
class Storage:
    """A run of values in the file.

    key: its name in the file.  values: how many.  kind: one of the values of TYPES.  start: where
    it begins in the values of `key`, other than 0 only for views in the older form.
    """

    key: str
    values: int
    kind: str
    start: int = 0

    @property
    def itemsize(self) -> int:
        """Bytes of a value."""
        return 2 if self.kind == BFLOAT16 else np.dtype(self.kind).itemsize


@dataclass(frozen=True)
class Tensor:
    """Values of a storage: those at offset + sum of index · stride, which all lie within it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def is_float(self) -> bool:
        """Whether the values are floating-point numbers."""
        return self.storage.kind == BFLOAT16 or np.dtype(self.storage.kind).kind == "f"

    def array(self, data: bytes | memoryview) -> np.ndarray:
        """Return the values, of a storage's bytes: float32 if they are floats, in row-major order.

        Values beyond the range of float32 become infinite.
        """
        kind = "<u2" if self.storage.kind == BFLOAT16 else self.storage.kind
        start = self.storage.start + self.offset
        if not prod(self.shape):
            return np.zeros(self.shape, np.float32 if self.is_float else kind)
        flat = np.frombuffer(data, kind, self.storage.start + self.storage.values)[start:]
        strides = [stride * flat.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False)
        if self.storage.kind == BFLOAT16:
            return (view.astype("<u4") << np.uint32(16)).view("<f4")
        with np.errstate(over="ignore"):
            return np.array(view, np.float32 if self.is_float else kind, order="C")


def storage(pid: object) -> Storage:
    """Return the storage that a persistent id refers to.  Unreadable for any other id.

    The id is ("storage", type, key, location, values), in the older form with a view behind:
    None, or (key, start, values) of a part of the storage.
    """
    parts = pid if type(pid) is tuple else ()
    if parts and _text(parts[0]) == "module":
        raise Unreadable("it holds a whole module with its source")
    if len(parts) not in (5, 6) or _text(parts[0]) != "storage":
        raise Unreadable("it refers to an object outside the file that is not a storage")
    name = parts[1].name if type(parts[1]) is Global else ""
    module, _, type_name = name.rpartition(".")
    if module.split(".")[0] != "torch" or type_name not in TYPES:
        raise Unreadable(f"a storage of the type {name!a:.60}, which is not known")
    key, size = _text(parts[2]), parts[4]
    if not key or not _is_count(size):
        raise Unreadable("a storage without a name or a size")
    found = Storage(key, size, TYPES[type_name])
    view = parts[5] if len(parts) == 6 else None
    return found if view is None else _viewed(found, view)


def _viewed(whole: Storage, view: object) -> Storage:
    if type(view) is not tuple or len(view) != 3 or not all(map(_is_count, view[1:])):
        raise Unreadable("a view of a storage of an unknown form")
    _, start, size = view
    if start + size > whole.values:
        raise Unreadable("a view that goes beyond its storage")
    return Storage(whole.key, size, whole.kind, start)


def tensor(arguments: tuple[Any, ...]) -> Tensor:
    """Return the tensor of `_rebuild_tensor` and `_rebuild_tensor_v2`.

    arguments: storage, offset, shape, strides, and more that does not matter here.  Unreadable if
    the tensor does not lie within its storage, or repeats its values.
    """
    if not 4 <= len(arguments) <= 7:
        raise Unreadable(f"a tensor made from {len(arguments)} values")
    source, offset, shape, strides = arguments[:4]
    if type(source) is not Storage or not _is_count(offset):
        raise Unreadable("a tensor without a storage, or with a negative offset")
    if not _are_counts(shape) or not _are_counts(strides) or len(shape) != len(strides):
        raise Unreadable("a tensor whose shape and strides are not tuples of sizes")
    reach = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    size = prod(shape)
    if size and (offset + reach >= source.values or size > source.values):
        shown = "x".join(map(str, shape[:5])) or "1"
        raise Unreadable(f"a tensor of {shown:.60} values in a storage of {source.values:,}")
    return Tensor(source, offset, shape, strides)


def _are_counts(value: object) -> bool:
    return type(value) is tuple and len(value) <= _MOST_DIMS and all(map(_is_count, value))


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _text(value: object) -> str:
    if type(value) is bytes:  # written by Python 2
        return value.decode("latin-1")
    return value if type(value) is str else ""
