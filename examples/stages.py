"""Trains a net in stages, each one `convnet train`; a run that was killed continues."""

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from convnet.checkpoint import Position, has_checkpoint, newest, read_header
from convnet.language.specfile import SpecFile
from convnet.stored.files import replacing


@dataclass(frozen=True)
class Stage:
    """A part of a run.

    until: epochs since the beginning of the run.  divisor: of the parameter file's rates.
    """

    until: int
    divisor: int = 1


AnyStage = TypeVar("AnyStage", bound=Stage)


def scaled(stages: Sequence[AnyStage], scale: float) -> tuple[AnyStage, ...]:
    """Return stages of a fraction of the epochs, each of at least one epoch."""
    found: list[AnyStage] = []
    for stage in stages:
        earliest = found[-1].until + 1 if found else 1
        found.append(replace(stage, until=max(earliest, round(stage.until * scale))))
    return tuple(found)


def divided_rates(params: SpecFile, divisor: int, keys: Sequence[str] = ("epsW",)) -> list[str]:
    """Return the rates of a parameter file divided by a number, as `--set` takes them."""
    return [
        f"{section.name}.{key}={float(rate.value.text) / divisor:g}"
        for section in params.sections
        for key in keys
        if divisor > 1 and (rate := section.entries.get(key.lower()))
    ]


def epochs_done(folder: Path) -> float:
    """Return the epochs in the newest checkpoint of a run; 0 if it has none."""
    if not folder.is_dir() or not has_checkpoint(folder):
        return 0.0
    return Position(*read_header(newest(folder))["position"]).epochs


def train_stages(
    folder: Path, stages: Sequence[Stage], command: Callable[[int], list[str]]
) -> None:
    """Train what is left of a run.

    command: returns the arguments of `convnet` for a stage by its number.  Raises click.Abort if
    `convnet train` is stopped or fails.
    """
    for number, stage in enumerate(stages):
        if epochs_done(folder) >= stage.until:
            continue
        call(command(number))
        if epochs_done(folder) < stage.until:
            raise click.Abort  # a signal stopped it, which saved the run


def tested(folder: Path, options: Sequence[str]) -> list[dict]:
    """Return what `convnet test --json` says of the newest checkpoint of a run.

    The answer is kept in the run's folder, for the checkpoint that it belongs to.
    """
    kept, now = folder / "test.json", newest(folder).name
    found = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    if Path(found.get("checkpoint", "")).name != now:
        text = call(["test", "--load", str(folder), "--json", *options], subprocess.PIPE)
        with replacing(kept) as temporary:
            temporary.write_text(text, "utf-8")
        found = json.loads(text)
    return found["tests"]


def call(arguments: list[str], output: int | None = None) -> str:
    """Run `convnet`, print the command, and return what it wrote if `output` is a pipe.

    Raises click.Abort if it fails.  Ctrl-C and SIGTERM let it save first.
    """
    click.echo(f"convnet {shlex.join(arguments)}")
    started = [sys.executable, "-m", "convnet", *arguments]
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with subprocess.Popen(started, stdout=output, text=True) as child:  # waits for its end
            try:
                written, _ = child.communicate()
            except SystemExit:
                child.terminate()  # Ctrl-C has reached it already: it is of the same terminal
                raise
    finally:
        signal.signal(signal.SIGTERM, before)
    if child.returncode:
        click.echo(f"convnet {arguments[0]} ended with status {child.returncode}", err=True)
        raise click.Abort
    return written or ""
