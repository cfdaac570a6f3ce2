"""The nets of cuda-convnet with a published error on CIFAR-10, and how each is trained.

The files are those of the originals.  Where nothing is said about the schedule, `source` says what
was chosen here.  Two of the originals' texts are referred to by name:

* *front page*: "Fast results" on cuda-convnet's front page, the published errors.
* *Methodology*: cuda-convnet's page about the 13 % net.  It trains on data batches 1-4 until the
  error on batch 5 no longer falls (100 epochs), adds batch 5 (to 140 epochs), then divides the
  learning rates of the weights, epsW, by 10 twice, for 10 epochs each, and tests batch 6 with
  --multiview-test=1.  Therefore `epsW` alone is divided here, for every net.  The numbers of epochs
  are as third parties repeat them; the page itself was not at hand.
"""

from dataclasses import dataclass
from pathlib import Path

from convnet.errors import ConvnetError
from examples import stages

_CC1, _CHM, _CC2 = "cc1/example-layers", "chm/example-layers", "cc2/layers"


@dataclass(frozen=True)
class Stage(stages.Stage):
    """A part of a run, whose divisor is that of the rates `epsW`.  train, test: data batches."""

    train: str = "1-5"
    test: str = "6"


@dataclass(frozen=True)
class Net:
    """A net with a published error.

    folder, files: the originals' files are `folder/layers-<files>.cfg` and
    `folder/layer-params-<files>.cfg`.  published: test error, percent; None for this schedule.
    source: of the error and the schedule.  crops: trained on random 24x24 crops (--crop-border 4)
    and tested on several views, ten in cuda-convnet, nine in cuda-convnet2.  dialect: that of the
    system the error was published for, where the files do not show it.
    values: key -> value that replaces that of all layers, if the result was published for a change
    of the file.
    """

    name: str
    folder: str
    files: str
    published: float | None
    stages: tuple[Stage, ...]
    source: str
    crops: bool = False
    dialect: str | None = None
    values: tuple[tuple[str, str], ...] = ()

    def layers(self, corpus: Path) -> Path:
        return corpus / self.folder / f"layers-{self.files}.cfg"

    def params(self, corpus: Path) -> Path:
        return corpus / self.folder / f"layer-params-{self.files}.cfg"


def folding(alone: int, together: int) -> tuple[Stage, ...]:
    """Return the stages of the Methodology: epochs on batches 1-4, then as far on 1-5, then 10 and
    10 with rates divided."""
    return (
        Stage(alone, train="1-4", test="5"),
        Stage(together),
        Stage(together + 10, divisor=10),
        Stage(together + 20, divisor=100),
    )


_120 = (Stage(120), Stage(130, divisor=10), Stage(140, divisor=100))
_13 = folding(100, 140)
_11 = folding(350, 500)

NETS = (
    Net(
        "80sec", _CC1, "80sec", 26.0, (Stage(8), Stage(10, divisor=10)),
        "26 % and 8 epochs: header and front page; 2 epochs at the lower rate: chosen here",
    ),
    Net(
        "19pct", _CC1, "19pct", 19.0, _120,
        "19 %: header; schedule: none stated, that of 18pct, which also took 20 minutes",
    ),
    Net(
        "18pct", _CC1, "18pct", 18.0, _120,
        "18 %: header and front page; 120 and 10 epochs: header; 10 more: chosen here",
    ),
    Net(
        "19pct-crops", _CC1, "19pct", 14.2, _13,
        "14.2 % with wc=0 and translations: header of the 19pct parameters; schedule: none "
        "stated, that of the Methodology", crops=True, values=(("wc", "0"),),
    ),
    Net(
        "conv-local-13pct", _CHM, "conv-local-13pct", 13.0, _13,
        "13 % with cuda-convnet, whose files these were: front page; schedule: Methodology",
        crops=True, dialect="cc1",
    ),
    Net(
        "conv-local-11pct", _CC1, "conv-local-11pct", 11.0, _11,
        "11 % and schedule: header, front page", crops=True,
    ),
    Net(
        "conv-local-11pct-160", _CC1, "conv-local-11pct", None, _13,
        "the net above on the schedule of conv-local-13pct: chosen here, to compare the two",
        crops=True,
    ),
    Net(
        "cifar10-11pct", _CC2, "cifar10-11pct", 11.0, _11,
        "11 % and schedule: header; the same net in cuda-convnet2", crops=True,
    ),
)  # fmt: skip

BY_NAME = {net.name: net for net in NETS}


def check_corpus(nets: list[Net], corpus: Path) -> None:
    """Raise a ConvnetError unless the folder has the files of these nets."""
    for net in nets:
        for path in (net.layers(corpus), net.params(corpus)):
            if not path.is_file():
                raise ConvnetError(
                    f"{path}: no such file; --corpus must hold the files of the originals as in "
                    "their repositories: cc1/example-layers, chm/example-layers, cc2/layers"
                )
