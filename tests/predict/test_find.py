"""Which files are images, and in which order they are found."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnet.predict.find import find_pictures, listed_paths, shown

PIXELS = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS).save(path, "PNG")
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder with five images and what is none."""
    top = tmp_path / "photos"
    for name in ("b.png", "a/2.PNG", "a/10.png", "c/deep/er/1", "z.gif"):
        write(top / name)
    for name in (".hidden.png", ".git/1.png", "__MACOSX/1.png", "a/3.png~"):
        write(top / name)
    (top / "notes.txt").write_text("no image")
    (top / "Thumbs.db").write_bytes(b"\x89PNG\r\n\x1a\n")
    (top / "link").symlink_to(top / "a", target_is_directory=True)
    return top


def names(found, folder):
    return [path.relative_to(folder).as_posix() for path in found.files]


def test_a_folder_is_walked_in_order_without_leftovers(folder):
    found = find_pictures([folder])
    assert names(found, folder) == ["a/10.png", "a/2.PNG", "b.png", "c/deep/er/1", "z.gif"]
    assert found.sizes == [path.stat().st_size for path in found.files]
    assert not found.skipped


def test_files_are_taken_as_named_in_the_order_given(folder):
    given = [folder / "z.gif", folder / "notes.txt", folder / ".hidden.png", folder / "z.gif"]
    assert find_pictures(given).files == given


@pytest.mark.skipif(os.name != "posix", reason="pipes with names")
def test_what_is_no_file_is_skipped_with_the_reason(folder):
    os.mkfifo(folder / "pipe.png")
    given = [folder / "nothing.png", folder / "pipe.png", Path("x\0y"), folder / "b.png"]
    found = find_pictures(given)
    assert found.files == [folder / "b.png"]
    reasons = [why for _, why in found.skipped]
    assert [path for path, _ in found.skipped] == given[:3]
    assert reasons[0] == "no such file or directory"
    assert "pipe" in reasons[1]
    assert "zero byte" in reasons[2]


def test_a_pipe_in_a_folder_is_no_image(folder):
    os.mkfifo(folder / "pipe.png")  # opening it would wait for ever
    assert len(find_pictures([folder]).files) == 5


def test_a_file_too_large_is_skipped(folder):
    with (folder / "b.png").open("ab") as file:
        file.truncate(300 << 20)
    found = find_pictures([folder])
    assert [path.name for path, _ in found.skipped] == ["b.png"]


def test_a_list_has_one_path_on_each_line():
    lines = b"a.png\r\n\n with space.png \n\xff.png\nlast.png"
    assert list(listed_paths(io.BytesIO(lines))) == [
        Path("a.png"),
        Path(" with space.png "),
        Path(os.fsdecode(b"\xff.png")),
        Path("last.png"),
    ]


def test_paths_are_shown_on_one_line_without_control_characters():
    assert shown(Path("a\nb\x1b[2J\t.png")) == "a\\nb\\x1b[2J\\t.png"
