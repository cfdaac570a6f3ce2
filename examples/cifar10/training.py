"""Trains a net stage by stage with `convnet train`; a run that was killed continues."""

import json
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from convnet.checkpoint import Position, has_checkpoint, newest, read_header
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
        params = place.runs / "params" / f"{net.name}-{number}.params"
        write_params(net, stage, place.corpus, params)
        call(command(net, seed, place, number, params))
        if epochs_done(folder) < stage.until:
            raise click.Abort  # a signal stopped it, which saved the run


def command(net: Net, seed: int, place: Place, number: int, params: Path) -> list[str]:
    """Return the arguments of `convnet` for a stage of a run."""
    stage, folder = place.stages(net)[number], str(place.folder(net, seed))
    ranges = ["--train-range", stage.train, "--test-range", stage.test]
    common = ["--params", str(params), "--epochs", str(stage.until), *ranges, *place.more]
    if number:
        return ["train", "--resume", folder, *common]
    layers, data = ["--layers", str(net.layers(place.corpus))], ["--data", str(place.data)]
    crops = CROPS if net.crops else ()
    dialect = ["--dialect", net.dialect] if net.dialect else []
    begun = ["--seed", str(seed), "--save", folder, "--resume-or-start"]
    return ["train", *layers, *data, *crops, *dialect, *common, *begun]


def write_params(net: Net, stage: Stage, corpus: Path, path: Path) -> None:
    """Write the originals' parameter file with the rates of a stage."""
    text = net.params(corpus).read_text("utf-8")
    for key, value in net.values:
        text = with_each(text, key, lambda _, value=value: value)
    if stage.divisor > 1:
        text = with_each(text, "epsW", lambda rate: f"{float(rate) / stage.divisor:g}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def with_each(text: str, key: str, change) -> str:
    """Return a parameter file in which each value of a key went through `change`."""
    return re.sub(
        rf"^({key}\s*=\s*)(\S+)", lambda found: found[1] + change(found[2]), text, flags=re.M
    )


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
