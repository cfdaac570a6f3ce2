"""Errors of the libraries that unpack archives, and the bound on what is unpacked."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import pytest

from convnet.stored import archives
from convnet.stored.archives import Damaged, unpack, unpacking

ERRORS = [
    tarfile.ReadError("a"),
    zipfile.BadZipFile("a"),
    zlib.error("a"),
    lzma.LZMAError("a"),
    gzip.BadGzipFile("a"),
    OSError("Invalid data stream"),  # as bz2 raises it, without a number
    EOFError("a"),
    struct.error("a"),
    ValueError("a"),
    KeyError("a"),
    IndexError("a"),
    OverflowError("a"),
    RuntimeError("password required"),
    NotImplementedError("a"),
    RecursionError("a"),
    MemoryError(),
    UnicodeDecodeError("utf-8", b"a", 0, 1, "a"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_of_the_libraries_becomes_damaged(error):
    with pytest.raises(Damaged) as caught, unpacking():
        raise error
    assert str(caught.value)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_errors_of_the_system_pass(error):
    with pytest.raises(type(error)) as caught, unpacking():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_bytes_are_counted_as_they_come(module, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 1 << 20)
    read = []

    class Counted(io.BytesIO):
        def read(self, size=-1):
            read.append(size)
            return super().read(size)

    zeros = bytes(1 << 25)
    packed = module.compress(zeros)
    opened = module.GzipFile if module is gzip else module.open
    file = opened(fileobj=Counted(packed)) if module is gzip else opened(Counted(packed))
    with pytest.raises(Damaged, match="unpack to more than"):
        unpack(file, len(packed), 1 << 30)


def test_less_than_the_bounds_is_unpacked():
    content = bytes(range(256)) * 1000
    packed = gzip.compress(content)
    file = gzip.GzipFile(fileobj=io.BytesIO(packed))
    assert unpack(file, len(packed), len(content)) == content
    file = gzip.GzipFile(fileobj=io.BytesIO(packed))
    with pytest.raises(Damaged, match="more than 255,999"):
        unpack(file, len(packed), len(content) - 1)


def test_a_truncated_file_is_called_so():
    packed = gzip.compress(bytes(range(256)) * 1000)
    with pytest.raises(Damaged, match="truncated"):
        unpack(gzip.GzipFile(fileobj=io.BytesIO(packed[:-20])), len(packed), 1 << 30)
