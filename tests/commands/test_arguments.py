"""The records of arguments: what click parsed is in them, and the help pages show them."""

from dataclasses import FrozenInstanceError, dataclass, fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from convnet.cli import main
from convnet.cli_options.record import (
    Arguments,
    argument,
    flag,
    group,
    option,
    repeatable,
    shared_values,
)
from convnet.cli_options.test import TestArguments as ArgumentsOfTest
from convnet.cli_options.train import TrainArguments
from convnet.commands.program import Program
from convnet.errors import ConvnetError
from convnet.prepare import DataOptions


@dataclass(frozen=True, kw_only=True)
class Paint(Arguments):
    heading = "Paint"

    two_colors: str | None = option(help="Two of them.")
    shine: bool = option("--shine/--no-shine", default=True, help="Whether it shines.")


@dataclass(frozen=True, kw_only=True)
class Draw(Arguments):
    file: str = argument()
    paint: Paint = group(Paint)
    size: int = option(type=int, required=True, help="Its size.")
    fast: bool = flag(help="Hurry.")
    layers: tuple[str, ...] = repeatable("--layer", help="A layer.")


def drawn(*typed, answer=None):
    """The exit code, the output, and the record that a command got."""
    found, tool = [], Program("tool")

    @tool.declare("Draw", f"{__name__}:Draw", "draw x")
    def draw(arguments):
        """Draw a file."""
        found.append(arguments)
        if isinstance(answer, Exception):
            raise answer
        return answer

    result = CliRunner().invoke(tool, ["draw", *typed])
    return result.exit_code, result.output, found[0] if found else None


def words(lines):
    """The first word of each line."""
    return [line.split()[0] for line in lines]


def test_a_record_has_what_was_typed():
    colors, layers = ["--two-colors", "ab", "--no-shine"], ["--layer", "x", "--layer", "y"]
    _, _, found = drawn("f.txt", *colors, *layers, "--size", "3", "--fast")
    paint = Paint(two_colors="ab", shine=False)
    expected = Draw(file="f.txt", paint=paint, size=3, fast=True, layers=("x", "y"))
    assert found == expected


def test_a_record_has_the_defaults_of_what_was_not_typed():
    _, _, found = drawn("f.txt", "--size", "3")
    assert found == Draw(file="f.txt", size=3)
    assert found.paint.shine is True and found.layers == () and found.fast is False


def test_a_record_does_not_change():
    _, _, found = drawn("f.txt", "--size", "3")
    with pytest.raises(FrozenInstanceError):
        found.size = 4


def test_a_required_option_that_is_missing_is_misuse():
    code, output, found = drawn("f.txt")
    assert code == 2 and "--size" in output and found is None


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (0, 0), (3, 3), (ConvnetError("no"), 1)])
def test_the_exit_code_is_what_the_command_returns(answer, code):
    found, output, _ = drawn("f.txt", "--size", "3", answer=answer)
    assert found == code
    assert (output == "no\n") == (code == 1)


def test_a_help_page_lists_options_by_heading():
    _, output, _ = drawn("--help")
    page = [line.strip() for line in output.splitlines()]
    options, paint = page.index("Options:"), page.index("Paint:")
    assert page[0] == "Usage: tool draw [OPTIONS] FILE"
    assert words(page[options + 1 : paint - 1]) == ["--size", "--fast", "--layer", "--help"]
    assert words(page[paint + 1 : paint + 3]) == ["--two-colors", "--shine"]


def test_values_that_two_records_share():
    arguments = TrainArguments().data
    found = shared_values(arguments, DataOptions)
    assert found["mean"] is None and found["color_noise"] is None
    assert set(found) == {field.name for field in fields(DataOptions)} & set(vars(arguments))
    assert "workers" not in found


@pytest.mark.parametrize("name", main.commands)
def test_every_option_stands_once_on_its_help_page(name):
    command = main.commands[name]
    page = CliRunner().invoke(main, [name, "--help"]).output
    lines = [line.split()[0].rstrip(",") for line in page.splitlines() if line.startswith("  -")]
    names = [each.opts[0] for each in command.params if each.opts[0].startswith("-")]
    assert sorted(lines) == sorted([*names, "-h"])


def test_every_command_is_listed_under_its_purpose():
    page = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    lines = [line for line in page.splitlines() if line.startswith("  ")]
    for name, command in main.commands.items():
        (line,) = [line for line in lines if line.split()[0] == name]
        assert line.endswith(".") and not line.endswith("..."), "its summary is cut off"
        assert f"{command.purpose}:" in page


def test_records_of_a_command_line():
    context = main.commands["test"].make_context("test", ["--load", "a", "--gpu", "2,3", "--json"])
    found = ArgumentsOfTest.of(context.params)
    assert found.load == (Path("a"),) and found.as_json
    assert found.evaluation.device.gpu == (2, 3) and found.evaluation.data.mean is None
