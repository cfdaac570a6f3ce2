"""The exact messages for syntax errors: syntax/x.cfg beside x.txt.

CONVNET_UPDATE_GOLDEN=1 rewrites the .txt files; read the difference before you commit it."""

import os
from pathlib import Path

import pytest

from convnet.language import Problems, Source, parse, read_source
from convnet.language.hints import MISTAKES, explain

FOLDER = Path(__file__).with_name("syntax")
FILES = sorted(FOLDER.glob("*.cfg"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_message(path):
    problems = Problems()
    source = Source(path.name, read_source(path).text)
    parse(source, problems)
    found = "\n\n".join(str(p) for p in problems.errors + problems.warnings) + "\n"
    expected = path.with_suffix(".txt")
    if os.environ.get("CONVNET_UPDATE_GOLDEN") == "1":
        expected.write_text(found, encoding="utf-8", newline="\n")
    assert found == expected.read_text(encoding="utf-8")
    assert problems.errors or problems.warnings


def test_every_file_has_its_messages():
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in FILES}


EXAMPLES = [(mistake, example) for mistake in MISTAKES for example in mistake.examples]
SETTINGS = ["[a]\n{}\n", "[a]\nk=1\n{}\n", "[a]\n[b]\n{}\nk=1\n", "[a]\nk=1\n[b]\nj=2\n{}\n"]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("mistake", "example"), EXAMPLES, ids=lambda x: str(x)[:20])
def test_every_typical_mistake_has_its_message(mistake, example, setting):
    match = mistake.pattern.match(example)
    problems = Problems()
    source = Source.from_text(setting.format(example))
    parse(source, problems)
    (error,) = problems.errors
    assert error.message == mistake.message.format(*match.groups())
    assert error.hint == mistake.hint.format(*match.groups())
    assert source.line(error.span.line) == example


def test_a_good_line_is_not_explained():
    assert explain("filters=64") is None
