"""What cannot be read is named and counted, the exit status says so, and the rest is made."""

import os
import re
import socket

import pytest

from convnet.data import byte_range, open_dataset
from convnet.errors import DataError
from convnet.make_data.make import make_data
from convnet.make_data.options import MakeOptions
from convnet.make_data.picture import Picture
from tests.support.command_line import good, run
from tests.support.imagenet_archives import wnid, write_tree


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "tree", 3, 4)


@pytest.fixture
def denied(monkeypatch):
    """A set of paths that may not be read: permissions do not hold for a superuser."""
    paths = set()

    def deny(name):
        original = getattr(os, name)

        def checked(path, *rest, **options):
            if str(path) in paths:
                raise PermissionError(13, "Permission denied", str(path))
            return original(path, *rest, **options)

        monkeypatch.setattr(os, name, checked)

    deny("listdir")
    deny("open")
    return paths


def make(tree, *options):
    arguments = ["make-data", "--train", tree, "--hold-out", 0.5, "--workers", 1]
    return run(*arguments, "--out", tree.parent / "set", *options)


def remarks(tree):
    lines = (tree.parent / "set" / "remarks.txt").read_text().splitlines()
    return {line.split("\t")[1]: line.split("\t")[3] for line in lines}


def test_a_folder_that_may_not_be_read(tree, denied):
    denied.add(str(tree / wnid(1)))
    result = make(tree)
    assert result.exit_code == 1
    assert f"images may be missing, as this could not be read: {wnid(1)}: unr" in result.stderr
    assert "1 files or folders could not be read, so images may be missing" in result.stderr
    assert "skipped: unreadable: 1" in result.stdout
    assert remarks(tree) == {wnid(1): "unreadable: Permission denied"}
    assert open_dataset(tree.parent / "set").wnids == (wnid(0), wnid(2))
    assert make(tree).exit_code == 1  # also when it is complete


def test_a_folder_further_down(tree, denied):
    deep = tree / wnid(1) / "deep"
    deep.mkdir()
    denied.add(str(deep))
    assert make(tree).exit_code == 1
    assert remarks(tree) == {f"{wnid(1)}/deep": "unreadable: Permission denied"}


def test_a_file_that_may_not_be_read(tree, denied):
    denied.add(str(tree / wnid(1) / f"{wnid(1)}_2.JPEG"))
    result = make(tree)
    assert result.exit_code == 1
    assert remarks(tree) == {f"{wnid(1)}/{wnid(1)}_2.JPEG": "unreadable: Permission denied"}
    dataset = open_dataset(tree.parent / "set")
    assert dataset.count("train") + dataset.count("test") == 11


def test_a_tar_of_a_class_that_may_not_be_read(tree, denied):
    (tree / "n3.tar").write_bytes(b"")
    denied.add(str(tree / "n3.tar"))
    assert make(tree).exit_code == 1
    assert remarks(tree) == {"n3.tar": "unreadable: Permission denied"}


def test_links_to_nowhere_pipes_and_sockets(tree, tmp_path, monkeypatch):
    place = tree / wnid(0)
    (place / "gone.jpg").symlink_to("nowhere.jpg")
    (place / "round.jpg").symlink_to("round.jpg")
    (tree / "gone_class").symlink_to("nowhere")
    os.mkfifo(place / "pipe.jpg")
    os.mkfifo(tree / "pipe.tar")
    monkeypatch.chdir(place)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
    result = make(tree)
    assert result.exit_code == 1
    found = remarks(tree)
    assert found.pop(f"{wnid(0)}/gone.jpg") == "unreadable: No such file or directory"
    assert found.pop("gone_class") == "unreadable: No such file or directory"
    assert found.pop(f"{wnid(0)}/round.jpg") == "unreadable: Too many levels of symbolic links"
    assert set(found) == {f"{wnid(0)}/pipe.jpg", f"{wnid(0)}/socket.jpg", "pipe.tar"}
    assert set(found.values()) == {"unreadable: a pipe, a socket or a device"}
    assert "skipped: unreadable: 6" in result.stdout


def test_links_to_folders_below_a_class_are_named(tree):
    (tree / wnid(0) / "more").symlink_to(tree / wnid(1))
    assert make(tree).exit_code == 0
    assert remarks(tree) == {f"{wnid(0)}/more": "a link to a folder, not followed"}


@pytest.mark.parametrize("option", ["--train", "--words", "--devkit"])
def test_a_source_that_is_a_pipe_is_refused(tree, tmp_path, option):
    os.mkfifo(tmp_path / "pipe")
    result = make(tree, option, tmp_path / "pipe")
    assert result.exit_code == 1
    assert "pipe: is a pipe or a device, not a file or a folder" in result.stderr


def test_a_source_that_may_not_be_read_is_named(tree, denied):
    denied.add(str(tree))
    result = make(tree)
    assert result.exit_code == 1
    assert f"{tree}: Permission denied" in result.stderr


def test_an_output_that_cannot_be_written_is_named(tree):
    (tree.parent / "file").write_text("")
    result = make(tree, "--out", tree.parent / "file" / "set")
    assert result.exit_code == 1
    expected = "Not a directory; make it readable or writable, or choose another"
    assert re.search(expected, result.stderr)
    result = make(tree, "--out", "x" * 300)
    assert result.exit_code == 2 and "too long" in result.stderr


def test_a_broken_picture_does_not_change_the_status(tree):
    (tree / wnid(0) / f"{wnid(0)}_0.JPEG").write_bytes(b"broken\x1b[31m")
    (tree / wnid(0) / "a\tb\x1b[31m.jpg").write_bytes(b"broken")
    result = make(tree)
    assert result.exit_code == 0
    assert "skipped: broken: 1" in result.stdout
    text = (tree.parent / "set" / "remarks.txt").read_text()
    assert "\x1b" not in text
    assert all(line.count("\t") == 3 for line in text.splitlines())
    good("make-data", "--verify", tree.parent / "set", "--workers", 1)


def test_a_source_that_vanishes_ends_the_making(tree, tmp_path, monkeypatch):
    """Else a disk that is unplugged would make a set of what was read until then."""
    original = byte_range.read_byte_ranges

    def vanishing(paths, ranges):
        os.rename(tree, tmp_path / "elsewhere")
        return original(paths, ranges)

    monkeypatch.setattr(byte_range, "read_byte_ranges", vanishing)
    with pytest.raises(DataError, match="JPEG: cannot be read: No such file or directory"):
        make_data(MakeOptions(tree, hold_out=0.5), tmp_path / "set")
    assert not (tmp_path / "set" / "dataset.json").exists()


def test_a_remark_is_one_line_and_harmless(tree, monkeypatch):
    """Decoders quote what they find in a file."""
    broken = Picture(None, "broken: bad\tchunk \x1b[31m\nred")
    monkeypatch.setattr("convnet.make_data.workers.make_picture", lambda *_: broken)
    assert make(tree).exit_code == 1
    lines = (tree.parent / "set" / "remarks.txt").read_text().splitlines()
    assert lines[0].endswith("\tskipped\tbroken: bad chunk ?[31m?red")
    assert len(lines) == 12 + 3  # and three classes are empty
