"""Byte ranges of files, read in any order."""

import os
import zlib

import pytest

from convnet.data import byte_range
from convnet.data.byte_range import UNKNOWN_CRC, check_crc, each_byte_range, read_byte_ranges
from convnet.errors import DataError


def test_more_files_than_may_be_open(tmp_path, monkeypatch):
    paths = [tmp_path / f"{k}" for k in range(9)]
    for k, path in enumerate(paths):
        path.write_bytes(bytes(range(10 * k, 10 * k + 10)))
    monkeypatch.setattr(byte_range, "_MOST_OPEN", 3)
    wanted = [(k * 5 % 9, k % 4, 1 + k % 6) for k in range(50)]
    expected = [bytes(range(10 * f + o, 10 * f + o + n)) for f, o, n in wanted]
    before = len(os.listdir("/proc/self/fd"))
    assert read_byte_ranges(paths, wanted) == expected
    assert len(os.listdir("/proc/self/fd")) == before
    reading = each_byte_range(paths, wanted)
    for content in expected:
        assert next(reading) == content
        assert len(os.listdir("/proc/self/fd")) <= before + 3
    reading.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_short_and_missing_files_are_named(tmp_path):
    (tmp_path / "short").write_bytes(b"12345")
    with pytest.raises(DataError, match="short: is shorter than it was"):
        read_byte_ranges([tmp_path / "short"], [(0, 0, 5), (0, 3, 3)])
    with pytest.raises(DataError, match="none: cannot be read: No such file"):
        read_byte_ranges([tmp_path / "none"], [(0, 0, 5)])


def test_a_crc_is_compared_if_it_is_known():
    check_crc(b"abc", zlib.crc32(b"abc"))
    check_crc(b"abc", UNKNOWN_CRC)
    with pytest.raises(ValueError, match="its CRC-32 is 352441c2, not 352441c3"):
        check_crc(b"abc", zlib.crc32(b"abc") ^ 1)
