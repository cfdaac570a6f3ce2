"""NumPy files, read without evaluating their headers and without taking memory that they claim.

A reader knows the type and the shape of each array that it reads.  The header is compared with
them, and the size of the file with both, before memory is taken.  NumPy's own reader hands the
header to Python's parser, which can be made to fail in many ways, and believes its shape.
"""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from convnet.display import harmless
from convnet.errors import ConvnetError, DataError
from convnet.stored.files import plain_file
from convnet.stored.records import damage

Shape = tuple[int, ...]

_MAGIC = b"\x93NUMPY"
_LONGEST = 4096  # bytes of a header; those of plain arrays take 128
_HEADER = re.compile(
    rb"\{\s*'descr':\s*'([^']{1,20})',\s*'fortran_order':\s*(True|False),"
    rb"\s*'shape':\s*\(([0-9, ]*)\),?\s*\}\s*"
)
_PLAIN = re.compile(r"[<>|=]?[biuf]\d{1,2}")  # booleans, integers, floats
_TEXT = re.compile(r"[<>]U\d{1,9}")
_MOST_DIMS, _DIGITS = 8, 18
# What the reader of zip files raises on damage.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    KeyError,
    IndexError,
    OverflowError,
    UnicodeError,
    MemoryError,
)
_ROOM = 1 << 20  # bytes of an archive beside its arrays


@dataclass(frozen=True)
class Form:
    """The type and shape that an array must have."""

    dtype: npt.DTypeLike
    shape: Shape

    def __str__(self) -> str:
        return f"{np.dtype(self.dtype)} of {'x'.join(map(str, self.shape)) or 'one value'}"

    @property
    def bytes(self) -> int:
        """Return the size of the values."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def read_array(
    path: str | Path,
    dtype: npt.DTypeLike,
    shape: Shape,
    *,
    mapped: bool = False,
    error: type[ConvnetError] = DataError,
    advice: str = "",
) -> np.ndarray:
    """Return the array of an .npy file, which must have this type and shape, in row-major order.

    mapped: read-only, and read from the file when it is used.  advice: how to repair the file, at
    the end of a message.  Raises `error`, before memory is taken, for anything else.
    """
    form = Form(dtype, shape)
    with plain_file(path, error) as (file, size):
        try:
            start = _start_of_values(file, size, form)
            if mapped and form.bytes:
                return np.memmap(file, form.dtype, "r", start, shape)
            return _values(file, form)
        except Unfit as problem:
            raise error(damage(path, str(problem), advice)) from None
        except MemoryError:
            raise error(_no_memory(path, form)) from None


def read_archive(
    path: str | Path,
    forms: Mapping[str, Form],
    *,
    optional: Mapping[str, Form] | None = None,
    error: type[ConvnetError] = DataError,
    advice: str = "",
) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name, each of the form given; `optional` may be missing.

    The archive must be uncompressed, as `numpy.savez` writes it.  Raises `error`, before memory is
    taken, for anything else.
    """
    known = {**forms, **(optional or {})}
    with plain_file(path, error) as (file, size):
        try:
            most = sum(form.bytes for form in known.values()) + _ROOM
            if size > most:
                raise Unfit(f"expected at most {most:,} bytes, found {size:,}")
            with zipfile.ZipFile(file) as archive:
                members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                missing = next((name for name in forms if name not in members), None)
                if missing is not None:
                    raise Unfit(f"expected an array {missing}, found none")
                return {
                    name: _member(archive, members[name], form, size)
                    for name, form in known.items()
                    if name in members
                }
        except Unfit as problem:
            raise error(damage(path, str(problem), advice)) from None
        except _ZIP_ERRORS as problem:
            found = f"expected arrays as numpy.savez writes them: {_zip_reason(problem)}"
            raise error(damage(path, found, advice)) from None


def any_array(file: BinaryIO, size: int) -> np.ndarray:
    """Return the array of an .npy file of any plain form: numbers, or one text.

    file: opened for reading, of `size` bytes.  Raises `Unfit` with what was expected and found.
    """
    form, by_columns, start = _header(file)
    if size - start != form.bytes:
        raise Unfit(f"expected {form.bytes:,} bytes of values, found {max(size - start, 0):,}")
    if not by_columns:
        return _values(file, form)
    return _values(file, Form(form.dtype, form.shape[::-1])).T


def write_archive(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as an uncompressed .npz file, each under its name.  Raises OSError.

    NumPy's `savez` cannot write an array that is called `file`.
    """
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, form: Form, most: int) -> np.ndarray:
    if info.file_size > most:
        raise Unfit(f"{info.filename}: expected at most {most:,} bytes, found {info.file_size:,}")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise Unfit(f"{info.filename}: expected an uncompressed array, found a compressed one")
    with archive.open(info) as file:
        try:
            _start_of_values(cast(BinaryIO, file), info.file_size, form)
            values = _values(cast(BinaryIO, file), form)
        except Unfit as problem:
            raise Unfit(f"{info.filename}: {problem}") from None
        return values


class Unfit(Exception):
    """An array of another form; the message says what was expected and found."""


def _start_of_values(file: BinaryIO, size: int, form: Form) -> int:
    """Read the header, compare it and the size with `form`, and return where the values begin."""
    found, by_columns, start = _header(file, form)
    if (np.dtype(found.dtype), found.shape) != (np.dtype(form.dtype), form.shape):
        raise Unfit(f"expected {form}, found {found}")
    if by_columns and len(form.shape) > 1:
        raise Unfit(f"expected {form} in row-major order, found column-major order")
    if size - start != form.bytes:
        raise Unfit(f"expected {form.bytes:,} bytes of values, found {max(size - start, 0):,}")
    return start


def _header(file: BinaryIO, wanted: object = "an array") -> tuple[Form, bool, int]:
    """Return what a header says: type and shape, whether by columns, where the values begin.

    wanted: what was expected, for messages.
    """
    head = file.read(len(_MAGIC) + 2)
    if len(head) < len(_MAGIC) + 2 or not head.startswith(_MAGIC):
        found = f"one that begins with {_shown(head)}" if head else "an empty one"
        raise Unfit(f"expected a NumPy file, found {found}")
    width = 2 if head[-2] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    if head[-2] not in (1, 2, 3) or length > _LONGEST:
        raise Unfit(f"expected a header of at most {_LONGEST} bytes, found {length:,}")
    header = file.read(length)
    match = _HEADER.fullmatch(header)
    if match is None:
        raise Unfit(f"expected the header of an array, found {_shown(header[:40])}")
    form = _form(match[1].decode("latin-1"), match[3], wanted)
    return form, match[2] == b"True", len(head) + width + length


def _form(descr: str, sides: bytes, wanted: object) -> Form:
    parts = [part.strip() for part in sides.split(b",") if part.strip()]
    if len(parts) > _MOST_DIMS or any(len(part) > _DIGITS for part in parts):
        raise Unfit(f"expected {wanted}, found an impossible shape")
    try:
        shape = tuple(int(part) for part in parts)
        is_text = _TEXT.fullmatch(descr) and not shape
        dtype = np.dtype(descr) if is_text or _PLAIN.fullmatch(descr) else None
    except (TypeError, ValueError):
        dtype = None
    if dtype is None:
        found = _shown(descr.encode("latin-1"))
        raise Unfit(f"expected {wanted}, found values of type {found}")
    return Form(dtype, shape)


def _values(file: BinaryIO, form: Form) -> np.ndarray:
    array: np.ndarray = np.empty(form.shape, form.dtype)
    view = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
    done = 0
    while done < len(view):
        count = cast(io.BufferedIOBase, file).readinto(view[done:])
        if not count:
            raise Unfit(f"expected {form.bytes:,} bytes of values, found {done:,}")
        done += count
    return array


def _no_memory(path: str | Path, form: Form) -> str:
    return f"{harmless(str(path))}: needs {form.bytes:,} bytes of memory, more than there is"


def _zip_reason(problem: Any) -> str:
    return harmless(str(problem)) or type(problem).__name__


def _shown(text: bytes) -> str:
    return harmless(repr(text)[1:])
