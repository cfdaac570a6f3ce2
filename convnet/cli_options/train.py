"""Arguments of `convnet train`."""

from dataclasses import dataclass
from pathlib import Path

from convnet.cli_options.record import Arguments, flag, group, option
from convnet.cli_options.shared import (
    DataArguments,
    DeviceArguments,
    InitArguments,
    SpecArguments,
    minibatch_option,
    pixels_option,
)
from convnet.cli_options.types import (
    PATH,
    POSITIVE,
    SEED,
    WUPDATE_FREQ,
    Between,
    Names,
    RunName,
)


@dataclass(frozen=True, kw_only=True)
class RunSpecArguments(SpecArguments):
    """The two files; a resumed run has its own."""

    layers: Path | None = option(
        type=PATH, help="Layer file (.cfg), or the name of a net that `convnet nets` lists."
    )
    classes_from_data: bool = flag(
        help="Set the outputs of the last fc layer to the number of classes of the data."
    )


@dataclass(frozen=True, kw_only=True)
class TrainDataArguments(DataArguments):
    """The data set, and how training images are augmented."""

    color_noise: float | None = option(
        type=Between(0, 100),
        metavar="X",
        help="Strength of the PCA color augmentation; 0.1 in the paper, section 4.1.  [default: 0]",
    )
    augment: bool | None = option(
        "--augment/--no-augment",
        default=None,
        help="Take random crops and reflections of training images (default), or their centers.",
    )


@dataclass(frozen=True, kw_only=True)
class ScheduleArguments(Arguments):
    """How long to train, and when to update, test and save."""

    heading = "Training"

    epochs: int | None = option(
        type=POSITIVE,
        metavar="N",
        help="Passes over the training set.  [default: that of the parameter file]",
    )
    minibatch: int | None = minibatch_option("that of the parameter file")
    wupdate_freq: int | None = option(
        type=WUPDATE_FREQ,
        metavar="N",
        help="Minibatches whose gradients are summed for one update.  [default: 1]",
    )
    test_every: int | None = option(
        type=POSITIVE, metavar="N", help="Minibatches between tests.  [default: an epoch]"
    )
    save_every: int | None = option(
        type=POSITIVE,
        metavar="N",
        help="Minibatches between checkpoints, besides those after tests.",
    )
    max_batches: int | None = option(
        type=POSITIVE, metavar="N", help="Save and stop after this many minibatches."
    )
    seed: int | None = option(
        type=SEED,
        metavar="N",
        help="Seed of initial weights, dropout and the order of the data.  [default: 0]",
    )


@dataclass(frozen=True, kw_only=True)
class PlateauArguments(Arguments):
    """What to do when the test error no longer falls."""

    heading = "Plateaus of the test error"

    drop_rate_when_stuck: bool | None = option(
        "--drop-rate-when-stuck/--no-drop-rate-when-stuck",
        default=None,
        help="Divide all learning rates by 10 at a plateau, at most three times.",
    )
    stop_when_stuck: bool | None = option(
        "--stop-when-stuck/--no-stop-when-stuck",
        default=None,
        help="Save and stop at a plateau, once the rates cannot be divided again.",
    )
    stuck_tests: int | None = option(
        type=POSITIVE,
        metavar="N",
        help="Tests without improvement that make a plateau.  [default: 5]",
    )
    stuck_improvement: float | None = option(
        type=Between(0, 1, max_open=True),
        metavar="SHARE",
        help="Smallest relative decrease of the error that is an improvement.  [default: 0.01]",
    )


@dataclass(frozen=True, kw_only=True)
class StartArguments(Arguments):
    """Where a run is saved, and what it starts from."""

    heading = "Runs and checkpoints"

    save: Path | None = option(
        type=PATH, help="Folder of the run.  [default: a new folder in checkpoints/]"
    )
    name: str | None = option(
        type=RunName(), help="Name of the run: short for --save checkpoints/NAME."
    )
    resume: Path | None = option(
        type=PATH, help="Resume from this checkpoint, or from the newest in this folder."
    )
    resume_or_start: bool = flag(
        help="With --save or --name: resume if that folder contains a checkpoint, else start.  For "
        "jobs that a scheduler restarts."
    )
    conv_to_local: tuple[str, ...] | None = option(
        type=Names(), help="With --resume: conv layers to convert to local layers."
    )
    unshare_weights: tuple[str, ...] | None = option(
        type=Names(),
        metavar="LAYER[I],...",
        help="With --resume: layers, or single inputs of them, that get their own copies of "
        "shared weights.",
    )
    init_from: Path | None = option(
        type=PATH,
        metavar="FILE",
        help="Start a new run with the weights of all layers whose name and shape fit: of a "
        "checkpoint, of a trained net of `convnet nets`, or of a file of another framework.",
    )
    map_file: Path | None = option(
        "--map",
        type=PATH,
        metavar="FILE",
        help="With --init-from and a file of another framework: which layer goes where, lines "
        "`their-name our-layer`.",
    )
    pixels: str | None = pixels_option()

    @property
    def unties(self) -> bool:
        """Whether shared filters become private."""
        return bool(self.conv_to_local or self.unshare_weights)


@dataclass(frozen=True, kw_only=True)
class TrainArguments(Arguments):
    """All arguments of `convnet train`."""

    spec: RunSpecArguments = group(RunSpecArguments)
    data: TrainDataArguments = group(TrainDataArguments)
    device: DeviceArguments = group(DeviceArguments)
    schedule: ScheduleArguments = group(ScheduleArguments)
    plateau: PlateauArguments = group(PlateauArguments)
    start: StartArguments = group(StartArguments)
    init: InitArguments = group(InitArguments)
    dry_run: bool = flag(help="Run one training and one test minibatch; save nothing.")
    trace: Path | None = option(
        type=PATH, help="File for the times of one minibatch's steps, as a Chrome trace."
    )
    tensorboard: Path | None = option(
        type=PATH,
        metavar="DIR",
        help="Also write TensorBoard's event files, to a folder of the run's name in DIR.  Needs "
        "the extra `tensorboard`.",
    )
