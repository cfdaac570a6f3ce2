"""The commands that train and test the originals' nets, stage by stage."""

from dataclasses import dataclass
from pathlib import Path

from convnet.language.specs import Specs
from examples.cifar10.nets import Net, Stage
from examples.stages import divided_rates, scaled, tested, train_stages

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


def train(net: Net, seed: int, place: Place) -> None:
    """Train what is left of a run.  Raises click.Abort if `convnet train` is stopped or fails."""
    stages = place.stages(net)
    train_stages(place.folder(net, seed), stages, lambda number: command(net, seed, place, number))


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
    params = Specs.read(net.layers(corpus), net.params(corpus)).params
    changed = [
        f"{section.name}.{key}={value}"
        for section in params.sections
        for key, value in net.values
        if key.lower() in section.entries
    ]
    return changed + divided_rates(params, stage.divisor)


def scores(net: Net, seed: int, place: Place) -> list[dict]:
    """Return what `convnet test --json` says of a finished run: one view, and several for crops."""
    views = ["--multiview"] if net.crops else []
    return tested(place.folder(net, seed), ["--data", str(place.data), *views])
