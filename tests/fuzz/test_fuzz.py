"""A short part of the fuzzing in every run of the tests; the rest is `make fuzz`."""

import json

import pytest

from convnet.errors import DataError
from tests.fuzz.__main__ import replay
from tests.fuzz.loop import Loop
from tests.fuzz.reader import Inputs, Reader
from tests.fuzz.readers import READERS

INPUTS = 40  # of a reader whose share of the time is 1
SLOW = {"spec": 15, "options": 3, "curves": 10}  # inputs


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_its_seeds_and_refuses_what_is_damaged(name, tmp_path):
    inputs = Inputs(READERS[name])
    loop = Loop(inputs, tmp_path / "place", tmp_path / "failures")
    seeds = loop.run(0, most=len(inputs.trees))
    assert not seeds.failures and not seeds.refused, "a seed is not accepted"
    count = SLOW.get(name, int(INPUTS * READERS[name].share))
    found = loop.run(len(inputs.trees), most=count)
    assert found.tried == len(inputs.trees) + count
    assert not found.failures, [p.name for p in (tmp_path / "failures").iterdir()]


def test_an_input_depends_only_on_seed_and_number():
    first, again, other = (Inputs(READERS["journal"], seed) for seed in (1, 1, 2))
    numbers = range(1, 30)
    assert [first.make(n) for n in numbers] == [again.make(n) for n in numbers]
    assert [first.make(n) for n in numbers] != [other.make(n) for n in numbers]


def fails_with(error):
    def read(folder):
        if (folder / "file").read_bytes() != b"good":
            raise error

    return Reader("faulty", lambda: [{"file": b"good"}], read, accepts=(KeyError,))


@pytest.mark.parametrize(
    "error, kind",
    [
        (ValueError("x"), "ValueError at no line of convnet"),
        (MemoryError(), "MemoryError at no line of convnet"),
        (UserWarning("x"), "UserWarning at no line of convnet"),
        (DataError("a\x1b[2Jb"), "unprintable text: DataError at no line of convnet"),
        (DataError(""), "no text: DataError at no line of convnet"),
        (DataError("file: is damaged\nin two lines"), None),
        (KeyError("accepted"), None),
    ],
)
def test_the_loop_tells_failures_from_messages(error, kind, tmp_path):
    loop = Loop(Inputs(fails_with(error)), tmp_path / "place", tmp_path / "failures")
    found = loop.run(0, most=20)
    assert list(found.failures) == ([kind] if kind else [])
    assert bool(found.refused) == isinstance(error, DataError | KeyError)


def test_a_failure_is_saved_and_can_be_replayed(tmp_path, capsys):
    inputs = Inputs(READERS["texts"])
    loop = Loop(inputs, tmp_path / "place", tmp_path)
    loop.reader = fails_with(OSError("x"))
    assert loop.one(7, {"file": b"bad", "folder/other": b""})
    (folder,) = tmp_path.glob("texts-0-7-*")
    assert (folder / "in/file").read_bytes() == b"bad" and (folder / "in/folder/other").is_file()
    facts = json.loads((folder / "failure.json").read_text())
    assert facts["reader"] == "texts" and facts["number"] == 7
    assert replay(folder) == 0  # the real reader has no such failure
    assert capsys.readouterr().out == "passes\n"
