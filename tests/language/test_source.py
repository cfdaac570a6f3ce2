"""Reading files, spans and excerpts."""

import os

import pytest

from convnet.errors import SpecError
from convnet.language import Source, Span, read_source
from convnet.language.read_source import MAX_BYTES


def refusal(path):
    with pytest.raises(SpecError) as caught:
        read_source(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"[a]\nk=1\n", b"\xef\xbb\xbf[a]\r\nk=1\r\n", b"[a]\rk=1\r"],
    ids=["LF", "byte-order mark and CRLF", "CR"],
)
def test_line_ends_and_byte_order_mark(tmp_path, data):
    path = tmp_path / "a.cfg"
    path.write_bytes(data)
    source = read_source(path)
    assert source.text == "[a]\nk=1\n"
    assert source.path == str(path)
    assert source.line(2) == "k=1" and source.line(9) == ""


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.cfg"
    path.write_bytes(b"[a]\nk=\xff\n")
    message = refusal(path)
    assert message.startswith(f"{path}: is not UTF-8 text (byte 0xff on line 2)")


def test_zero_bytes(tmp_path):
    path = tmp_path / "a.cfg"
    path.write_bytes(b"[a]\0")
    assert refusal(path) == f"{path}: is not a text file: it contains zero bytes"


def test_folder(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path}: is a folder, not a file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").endswith("is a named pipe, not a file")


def test_too_large(tmp_path):
    path = tmp_path / "a.cfg"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert refusal(path) == f"{path}: is larger than 1 MB, too large for a spec file"


def test_missing_file_suggests_a_near_name(tmp_path):
    (tmp_path / "alexnet.cfg").touch()
    message = refusal(tmp_path / "alexnt.cfg")
    assert message.endswith("there is no such file\n   did you mean 'alexnet.cfg'?")
    assert "there is no folder" in refusal(tmp_path / "nowhere" / "a.cfg")
    assert "did you mean" not in refusal(tmp_path / "quite_different")


def test_impossible_path():
    assert "cannot be read" in refusal("a\0b")


def test_excerpt_points_at_the_text():
    source = Source.from_text("[a]\nflters=128\n", "a.cfg")
    span = Span(source, 2, 1, 6)
    assert str(span) == "a.cfg:2:1"
    assert span.excerpt() == "    2 | flters=128\n      | ^^^^^^"
    assert span.slice(2, 3) == Span(source, 2, 3, 3)


def test_excerpt_is_harmless_and_aligned():
    source = Source.from_text("k\t= \x1b[31m\u202e x")
    assert Span(source, 1, 10, 3).excerpt() == "    1 | k = ?[31m? x\n      | " + " " * 9 + "^^^"


def test_excerpt_counts_wide_characters_twice():
    source = Source.from_text("k=\u5927\u5927x")
    assert Span(source, 1, 5).excerpt().endswith("| " + " " * 6 + "^")


@pytest.mark.parametrize("column", [1, 30, 150, 290, 300, 301])
def test_excerpt_of_a_long_line_keeps_the_caret_under_the_text(column):
    text = "".join(chr(ord("a") + i % 26) for i in range(300))
    shown, mark = Span(Source.from_text(text), 1, column).excerpt().split("\n")
    assert len(shown) < 110
    under = shown[mark.index("^") : mark.index("^") + 1]
    assert under == text[column - 1 : column]


def test_caret_just_behind_the_line():
    assert Span(Source.from_text("k="), 1, 3).excerpt() == "    1 | k=\n      |   ^"
