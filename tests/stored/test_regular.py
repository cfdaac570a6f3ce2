"""Only regular files are opened, and nothing is waited for."""

import os
import socket

import pytest

from convnet.errors import CheckpointError, DataError
from convnet.stored import files
from convnet.stored.files import NotAFile, check_regular, open_regular, plain_bytes, read_regular


@pytest.fixture
def others(tmp_path, monkeypatch):
    """A path of each kind that is no file, by what a message calls it."""
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    os.mkfifo("pipe")
    os.symlink("pipe", "link")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        yield {
            "pipe": "a named pipe",
            "link": "a named pipe",
            "socket": "a socket",
            "/dev/zero": "a device",
            ".": "a folder",
        }


def test_what_is_no_file_is_refused_by_name(others):
    for path, kind in others.items():
        for use in (open_regular, check_regular, lambda path: read_regular(path, 9)):
            with pytest.raises(NotAFile, match=f"is {kind}, not a file"):
                use(path)
        with pytest.raises(CheckpointError, match=f"^{path}: is {kind}, not a file"):
            plain_bytes(path, 9, CheckpointError)


def test_a_path_that_changes_while_it_is_opened_is_refused(others, monkeypatch):
    monkeypatch.setattr(files, "check_regular", lambda path: None)
    with pytest.raises(NotAFile, match="a named pipe"):
        open_regular("pipe")


def test_files_are_read_up_to_a_size(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    os.symlink(path, tmp_path / "link")
    assert read_regular(tmp_path / "link", 5) == plain_bytes(path, 5) == b"12345"
    with pytest.raises(OSError, match="has more than 4 bytes"):
        read_regular(path, 4)
    with pytest.raises(DataError, match="at most 4 bytes, found 5"):
        plain_bytes(path, 4)
    with pytest.raises(OSError, match="has more than 4 bytes"):
        read_regular("/proc/self/status", 4)  # of a size of 0, says the system


def test_missing_files_and_impossible_paths(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")
    for path in ("a\0b", "a\ud800b"):
        with pytest.raises(OSError, match="no path holds such characters"):
            open_regular(path)
    with pytest.raises(DataError, match="cannot be read .file name too long"):
        plain_bytes("n" * 5000, 9)
