"""The exact messages for errors in the meaning of spec files: mistakes/x.cfg (with x.params) beside
x.txt.

A first line `#! strict classes=10 data_dims=0:192` gives options.  CONVNET_UPDATE_GOLDEN=1 rewrites
the .txt files; read the difference before you commit it."""

import os
import time
from pathlib import Path

import pytest

from convnet.errors import SpecError
from convnet.graph.build import build
from convnet.graph.place import place
from convnet.initial import InitOptions, resolve
from convnet.language import Problems, Source, parse, read_source

FOLDER = Path(__file__).with_name("mistakes")
FILES = sorted(FOLDER.glob("*.cfg"))
MEMORY = 16 * 10**9


def options(source):
    line = source.line(1)
    words = line[2:].split() if line.startswith("#!") else []
    found = dict(word.partition("=")[::2] for word in words)
    dims = [item.split(":") for item in found.get("data_dims", "").split(",") if item]
    return {
        "classes": int(found["classes"]) if "classes" in found else None,
        "data_dims": {int(index): int(rows) for index, rows in dims},
        "memory": MEMORY,
    }, "strict" in found


def source_of(path):
    return Source(path.name, read_source(path).text)


def judge(path):
    """The messages that a user sees: all errors, or the warnings of a net that builds."""
    problems = Problems()
    layers, params = source_of(path), path.with_suffix(".params")
    facts, strict = options(layers)
    files = [
        parse(layers, problems),
        parse(source_of(params), problems) if params.exists() else None,
    ]
    try:
        graph = build(*files, problems, **facts)
        problems.raise_errors(strict=strict)
        place(graph)
        resolve(graph, InitOptions())
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return [str(warning) for warning in problems.warnings]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_message(path):
    messages = judge(path)
    found = "\n\n".join(messages) + "\n"
    expected = path.with_suffix(".txt")
    if os.environ.get("CONVNET_UPDATE_GOLDEN") == "1":
        expected.write_text(found, encoding="utf-8", newline="\n")
    assert found == expected.read_text(encoding="utf-8")
    assert messages, "this file has no error"


def test_every_file_has_messages_of_its_own():
    texts = {path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    assert len(texts) == len(FILES)
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in FILES}


def test_all_errors_are_reported_together():
    messages = judge(FOLDER / "six_mistakes.cfg")
    assert len(messages) >= 6
    assert {message.split(":")[0] for message in messages} == {
        "six_mistakes.cfg",
        "six_mistakes.params",
    }


def test_a_long_file_full_of_mistakes_is_judged_quickly():
    layers = "[n0]\ntype=data\ndataIdx=0\nimgSize=4\n"
    layers += "".join(f"[n{i}]\ntype=fc\ninputs=m{i - 1}\n" for i in range(1, 1000))
    params = "".join(f"[k{i}]\nepsW=1\n" for i in range(1000))
    problems = Problems()
    files = [parse(Source.from_text(text), problems) for text in (layers, params)]
    start = time.monotonic()
    with pytest.raises(SpecError) as raised:
        build(*files, problems)
    assert len(raised.value.problems) == 101
    assert time.monotonic() - start < 10
