"""Reads pickled data files safely.

A pickle is a program.  `convnet.data.pickle.machine` runs the part of its language that builds
numbers, strings, lists, tuples, dictionaries and NumPy arrays of numbers; it imports and calls
nothing that a file names.  Everything else raises a DataError.
"""

import zipfile
import zlib
from pathlib import Path

from convnet.data.pickle.arrays import Unreadable
from convnet.data.pickle.compressed import compression, ungzipped
from convnet.data.pickle.machine import loads
from convnet.data.pickle.records import RECORDS
from convnet.errors import DataError

_LARGEST_FILE = 8 << 30  # bytes; ten times the largest batch ever published in this form
_LARGEST_ZIPPED = 4 << 30  # bytes unpacked; the largest net of the time has 1


def read_pickle(path: Path | str) -> object:
    """Return the value pickled in a file by Python 2 or 3, protocols 0 to 5.

    The file may be compressed, by gzip or as a zip archive with one pickle named `data`.  Strings
    of Python 2 come back as bytes, except the keys of dictionaries, which are always str (or int).
    Arrays are read-only.  DataError, naming the file, for anything but plain data.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(
                f"{path}: is larger than {_LARGEST_FILE >> 30} GiB, so not a data batch"
            )
        return loads(_contents(path))
    except Unreadable as problem:
        raise DataError(
            f"{path}: {problem}; a data file must be a pickle of only arrays, numbers, strings, "
            "lists and dictionaries; nothing in this file was executed"
        ) from None
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None


def read_records(path: Path | str) -> object:
    """Return the value in a checkpoint of the original systems; objects become inert `Record`s.

    The file may be a zip archive with one pickle named `data`, as cuda-convnet 1 compresses them.
    As in `read_pickle`, nothing that the file names is imported or called.  DataError as there.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(
                f"{path}: is larger than {_LARGEST_FILE >> 30} GiB, so not a checkpoint"
            )
        return loads(_contents(path), RECORDS)
    except Unreadable as problem:
        raise DataError(
            f"{path}: {problem}; it is damaged, or not a checkpoint of the original systems. "
            "Nothing in it was executed"
        ) from None
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from None


def _contents(path: Path) -> bytes:
    data = path.read_bytes()
    if compression(data) == "gunzip":
        return ungzipped(data, _LARGEST_ZIPPED)
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(path) as archive, archive.open("data") as member:
            data = member.read(_LARGEST_ZIPPED + 1)
    except (KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        raise Unreadable("a zip archive without a complete file named data") from None
    if len(data) > _LARGEST_ZIPPED:
        raise Unreadable(f"a zip archive of more than {_LARGEST_ZIPPED >> 30} GiB")
    return data


def read_dictionary(path: Path | str, *keys: str) -> dict:
    """Return the dictionary pickled in a file; DataError if it lacks one of `keys`."""
    value = read_pickle(path)
    if type(value) is not dict:
        raise DataError(f"{path}: holds a {type(value).__name__}, not a dictionary")
    for key in keys:
        if key not in value:
            raise DataError(f"{path}: has no {key!r}; a file of this kind has {', '.join(keys)}")
    return value
