"""The command line as a user types it, for the tests of it."""

from click.testing import CliRunner

from convnet.cli import main
from tests.support.paths import ROOT

DIGITS = [
    "--layers",
    str(ROOT / "layers/digits.cfg"),
    "--params",
    str(ROOT / "params/digits.params"),
]
ALEXNET = [str(ROOT / "layers/alexnet.cfg"), str(ROOT / "params/alexnet.params")]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def good(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result
