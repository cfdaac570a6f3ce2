"""How commands end: every error becomes a message and an exit code."""

import errno
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from convnet.errors import ConvnetError
from tests.support.command_line import DIGITS, run
from tests.support.paths import ROOT


@pytest.fixture
def fails(monkeypatch, tmp_path):
    """Returns a function that lets `convnet nets` raise an error, and runs it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def command(error, *options):
        def fail(*_):
            raise error

        monkeypatch.setattr("convnet.commands.listing.nets.list_nets", fail)
        return run(*options, "nets")

    return command


def test_an_error_in_the_program_is_one_line_and_a_file(fails, tmp_path):
    result = fails(KeyError("a key\nof two lines"))
    assert result.exit_code == 70 and len(result.output.splitlines()) == 1
    assert "an error in convnet itself (KeyError" in result.output
    details = Path(re.search(r"details: (\S+)$", result.output.strip())[1])
    assert details.parent == tmp_path / "temporary"
    text = details.read_text()
    assert "Traceback (most recent call last)" in text and "a key" in text and "Python 3" in text


def test_the_details_are_in_the_folder_of_the_run(fails, tmp_path):
    error = ValueError("odd")
    error.add_note("the run is saved: x/0.3.safetensors")
    error.folder = tmp_path
    output = fails(error).output
    assert "the run is saved: x/0.3.safetensors; details: " in output
    assert list(tmp_path.glob("convnet-error-*.txt"))


def test_details_that_cannot_be_written(fails, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    result = fails(ValueError("odd"))
    assert result.exit_code == 70 and "--debug shows them" in result.output


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (MemoryError("Unable to allocate 3 TiB"), 1, "not enough memory (Unable to allocate"),
        (OSError(errno.ENOSPC, "No space left on device", "some/file"), 1, "some/file: no space"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, "broken pipe"),
        (ConvnetError("a problem"), 1, "a problem\n"),
        (click.UsageError("a wrong option"), 2, "Error: a wrong option"),
        (KeyboardInterrupt(), 130, "stopped"),
        (RecursionError(), 70, "an error in convnet itself (RecursionError)"),
    ],
)
def test_the_exit_code_of_an_error(fails, error, status, said):
    result = fails(error)
    assert result.exit_code == status and said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("error", [KeyError("a key"), ConvnetError("a problem")])
def test_debug_shows_the_traceback(fails, error):
    result = fails(error, "--debug")
    assert "Traceback (most recent call last)" in result.output
    assert result.output.splitlines()[-1].startswith(("a problem", "an error in convnet"))


def test_an_error_in_a_run_saves_it(monkeypatch, tmp_path):
    def fail(self, position, costs):
        if position.step == 2:
            raise ZeroDivisionError("of ours")

    monkeypatch.setattr("convnet.commands.training.progress.Progress.on_step", fail)
    folder = tmp_path / "run"
    result = run("train", *DIGITS, "--device", "cpu", "--save", folder)
    assert result.exit_code == 70
    assert f"the run is saved: {folder}/0.2.safetensors; details: {folder}/" in result.output
    assert (folder / "0.2.safetensors").is_file()


def test_an_interrupt_while_modules_are_imported_is_no_traceback(tmp_path):
    """A module that comes first on the path stands for a slow import that Ctrl-C interrupts."""
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    found = subprocess.run(
        [sys.executable, "-m", "convnet", "--version"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        cwd=tmp_path,
    )
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "stopped\n")
