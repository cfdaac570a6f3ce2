"""Paths that no file can have are refused where they are read, by every command."""

import os

import pytest

from convnet.data import open_dataset
from convnet.errors import CheckpointError, DataError
from convnet.stored.paths import path_problem, user_path
from tests.support.command_line import DIGITS, run

BAD = {
    "": "the path is empty",
    "~nosuchuser/x": "there is no home folder ~nosuchuser",
    "x" * 300: "cannot be used (file name too long)",
    "a/" * 3000: "cannot be used (file name too long)",
    "a\0b": "holds a zero byte",
    "a\ud800b": "holds a character that no file name can hold",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text[:20]))
def test_impossible_paths_are_refused(text):
    with pytest.raises(CheckpointError) as caught:
        user_path(text, CheckpointError, home=True)
    assert BAD[text] in str(caught.value) and len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


def test_other_paths_are_passed_on(tmp_path):
    os.symlink("loop", tmp_path / "loop")
    assert "too many levels" in path_problem(tmp_path / "loop")
    for name in ("", "none", "none/none", "caf\udce9", "~nosuchuser"):
        assert user_path(tmp_path / name) == tmp_path / name
    assert str(user_path("~/x", home=True)) == os.path.expanduser("~/x")
    assert str(user_path("~nosuchuser/x")) == "~nosuchuser/x"


def test_data_is_named_by_a_path():
    with pytest.raises(DataError, match="no home folder ~nosuchuser"):
        open_dataset("~nosuchuser/x")


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["describe", "--layers"],
        ["train", *DIGITS, "--save"],
        ["train", *DIGITS, "--data"],
        ["train", "--resume"],
        ["test", "--load"],
        ["test", "--predictions"],
        ["neighbors", "--features"],
        ["show-cost", "--out"],
        ["import", "--out", "x"],
        ["make-data", "--out", "x", "--train"],
    ],
    ids=lambda command: " ".join(command[:1] + command[-1:]),
)
def test_every_command_refuses_a_path_that_is_too_long(command):
    result = run(*command, "x" * 300)
    assert result.exit_code in (1, 2) and isinstance(result.exception, SystemExit)
    assert "file name too long" in result.output
