"""Options of a run: what the user gives now, else what the checkpoint was trained with."""

import os
from dataclasses import asdict, replace
from pathlib import Path

import click

from convnet.checkpoint import Checkpoint
from convnet.cli_options.record import shared_values
from convnet.cli_options.shared import DataArguments, DeviceArguments
from convnet.cli_options.train import TrainArguments
from convnet.commands.output.console import note
from convnet.data import Dataset, decoding
from convnet.display import harmless
from convnet.distributed.launcher import launched, share_of_cores
from convnet.engines import DeviceOptions
from convnet.graph.checkpoint_facts import stored_facts
from convnet.language.specs import RunDefaults
from convnet.prepare import DataOptions, Trained
from convnet.train.run import Options


def data_options(arguments: DataArguments, saved: Checkpoint | None) -> DataOptions:
    """Return the data options given, else those that the checkpoint was trained with."""
    before = saved.options.get("data_options", {}) if saved else {}
    known = DataOptions(**{key: before[key] for key in asdict(DataOptions()) if key in before})
    given = shared_values(arguments, DataOptions)
    new = {key: value for key, value in given.items() if value is not None}
    if _gives_crop(arguments):
        known = replace(known, crop_border=None, inner_size=None)
    if "mean" in new:
        known = replace(known, scalar_mean=None)
    if "data" in new:  # how the pictures of another folder were chosen does not apply
        known = replace(known, size=None, hold_out=None, data_seed=0)
    elif saved:
        new["data"] = saved.data or None
    return replace(known, **new)


def trained(arguments: DataArguments, saved: Checkpoint, path: Path) -> Trained:
    """Return what a checkpoint says about its input, and what of it the options given replace."""
    return Trained(
        where=harmless(str(path)),
        input=saved.input,
        class_names=saved.class_names,
        data=saved.data,
        listing=saved.options.get("listing"),
        tree=stored_facts(saved.options, saved.path)["tree"],
        keeps_mean=arguments.mean is None and arguments.scalar_mean is None,
        keeps_crop=not _gives_crop(arguments),
    )


def _gives_crop(arguments: DataArguments) -> bool:
    return arguments.crop_border is not None or arguments.inner_size is not None


def device_options(arguments: DeviceArguments) -> DeviceOptions:
    """Return the device options given."""
    return DeviceOptions(**shared_values(arguments, DeviceOptions))


def device_options_of_run(arguments: DeviceArguments, before: dict) -> DeviceOptions:
    """Return the device options given; a resumed run keeps its precision unless one is given.

    before: the options in the run's checkpoint, {} for a new run.
    """
    given = device_options(arguments)
    return replace(given, precision=given.precision or before.get("precision", "fp32"))


def training_options(arguments: TrainArguments, defaults: RunDefaults, before: dict) -> Options:
    """Return how long to train and when to test and save.

    Given options come first, then those of the checkpoint (`before`), then those of the parameter
    file (`defaults`).
    """
    if arguments.dry_run:
        return Options(epochs=1, max_batches=1, test_every=1, test_minibatches=1)
    schedule = arguments.schedule

    def chosen(record, name, default=None):
        given = getattr(record, name)
        return given if given is not None else before.get(name, default)

    plateau = {
        name: chosen(arguments.plateau, name, getattr(Options, name))
        for name in shared_values(arguments.plateau, Options)
    }
    return Options(
        epochs=chosen(schedule, "epochs", defaults.epochs),
        max_batches=schedule.max_batches,
        test_every=chosen(schedule, "test_every"),
        save_every=chosen(schedule, "save_every"),
        **plateau,
    )


def start_workers(dataset: Dataset, processes: int | None) -> None:
    """Start the processes that decode images; they end with the command.

    processes: by default one a core; of several ranks, one for each of this rank's share of them.
    """
    here = launched(os.environ).here
    if processes is None and here > 1:
        processes = share_of_cores(here)
    workers = click.get_current_context().with_resource(decoding(dataset, processes))
    if workers is not None:
        workers.on_message = note
