"""The commands that train and test the nets on photographs, stage by stage."""

from dataclasses import dataclass
from pathlib import Path

from convnet import nets
from convnet.language.specs import Specs
from examples.photos.nets import STAGES, Net
from examples.stages import Stage, divided_rates, scaled, tested, train_stages

_RATES = ("epsW", "epsB")  # the paper divides all


@dataclass(frozen=True)
class Place:
    """Where the runs lie, and what they are made of.

    runs: a folder of its own for each net and seed, such as alexnet-1.  data: photographs, as
    `convnet make-data` makes them.  classes: how many they have.  scale: fraction of the epochs.
    more: further options of each `convnet train`.
    """

    runs: Path
    data: Path
    classes: int
    scale: float = 1.0
    more: tuple[str, ...] = ()

    def folder(self, net: Net, seed: int) -> Path:
        return self.runs / f"{net.name}-{seed}"

    @property
    def stages(self) -> tuple[Stage, ...]:
        return scaled(STAGES, self.scale)


def train(net: Net, seed: int, place: Place) -> None:
    """Train what is left of a run.  Raises click.Abort if `convnet train` is stopped or fails."""
    train_stages(
        place.folder(net, seed), place.stages, lambda number: command(net, seed, place, number)
    )


def command(net: Net, seed: int, place: Place, number: int) -> list[str]:
    """Return the arguments of `convnet` for a stage of a run."""
    stage, folder = place.stages[number], str(place.folder(net, seed))
    files = nets.find(Path(net.layers))
    params = Specs.read(files.layers, files.params).params
    rates = [f"--set={rate}" for rate in divided_rates(params, stage.divisor, _RATES)]
    common = ["--epochs", str(stage.until), *rates, *devices(net), *place.more]
    if number:
        return ["train", "--resume", folder, *common]
    outputs = f"{net.last}.outputs={place.classes}"
    changes = [f"--set={change}" for change in (outputs, *net.changes)]
    begun = ["--seed", str(seed), "--save", folder, "--resume-or-start"]
    return ["train", "--layers", net.layers, "--data", str(place.data), *changes, *common, *begun]


def devices(net: Net) -> list[str]:
    """Return the option that names the devices of a net that has several."""
    return ["--gpu", net.devices] if net.devices else []


def scores(net: Net, seed: int, place: Place) -> list[dict]:
    """Return what `convnet test --json` says of a finished run: one view, and ten."""
    options = ["--data", str(place.data), "--multiview", *devices(net)]
    return tested(place.folder(net, seed), options)
