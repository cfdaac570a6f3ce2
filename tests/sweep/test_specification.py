"""The record of a sweep, and of its failures."""

import json

import pytest

from convnet.errors import DataError
from convnet.sweep.failures import Failure, Failures
from convnet.sweep.specification import File, Specification, differences, read, write


def sweep(**changes):
    facts = {
        "version": 1,
        "tries": {"a.x": ["1", "2"], "b.y": ["3"]},
        "seeds": 2,
        "options": ["--layers", "net.cfg"],
        "layers": File("net.cfg", "[a]\n"),
        "params": File("net.params", "[a]\nx=1\n"),
    }
    return Specification(**{**facts, **changes})


def test_written_and_read_again(tmp_path):
    assert read(tmp_path) is None
    write(tmp_path / "new/one", sweep())
    assert read(tmp_path / "new/one") == sweep()
    assert len(sweep().runs()) == 4


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("seeds", 0, "seeds: expected int >= 1, found 0"),
        ("tries", [], "tries: expected object, found array"),
        ("version", 2, "version: "),
        ("layers", None, "layers: expected object, found null"),
    ],
)
def test_a_damaged_record(tmp_path, key, value, expected):
    write(tmp_path, sweep())
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(DataError, match="give another folder") as caught:
        read(tmp_path)
    assert expected in str(caught.value)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be used as a sweep's folder"):
        write(tmp_path / "file/sweep", sweep())


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({}, {}, []),
        ({"seeds": 3}, {}, ["--seeds 2 -> 3"]),
        ({"tries": {"a.x": ["1"], "b.y": ["3"]}}, {}, ["a.x 1, 2 -> 1"]),
        ({"tries": {"a.x": ["1", "2"]}}, {}, ["b.y 3 -> (none)"]),
        ({"tries": {"b.y": ["3"], "a.x": ["1", "2"]}}, {}, ["the order of the keys"]),
        ({}, {"--epochs": "3"}, ["--epochs (none) -> 3"]),
        ({"layers": File("net.cfg", "[b]\n")}, {}, ["net.cfg is another file"]),
        ({"params": File("net.params", "")}, {}, ["net.params is another file"]),
    ],
)
def test_what_differs(changes, options, expected):
    found = differences(sweep(), sweep(**changes), {}, options)
    assert len(found) == len(expected)
    assert all(line.startswith(words) for line, words in zip(found, expected, strict=True))


def test_failures(tmp_path):
    failures = Failures.of(tmp_path)
    failures.add("one", Failure(1, "it is broken"))
    failures.add("two", Failure(-9, ""))
    failures.forget("two")
    failures.forget("three")
    assert Failures.of(tmp_path).found == {"one": Failure(1, "it is broken")}
    (tmp_path / "failures.json").write_text("[]")
    with pytest.raises(DataError, match="remove it"):
        Failures.of(tmp_path)
