"""Commands: train, test and predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convnet.cli.group import main

if TYPE_CHECKING:
    from convnet.cli_options.predict import PredictArguments
    from convnet.cli_options.sweep import SweepArguments
    from convnet.cli_options.test import TestArguments
    from convnet.cli_options.train import TrainArguments

_GROUP = "Train, test and predict"


@main.declare(
    _GROUP,
    "convnet.cli_options.train:TrainArguments",
    "convnet train --layers digits",
    "convnet train --layers alexnet --data imagenet --gpu 0,1",
    "convnet train --resume checkpoints/run --params slower.params",
    "convnet train --layers my.cfg --params my.params --init-from checkpoints/pretrained",
)
def train(arguments: TrainArguments) -> int:
    """Train a network, or resume a run.

    Checkpoints and a journal of the run go to a folder in checkpoints/.  Ctrl-C saves and stops;
    --resume continues with bit-for-bit the same results.
    """
    from convnet.commands.training.train import train

    return train(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.sweep:SweepArguments",
    "convnet sweep --layers digits --try fc4.epsW=0.001 --try fc4.epsW=0.003 --seeds 3",
    "convnet sweep --out sweeps/digits",
    "convnet sweep --out sweeps/digits --table",
    context_settings={"ignore_unknown_options": True},
)
def sweep(arguments: SweepArguments) -> int:
    """Train a network with several values of its keys.

    Trains all combinations of the values, each with every seed, and prints a table of the test
    errors.  All options that are not listed below are passed to `convnet train`.  Each run is a
    folder of its own in the folder of the sweep; the same command, or only its --out, goes on with
    a sweep that was stopped or killed.
    """
    from convnet.commands.training.sweep import sweep

    return sweep(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.test:TestArguments",
    "convnet test --multiview",
    "convnet test --confusion confusion.png --confused 5",
    "convnet test --load checkpoints/one --load checkpoints/two --multiview",
    "convnet test --load checkpoints/three --predictions predictions/one --multiview",
)
def test(arguments: TestArguments) -> None:
    """Compute the top-1 and top-5 errors of checkpoints.

    Several checkpoints are also tested as an ensemble: their class probabilities are averaged.
    """
    from convnet.commands.testing.test import test

    test(arguments)


@main.declare(
    _GROUP,
    "convnet.cli_options.predict:PredictArguments",
    "convnet predict cat.jpg",
    "find . -name '*.png' | convnet predict --out predictions.png -",
    "convnet predict --load checkpoints/run --top 1 --csv photos > classes.csv",
)
def predict(arguments: PredictArguments) -> int:
    """Predict the classes of images.

    IMAGES are files, folders with all images below them, or - for a list of paths on standard
    input.  Each is scaled and cropped as in the training, which the checkpoint describes; no data
    set is needed.  The exit status is 1 if an image could not be read.
    """
    from convnet.commands.testing.predict import predict

    return predict(arguments)
