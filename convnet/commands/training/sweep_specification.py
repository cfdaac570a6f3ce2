"""What `convnet sweep` is asked for: a new sweep, or one that its folder records."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click
from msgspec import structs

from convnet.cli_options.command import Command
from convnet.cli_options.shared import DimsArguments
from convnet.cli_options.sweep import SweepArguments
from convnet.cli_options.train import TrainArguments
from convnet.commands.build_graph import GuessError, build_without_data
from convnet.errors import ConvnetError
from convnet.graph.set_keys import set_keys
from convnet.language import read_source
from convnet.language.specs import RunDefaults, Specs
from convnet.sweep.grid import by_key, canonical
from convnet.sweep.specification import (
    File,
    Specification,
    changed_files,
    differences,
    read,
    write,
)

SWEEPS = Path("sweeps")
_TRAIN = "convnet.cli_options.train:TrainArguments"
# Options of `convnet train` that a sweep sets itself, or that make no sense for several runs.
_NOT_TAKEN = {
    "seed": "the runs have the seeds that --seeds names",
    "save": "the runs are saved in the folder of the sweep",
    "name": "the runs are named after their values",
    "resume": "a sweep goes on when it is started again",
    "resume_or_start": "a sweep goes on when it is started again",
    "conv_to_local": "it changes a run that has begun",
    "unshare_weights": "it changes a run that has begun",
    "max_batches": "runs are trained to the end; --epochs makes them shorter",
    "dry_run": "a sweep trains",
    "trace": "all runs would write the same file",
}
_UNCOMPARED = ("--workers",)  # they change no result


def specification_of(arguments: SweepArguments) -> tuple[Path, Specification]:
    """Return the folder of the sweep and what it consists of; the folder of a new one is made.

    Raises ConvnetError if the folder holds another sweep or other files, SpecError if a value is
    wrong.
    """
    is_described = bool(arguments.options or arguments.tries or arguments.seeds)
    if not is_described or arguments.table:
        return _recorded(arguments)
    trained = _train_arguments(arguments.options)
    new = _new(arguments, trained)
    folder = arguments.out or SWEEPS / Path(new.layers.path).stem
    old = read(folder)
    if old is not None:
        _refuse_another(folder, old, new)
        return folder, old
    _refuse_used(folder)
    _check_values(new, trained)
    write(folder, new)
    return folder, new


def refuse_edited_files(sweep: Specification) -> None:
    """Raise ConvnetError if a file of the network is no longer what it was.

    Runs that have not begun would be trained with other files than those before.
    """
    files = (sweep.layers, sweep.params)
    layers, params = (File(each.path, read_source(each.path).text) for each in files)
    changed = changed_files(sweep, structs.replace(sweep, layers=layers, params=params))
    if changed:
        raise ConvnetError(
            f"{'; '.join(changed)} since the sweep began: restore it, or start another sweep in "
            "another folder (--out)"
        )


def _recorded(arguments: SweepArguments) -> tuple[Path, Specification]:
    """The sweep that a folder records."""
    folder = arguments.out or _default_folder(arguments)
    found = read(folder)
    if found is None:
        raise ConvnetError(
            f"{folder}: holds no sweep; start one with --layers and --try, as in `convnet sweep "
            "--layers digits --try fc4.epsW=0.001 --try fc4.epsW=0.003`"
        )
    return folder, found


def _default_folder(arguments: SweepArguments) -> Path:
    layers = _train_arguments(arguments.options).spec.layers
    if layers is None:
        raise click.UsageError("Missing option --out, or --layers and --try for a new sweep.")
    return SWEEPS / layers.stem


def _new(arguments: SweepArguments, trained: TrainArguments) -> Specification:
    spec = trained.spec.with_files()
    missing = [f"--{name}" for name in ("layers", "params") if getattr(spec, name) is None]
    if missing:
        raise click.UsageError(f"Missing option {' and '.join(missing)}.")
    layers, params = (read_source(path) for path in (spec.layers, spec.params))
    return Specification(
        version=1,
        tries=_tries(arguments, trained),
        seeds=arguments.seeds or 1,
        options=list(arguments.options),
        layers=File(layers.path, layers.text),
        params=File(params.path, params.text),
    )


def _tries(arguments: SweepArguments, trained: TrainArguments) -> dict[str, list[str]]:
    tries = by_key(arguments.tries)
    for key, values in tries.items():
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise click.UsageError(f"--try {key}={twice} is given twice.")
    fixed = {canonical(name) for name, _ in trained.spec.language.settings}
    both = next((key for key in tries if canonical(key) in fixed), None)
    if both is not None:
        raise click.UsageError(f"{both} is named by both --try and --set; give one of them.")
    return tries


def _train_arguments(words: Sequence[str]) -> TrainArguments:
    """The options of `convnet train` among those of a sweep.  UsageError if one is wrong."""
    command = Command(_TRAIN, "", lambda _: None, name="sweep")
    here = click.get_current_context(silent=True)
    context = command.make_context("sweep", list(words), parent=here and here.parent)
    found = TrainArguments.of(context.params)
    flat = _flat(found)
    for name, why in _NOT_TAKEN.items():
        if flat.get(_option(name)):
            raise click.UsageError(f"{_option(name)} is not for sweeps: {why}.", here)
    return found


def _flat(arguments: TrainArguments) -> dict[str, str]:
    """The options that are given, by name, as texts."""
    defaults = _pairs(TrainArguments())
    given = _pairs(arguments)
    return {_option(name): _text(value) for name, value in given.items() if value != defaults[name]}


def _pairs(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        found |= _pairs(value) if is_dataclass(value) else {each.name: value}
    return found


def _text(value: Any) -> str:
    if isinstance(value, tuple):  # of values, or of keys with their values
        items = ("=".join(item) if isinstance(item, tuple) else str(item) for item in value)
        return ", ".join(items)
    return str(value)


def _option(name: str) -> str:
    return "--set" if name == "settings" else "--" + name.replace("_", "-")


def _refuse_another(folder: Path, old: Specification, new: Specification) -> None:
    options = [
        {k: v for k, v in _flat(_train_arguments(each.options)).items() if k not in _UNCOMPARED}
        for each in (old, new)
    ]
    found = differences(old, new, *options)
    if found:
        raise ConvnetError(
            f"{folder} holds another sweep: {'; '.join(found)}. Give another folder (--out), or go "
            f"on with that sweep: convnet sweep --out {folder}"
        )


def _refuse_used(folder: Path) -> None:
    if folder.is_dir() and any(not each.name.startswith(".") for each in folder.iterdir()):
        raise ConvnetError(f"{folder}: holds other files than those of a sweep; give a new folder")


def _check_values(sweep: Specification, trained: TrainArguments) -> None:
    """Raise SpecError if a combination has a wrong key or value, before anything is trained."""
    spec = trained.spec.with_files()
    base, _ = set_keys(Specs.read(spec.layers, spec.params), spec.language.settings)
    for combination in dict.fromkeys(run.combination for run in sweep.runs()):
        specs, _ = set_keys(base, combination.settings, "--try")
        RunDefaults(specs.params, specs.problems)
        try:
            build_without_data(specs, spec.language, DimsArguments())
        except GuessError:
            pass  # the errors may be due to sizes that only the data tells
