"""`convnet train --init-from`: start a new run with the weights of another network."""

from pathlib import Path

import click

from convnet.checkpoint import Checkpoint
from convnet.checkpoint.fitting import Fit, take_fitting
from convnet.cli_options.train import StartArguments
from convnet.commands.load_network import load_newest
from convnet.commands.output.console import note
from convnet.data.input import describe_difference
from convnet.language import harmless
from convnet.prepare import Prepared


def refuse_with_resume(start: StartArguments) -> None:
    """Raise UsageError if both --init-from and --resume are given."""
    if start.init_from and start.resume:
        raise click.UsageError(
            "--init-from starts a new run with weights of another network, --resume continues a "
            "run that has its own weights: give one of them."
        )


def init_from(path: Path, network, prepared: Prepared) -> dict:
    """Copy the weights of all layers that fit, print them, and return them for the journal.

    Also prints how the images that they were trained on differ from the run's.
    """
    found, saved, _ = load_newest(path)
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
