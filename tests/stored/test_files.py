"""A replaced file is the old one or the whole new one."""

import os

import pytest

from convnet.stored.files import replacing, restoring


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


@pytest.mark.parametrize("old", ["old", None])
def test_files_that_belong_together_stay_together(tmp_path, old):
    """The second of two renames fails: the first one is undone."""
    first, second = tmp_path / "first", tmp_path / "second"
    if old:
        first.write_text(old)
    with pytest.raises(OSError), restoring(first):
        with replacing(first) as temporary:
            temporary.write_text("new")
        assert first.read_text() == "new"
        raise OSError(28, "no space")
    assert (first.read_text() if first.exists() else None) == old
    with restoring(first), replacing(first) as temporary:
        temporary.write_text("new")
    assert first.read_text() == "new" and not second.exists()
    assert os.listdir(tmp_path) == ["first"]
