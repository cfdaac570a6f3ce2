"""Reads PyTorch files: the zip archives of today, and the older pickles followed by raw values.

Source of the layouts: `torch/serialization.py` of PyTorch.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from convnet.data.pickle.arrays import Unreadable
from convnet.data.pickle.machine import loads_at
from convnet.display import harmless, quoted
from convnet.errors import DataError
from convnet.foreign.contents import ForeignFile
from convnet.foreign.state_dict import Entry, layers_of
from convnet.foreign.torch_file import MAGIC
from convnet.foreign.torch_file.pickled import load
from convnet.foreign.torch_file.tensors import Storage, Tensor
from convnet.foreign.torch_file.weights import named_tensors
from convnet.stored.archives import Damaged, unpacking
from convnet.stored.files import plain_bytes, plain_file

_PROTOCOL = 1001
_LARGEST = 8 << 30  # bytes of a file
_LARGEST_PICKLE = 256 << 20  # bytes; that of AlexNet has 2,000
_SHARED = 4  # times that the values of a file may be used, by weights that share a storage
_ADVICE = (
    "the file must hold a state_dict, the names and tensors of a network's weights; save it in "
    "PyTorch with torch.save(model.state_dict(), FILE). Nothing in this file was executed"
)

Bytes = Callable[[Storage], bytes | memoryview]


def read_torch(path: Path | str) -> ForeignFile:
    """Return the layers of a state_dict that `torch.save` wrote, plain or in a dictionary.

    DataError, naming the file, if it holds anything but tensors and plain data, if it is damaged,
    or if it holds no weights.
    """
    path = Path(path)
    try:
        with plain_file(path) as (file, size):
            is_zip = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            if is_zip:
                with unpacking():
                    archive = _Archive(file, size)
                return _contents(path, archive.value(), archive.bytes_of, size)
        older = _Older(plain_bytes(path, _LARGEST))
        return _contents(path, older.value, older.bytes_of, len(older.data))
    except (Unreadable, Damaged) as problem:
        raise DataError(f"{harmless(str(path))}: {problem}; {_ADVICE}") from None


def _contents(path: Path, value: object, bytes_of: Bytes, size: int) -> ForeignFile:
    tensors = named_tensors(value)
    total = sum(int(np.prod(t.shape, dtype=object)) * t.storage.itemsize for t in tensors.values())
    if total > _SHARED * size:
        raise Unreadable(f"its tensors stand for {total:,} bytes, in a file of {size:,}")
    entries = {name: _entry(tensor, bytes_of) for name, tensor in tensors.items()}
    layers, left = layers_of(entries)
    return ForeignFile(str(path), "PyTorch state_dict", layers, left=left)


def _entry(tensor: Tensor, bytes_of: Bytes) -> Entry:
    return Entry(tensor.shape, tensor.is_float, lambda: tensor.array(bytes_of(tensor.storage)))


class _Archive:
    """The zip form: FOLDER/data.pkl, and a member FOLDER/data/KEY for each storage."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._size, self._read = size, 0
        self._zip = zipfile.ZipFile(file)
        names = [n for n in self._zip.namelist() if n == "data.pkl" or n.endswith("/data.pkl")]
        if len(names) != 1:
            raise Damaged(f"a zip archive with {len(names)} members data.pkl, where one is needed")
        self._folder = names[0].removesuffix("data.pkl")
        self._storages: dict[str, bytes] = {}

    def value(self) -> object:
        """Return what the archive holds, its storages not yet read."""
        if self._has("byteorder") and self._member("byteorder", 64).strip() != b"little":
            raise Unreadable("it was written in the byte order big-endian, which is not read")
        return load(self._member("data.pkl", _LARGEST_PICKLE))[0]

    def bytes_of(self, storage: Storage) -> bytes:
        """Return the bytes of a storage, read once."""
        key = storage.key
        if key not in self._storages:
            self._storages[key] = self._member(f"data/{key}", self._size)
        found = self._storages[key]
        _check_size(storage, len(found))
        return found

    def _has(self, name: str) -> bool:
        return f"{self._folder}{name}" in self._zip.NameToInfo

    def _member(self, name: str, most: int) -> bytes:
        if not self._has(name):
            raise Damaged(f"a zip archive without a member {quoted(name)}")
        info = self._zip.NameToInfo[f"{self._folder}{name}"]
        if info.file_size != info.compress_size:
            raise Damaged(f"{quoted(name)} is compressed, which torch.save does not do")
        self._read += info.file_size
        if info.file_size > most or self._read > self._size:
            raise Damaged(f"{quoted(name)} claims {info.file_size:,} bytes, more than there are")
        with unpacking(), self._zip.open(info) as member:
            return member.read()


class _Older:
    """The older form: a number, a version, facts about the machine, the value, the storages."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        version, at = loads_at(data, len(MAGIC))
        if not data.startswith(MAGIC) or version != _PROTOCOL:
            raise Unreadable("it is no file of torch.save, or of an unknown version")
        machine, at = loads_at(data, at)
        if type(machine) is not dict or machine.get("little_endian") is not True:
            raise Unreadable("it was written in the byte order big-endian, which is not read")
        self.value, at = load(data, at)
        keys, at = loads_at(data, at)
        self._at, self._keys = at, keys
        self._places: dict[str, tuple[int, int]] | None = None

    def bytes_of(self, storage: Storage) -> memoryview:
        """Return the bytes of a storage."""
        if self._places is None:
            self._places = self._found()
        if storage.key not in self._places:
            raise Unreadable(f"a storage {quoted(storage.key)} that the file does not have")
        start, values = self._places[storage.key]
        stop = start + values * storage.itemsize
        if stop > len(self.data):
            raise Unreadable("the file is truncated")
        _check_size(storage, stop - start)
        return memoryview(self.data)[start:stop]

    def _found(self) -> dict[str, tuple[int, int]]:
        """Where each storage begins, and how many values it has.

        A storage is the number of its values, of 8 bytes, and the values, of a size that only the
        value before states.
        """
        sizes = _item_sizes(self.value)
        keys = self._keys if type(self._keys) is list else []
        places, at = {}, self._at
        for key in keys:
            name = key.decode("latin-1") if type(key) is bytes else key
            if type(name) is not str or name not in sizes:
                raise Unreadable("it lists a storage that none of its tensors has")
            values = int.from_bytes(self.data[at : at + 8], "little")
            places[name] = (at + 8, values)
            at += 8 + values * sizes[name]
        return places


def _item_sizes(value: object) -> dict[str, int]:
    """Return the bytes of a value of each storage, by key.  Walks everything the pickle holds."""
    found: dict[str, int] = {}
    waiting: list[Any] = [value]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if type(each) is Tensor:
            found.setdefault(each.storage.key, each.storage.itemsize)
        elif type(each) in (dict, list, tuple) and id(each) not in seen:
            seen.add(id(each))
            waiting += each.values() if type(each) is dict else each
    return found


def _check_size(storage: Storage, size: int) -> None:
    needed = (storage.start + storage.values) * storage.itemsize
    if needed > size:
        raise Unreadable(
            f"a storage {quoted(storage.key)} of {needed:,} bytes, of which the file has {size:,}"
        )
