"""The small C library, and the options of a command line and of the environment."""

import subprocess
import sys

import pytest

from emulator.__main__ import main, options_of, parser, split
from emulator.driver import library
from emulator.driver.library import NoCompiler
from emulator.options import OptionError, Options, from_environment
from tests.support.paths import ROOT


def test_the_library_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("EMULATOR_CACHE", str(tmp_path))
    path = library.built()
    assert path.name == "libcuda.so.1" and path.is_relative_to(tmp_path)
    monkeypatch.setattr(library, "_compile", None)
    assert library.built() == path


def test_without_a_compiler_there_is_a_clear_message(tmp_path, monkeypatch):
    monkeypatch.setenv("EMULATOR_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(NoCompiler, match="needs a C compiler.*found none of cc"):
        library.built()
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(NoCompiler, match="no-such-compiler cannot be run"):
        library.built()


def test_options_of_the_environment_and_of_the_command_line():
    assert from_environment({}) == Options()
    found = from_environment({"EMULATOR_GPUS": "2", "EMULATOR_LATE": "1", "EMULATOR_PEERS": "0"})
    assert found == Options(gpus=2, late=True, peers=False)
    assert from_environment(Options(seed=3, capability="9.0").environment()).seed == 3
    given = parser().parse_args(["--gpus", "2", "--seed", "4", "--no-peers", "--late"])
    assert options_of(given) == Options(gpus=2, seed=4, peers=False, late=True)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ({"EMULATOR_GPUS": "0"}, "gpus: found 0, expected 1 to 16"),
        ({"EMULATOR_SEED": "x"}, "EMULATOR_SEED: found 'x', expected a whole number"),
        ({"EMULATOR_LATE": "yes"}, "EMULATOR_LATE: found 'yes', expected 0 or 1"),
        ({"EMULATOR_CAPABILITY": "7.5"}, "capability: found '7.5', expected one of 8.0"),
    ],
)
def test_bad_options_are_one_line(variable, message):
    with pytest.raises(OptionError, match=message):
        from_environment(variable)


def test_the_programs_arguments_are_its_own():
    assert split(["--gpus", "2", "-m", "pytest", "-q"]) == (["--gpus", "2", "-m", "pytest"], ["-q"])
    assert split(["--late", "run.py", "--gpus", "9"]) == (["--late"], ["run.py", "--gpus", "9"])
    assert split([]) == ([], [])


def test_a_program_that_does_not_exist_is_one_line(capsys):
    assert main([]) == 2 and "which program?" in capsys.readouterr().err
    assert main(["no-such-command"]) == 2
    assert "'no-such-command' is no file and no command" in capsys.readouterr().err


PROGRAM = """
import numpy as np
from numba import cuda

@cuda.jit(cache=False)
def shift(x, y, count):
    i = cuda.grid(1)
    if i < count:
        y[i] = x[i] + 1

x, y = cuda.to_device(np.arange(64.0)), cuda.device_array(64)
try:
    shift[1, 64](x, y, {count})
except Exception as problem:
    print(type(problem).__name__)
print(len(cuda.gpus), int(y.copy_to_host()[:64].sum()) if {count} == 64 else "?")
"""


@pytest.mark.parametrize(("count", "code", "seen"), [(64, 0, "2 2080"), (65, 70, "2 ?")])
def test_a_script_runs_on_emulated_gpus(tmp_path, count, code, seen):
    """A fault that the program does not see is an exit code of its own."""
    (tmp_path / "run.py").write_text(PROGRAM.format(count=count).replace("[1, 64](", "[1, 96]("))
    command = [sys.executable, "-m", "emulator", "--gpus", "2", str(tmp_path / "run.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == seen
    assert ("emulator: 1 faults" in done.stderr) == (code != 0)
