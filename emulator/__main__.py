"""Run a Python program on emulated GPUs.

python -m emulator [options] PROGRAM [arguments]      a script, or a command such as pytest
python -m emulator [options] -m MODULE [arguments]    a module
"""

import argparse
import atexit
import os
import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

from emulator.driver.library import NoCompiler
from emulator.options import CAPABILITIES, OptionError, Options, from_environment

_FAULTS = 70  # the exit code where the program itself has seen none of its kernels' faults


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options that stand before the program."""
    made = argparse.ArgumentParser(
        prog="python -m emulator",
        usage="python -m emulator [options] (PROGRAM | -m MODULE) [arguments]",
        description="Run a Python program on emulated CUDA GPUs, which check all that it does.",
        epilog="Each option is also a variable: EMULATOR_GPUS=2, EMULATOR_SEED=3, EMULATOR_LATE=1.",
    )
    made.add_argument("--gpus", type=int, metavar="N", help="how many GPUs there are (1)")
    made.add_argument("--capability", choices=CAPABILITIES, help="compute capability (8.0)")
    made.add_argument("--no-peers", action="store_true", help="no access to other GPUs' memory")
    made.add_argument("--seed", type=int, metavar="N", help="draw what CUDA leaves open by a seed")
    made.add_argument("--late", action="store_true", help="do work only when the host waits for it")
    made.add_argument("--no-races", action="store_true", help="do not look for races (faster)")
    made.add_argument("--memory", type=int, metavar="BYTES", help="of each GPU (4 GiB)")
    made.add_argument("-m", dest="module", metavar="MODULE", help="run a module")
    return made


def options_of(given: argparse.Namespace) -> Options:
    """Return the options of the environment, changed by those of the command line."""
    found = from_environment()
    changes: dict[str, Any] = {
        name: getattr(given, name)
        for name in ("gpus", "capability", "seed", "memory")
        if getattr(given, name) is not None
    }
    changes |= {"late": True} if given.late else {}
    changes |= {"peers": False} if given.no_peers else {}
    changes |= {"races": False} if given.no_races else {}
    return replace(found, **changes)


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split before the program's name, or behind that of its module: what follows is its own."""
    values = {"--gpus", "--capability", "--seed", "--memory"}
    number = 0
    while number < len(arguments):
        word = arguments[number]
        if word == "-m":
            return arguments[: number + 2], arguments[number + 2 :]
        if not word.startswith("-"):
            break
        number += 2 if word in values else 1
    return arguments[:number], arguments[number:]


def program_of(module: str | None, rest: list[str]) -> tuple[Callable[[], Any], list[str]]:
    """Return what runs the program, and its sys.argv; OptionError if there is none."""
    if module:
        return lambda: runpy.run_module(module, run_name="__main__", alter_sys=True), [
            module,
            *rest,
        ]
    if not rest:
        raise OptionError("which program? Name a script, a command, or -m and a module")
    name = rest[0]
    if Path(name).exists():
        return lambda: runpy.run_path(name, run_name="__main__"), rest
    commands = list(entry_points(group="console_scripts", name=name))
    if commands:
        return lambda: sys.exit(commands[0].load()()), rest
    raise OptionError(f"{name!r} is no file and no command of an installed Python package")


def main(arguments: list[str] | None = None) -> int:
    """Run it; return its exit code, or 70 if only the emulator has seen a fault."""
    own, rest = split(sys.argv[1:] if arguments is None else arguments)
    given = parser().parse_args(own)
    try:
        options = options_of(given)
        run, argv = program_of(given.module, rest)
    except OptionError as problem:
        print(f"emulator: {problem}", file=sys.stderr)
        return 2
    from emulator import driver

    os.environ.update(options.environment())  # for processes that the program starts
    try:
        table = driver.install(options)
    except NoCompiler as problem:
        print(f"emulator: {problem}", file=sys.stderr)
        return 1
    sys.argv = argv
    sys.path.insert(0, str(Path(argv[0]).parent) if Path(argv[0]).exists() else os.getcwd())
    code = _code_of(run)
    if table.driver.faults and not code:
        print(f"emulator: {len(table.driver.faults)} faults", file=sys.stderr)
        return _FAULTS
    return code


def _code_of(run: Callable[[], Any]) -> int:
    try:
        run()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    return 0


def leave(code: int) -> NoReturn:
    """End the process: objects that are freed after Python's end would call the driver."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
