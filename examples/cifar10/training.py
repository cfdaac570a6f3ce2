"""Trains a net stage by stage with `convnet train`; a run that was killed continues."""

import json
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from convnet.checkpoint import Position, has_checkpoint, newest, read_header
from convnet.language.specs import Specs
from convnet.stored.files import replacing
from examples.cifar10.nets import Net, Stage, scaled

CROPS = ("--crop-border", "4")


@dataclass(frozen=True)
class Place:
    """Where the runs lie, and what they are made of.

    runs: a folder of its own for each net and seed.  corpus: the originals' files.  data: CIFAR-10
    as cuda-convnet read it.  scale: fraction of the epochs.  more: further options of each
    `convnet train`.
    """

    runs: Path
    corpus: Path
    data: Path
    scale: float = 1.0
    more: tuple[str, ...] = ()

    def folder(self, net: Net, seed: int) -> Path:
        return self.runs / f"{net.name}-{seed}"

    def stages(self, net: Net) -> tuple[Stage, ...]:
        return scaled(net.stages, self.scale)


def epochs_done(folder: Path) -> float:
    """Return the epochs in the newest checkpoint of a run; 0 if it has none."""
    if not folder.is_dir() or not has_checkpoint(folder):
        return 0.0
    return Position(*read_header(newest(folder))["position"]).epochs


def train(net: Net, seed: int, place: Place) -> None:
    """Train what is left of a run.  Raises click.Abort if `convnet train` is stopped or fails."""
    folder = place.folder(net, seed)
    for number, stage in enumerate(place.stages(net)):
        if epochs_done(folder) >= stage.until:
            continue
        call(command(net, seed, place, number))
        if epochs_done(folder) < stage.until:
            raise click.Abort  # a signal stopped it, which saved the run


def command(net: Net, seed: int, place: Place, number: int) -> list[str]:
    """Return the arguments of `convnet` for a stage of a run."""
    stage, folder = place.stages(net)[number], str(place.folder(net, seed))
    ranges = ["--train-range", stage.train, "--test-range", stage.test]
    changes = [f"--set={change}" for change in settings(net, stage, place.corpus)]
    common = ["--epochs", str(stage.until), *ranges, *changes, *place.more]
    if number:
        return ["train", "--resume", folder, *common]
    files = ["--layers", str(net.layers(place.corpus)), "--params", str(net.params(place.corpus))]
    data = ["--data", str(place.data), *(CROPS if net.crops else ())]
    dialect = ["--dialect", net.dialect] if net.dialect else []
    begun = ["--seed", str(seed), "--save", folder, "--resume-or-start"]
    return ["train", *files, *data, *dialect, *common, *begun]


def settings(net: Net, stage: Stage, corpus: Path) -> list[str]:
    """Return what differs from the originals' parameter file in a stage, as `--set` names it."""
    found = []
    for section in Specs.read(net.layers(corpus), net.params(corpus)).params.sections:
        values = dict(net.values)
        if stage.divisor > 1 and (rate := section.entries.get("epsw")):
            values["epsW"] = f"{float(rate.value.text) / stage.divisor:g}"
        for key, value in values.items():
            if key.lower() in section.entries:
                found.append(f"{section.name}.{key}={value}")
    return found


def scores(net: Net, seed: int, place: Place) -> list[dict]:
    """Return what `convnet test --json` says of a finished run: one view, and several for crops.

    The answer is kept in the run's folder, for the checkpoint that it belongs to.
    """
    folder = place.folder(net, seed)
    kept, now = folder / "test.json", newest(folder).name
    found = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    if Path(found.get("checkpoint", "")).name != now:
        views = ["--multiview"] if net.crops else []
        asked = ["test", "--load", str(folder), "--data", str(place.data), "--json", *views]
        text = call(asked, subprocess.PIPE)
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
