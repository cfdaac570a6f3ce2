"""A replaced file is the old one or the whole new one."""

import os

import pytest

from convnet.stored.files import replacing


def test_a_file_is_replaced_at_the_end(tmp_path):
    path = tmp_path / "out"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["out"]


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(ValueError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ValueError
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["out"]
