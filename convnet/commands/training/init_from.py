"""`convnet train --init-from`: start a new run with the weights of another network."""

from pathlib import Path
from typing import Any

import click

from convnet import nets
from convnet.checkpoint import Checkpoint
from convnet.checkpoint.fitting import Fit, take_fitting
from convnet.cli_options.train import StartArguments
from convnet.commands.load_network import load_newest
from convnet.commands.output.console import note
from convnet.data.input import describe_difference
from convnet.foreign.exported import read_exported
from convnet.foreign.formats import Format, format_of, read_foreign
from convnet.foreign.inputs import PRESETS
from convnet.foreign.taking import table, take
from convnet.language import harmless
from convnet.network.network import Network
from convnet.prepare import Prepared


def refuse_wrong_start(start: StartArguments) -> None:
    """Raise UsageError for options of the start that exclude or need each other."""
    if start.init_from and start.resume:
        raise click.UsageError(
            "--init-from starts a new run with weights of another network, --resume continues a "
            "run that has its own weights: give one of them."
        )
    if not start.init_from and (start.map_file or start.pixels):
        raise click.UsageError("--map and --pixels need --init-from, a file of another framework.")


def init_from(start: StartArguments, network: Network, prepared: Prepared) -> dict[str, Any]:
    """Copy the weights of all layers that fit, print them, and return them for the journal.

    Also prints how the images that they were trained on differ from the run's.
    """
    path: Path = nets.trained(start.init_from) or start.init_from
    found = format_of(path)
    if found is not None:
        own = read_exported(path, found.name) if start.map_file is None else None
        if own is None:
            return _from_foreign(path, found, start, network)
        _refuse_foreign_options(start)
        return _from_checkpoint(path, own.checkpoint, network, prepared)
    _refuse_foreign_options(start)
    at, saved, _ = load_newest(path)
    return _from_checkpoint(at, saved, network, prepared)


def _refuse_foreign_options(start: StartArguments) -> None:
    """Weights that were trained here need neither a map nor the input of another framework."""
    if start.map_file or start.pixels:
        raise click.UsageError(
            f"--map and --pixels are for files of other frameworks; {start.init_from} was written "
            "by convnet, and its layers are taken by name."
        )


def _from_foreign(
    path: Path, found: Format, start: StartArguments, network: Network
) -> dict[str, Any]:
    file = read_foreign(path, found)
    given = PRESETS[start.pixels] if start.pixels else None
    taken = take(file, network.graph, start.map_file, given)
    real = network.engine.real
    for name, array in taken.arrays.items():
        network.write(network.parameters[name], array.astype(real, copy=False))
    matching = taken.matching
    note(harmless(f"initial weights from {path} ({file.kind}), layers found {matching.how}:"))
    for line in table(matching):
        note(line)
    left = len(matching.left) + len(matching.missing)
    note(f"  {len(taken.layers)} layers with {taken.values:,} parameters taken, {left} left")
    for line in (*file.notes, *taken.notes):
        note(f"  {line}")
    if given is None:
        note(
            "  what these weights expect of the pixels is not known; here they are 0 to 255 less "
            "the mean, red first. --pixels torchvision or --pixels caffe brings the weights to that"
        )
    return {
        "file": str(path),
        "taken": taken.layers,
        "left": {each.layer.name: each.why for each in matching.left},
    }


def _from_checkpoint(
    found: Path, saved: Checkpoint, network: Network, prepared: Prepared
) -> dict[str, Any]:
    fits = take_fitting(network, saved)
    trained = f"{saved.layers.path}, trained for {saved.position.epochs:g} epochs"
    note(harmless(f"initial weights from {found} ({trained}):"))
    width = max(len(fit.layer) for fit in fits)
    for fit in fits:
        state = f"left: {fit.left}" if fit.left else "taken"
        note(harmless(f"  {fit.layer:{width}}  {fit.values:>13,}  {state}"))
    note(_summary(fits))
    for line in _input_notes(saved, prepared):
        note(line)
    return {
        "file": str(found),
        "taken": [fit.layer for fit in fits if not fit.left],
        "left": {fit.layer: fit.left for fit in fits if fit.left},
    }


def _input_notes(saved: Checkpoint, prepared: Prepared) -> list[str]:
    if saved.input is None:
        return []
    dataset = prepared.dataset
    differences = describe_difference(saved.input, (), dataset)
    if not differences:
        return []
    return [
        f"  {dataset.name} differs from the data that these weights were trained with: it has "
        f"{'; '.join(differences)}. Used: the new data and its mean"
    ]


def _summary(fits: list[Fit]) -> str:
    taken = [fit for fit in fits if not fit.left]
    values = sum(fit.values for fit in taken)
    left = len(fits) - len(taken)
    return f"  {len(taken)} layers with {values:,} parameters taken, {left} left"
