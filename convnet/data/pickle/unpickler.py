"""Reads pickled data files safely.

A pickle is a program.  `convnet.data.pickle.machine` runs the part of its language that builds
numbers, strings, lists, tuples, dictionaries and NumPy arrays of numbers; it imports and calls
nothing that a file names.  Everything else raises a DataError.
"""

import gzip
import io
import zipfile
from pathlib import Path

from convnet.data.pickle.arrays import Unreadable
from convnet.data.pickle.compressed import compression
from convnet.data.pickle.machine import loads
from convnet.data.pickle.records import RECORDS
from convnet.display import harmless
from convnet.errors import DataError
from convnet.stored.archives import Damaged, unpack, unpacking
from convnet.stored.files import NotAFile, read_regular

_LARGEST_FILE = 8 << 30  # bytes; ten times the largest batch ever published in this form
_LARGEST_ZIPPED = 4 << 30  # bytes unpacked; the largest net of the time has 1


def read_pickle(path: Path | str) -> object:
    """Return the value pickled in a file by Python 2 or 3, protocols 0 to 5.

    The file may be compressed, by gzip or as a zip archive with one pickle named `data`.  Strings
    of Python 2 come back as bytes, except the keys of dictionaries, which are always str (or int).
    Arrays are read-only.  DataError, naming the file, for anything but plain data.
    """
    path = Path(path)
    shown = harmless(str(path))
    try:
        return loads(_unpacked(_bytes_of(path)))
    except Unreadable as problem:
        raise DataError(
            f"{shown}: {problem}; a data file must be a pickle of only arrays, numbers, strings, "
            "lists and dictionaries; nothing in this file was executed"
        ) from None


def read_records(path: Path | str) -> object:
    """Return the value in a checkpoint of the original systems; objects become inert `Record`s.

    The file may be a zip archive with one pickle named `data`, as cuda-convnet 1 compresses them.
    As in `read_pickle`, nothing that the file names is imported or called.  DataError as there.
    """
    path = Path(path)
    shown = harmless(str(path))
    try:
        return loads(_unpacked(_bytes_of(path)), RECORDS)
    except Unreadable as problem:
        raise DataError(
            f"{shown}: {problem}; it is damaged, or not a checkpoint of the original systems. "
            "Nothing in it was executed"
        ) from None


def _bytes_of(path: Path) -> bytes:
    shown = harmless(str(path))
    try:
        return read_regular(path, _LARGEST_FILE)
    except FileNotFoundError:
        raise DataError(f"{shown}: no such file") from None
    except NotAFile as problem:
        raise DataError(f"{shown}: {problem.strerror}") from None
    except OSError as problem:
        raise DataError(f"{shown}: cannot be read: {problem.strerror}") from None


def _unpacked(data: bytes) -> bytes:
    """Return the contents of a file that may be compressed.  Unreadable if it is damaged."""
    if compression(data) == "gunzip":
        return _ungzipped(data)
    if not data.startswith(b"PK"):
        return data
    try:
        with unpacking():
            archive = zipfile.ZipFile(io.BytesIO(data))
            member = archive.open("data")
        return unpack(member, len(data), _LARGEST_ZIPPED)
    except Damaged as problem:
        raise Unreadable(f"a zip archive without a complete file named data ({problem})") from None


def _ungzipped(data: bytes) -> bytes:
    try:
        return unpack(gzip.GzipFile(fileobj=io.BytesIO(data)), len(data), _LARGEST_ZIPPED)
    except Damaged as problem:
        raise Unreadable(f"a gzip file that is damaged: {problem}") from None


def read_dictionary(path: Path | str, *keys: str) -> dict:
    """Return the dictionary pickled in a file; DataError if it lacks one of `keys`."""
    value = read_pickle(path)
    if type(value) is not dict:
        raise DataError(f"{harmless(str(path))}: holds a {type(value).__name__}, not a dictionary")
    for key in keys:
        if key not in value:
            raise DataError(
                f"{harmless(str(path))}: has no {key!r}; a file of this kind has {', '.join(keys)}"
            )
    return value
