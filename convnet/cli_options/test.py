"""Arguments of `convnet test`."""

from dataclasses import dataclass
from pathlib import Path

import click

from convnet.cli_options.record import Arguments, flag, group, option, repeatable
from convnet.cli_options.shared import EvaluationArguments, json_option, loads_option, logreg_option
from convnet.cli_options.types import PATH, POSITIVE


@dataclass(frozen=True, kw_only=True)
class FeatureArguments(Arguments):
    """Which activities to write, and where."""

    heading = "Writing features instead of testing"

    write_features: str | None = option(metavar="LAYER", help="Write this layer's activities.")
    feature_path: Path | None = option(type=PATH, metavar="DIR", help="Folder to write them to.")
    split: str | None = option(
        type=click.Choice(["train", "test", "both"]),
        help="Cases whose activities to write.  [default: test]",
    )


@dataclass(frozen=True, kw_only=True)
class TestArguments(Arguments):
    """All arguments of `convnet test`."""

    load: tuple[Path, ...] = loads_option()
    predictions: tuple[Path, ...] = repeatable(
        type=PATH,
        metavar="DIR",
        help="Folder that --test-out wrote, averaged like a network.",
    )
    multiview: bool = flag(help="Also average over ten (or nine) views of each image.")
    evaluation: EvaluationArguments = group(EvaluationArguments)
    max_batches: int | None = option(
        type=POSITIVE, metavar="N", help="Minibatches to test on.  [default: the whole test set]"
    )
    logreg_name: str | None = logreg_option("to test")
    test_out: Path | None = option(
        type=PATH,
        metavar="DIR",
        help="Folder for the class probabilities, averaged over views and networks.",
    )
    confusion: tuple[Path, ...] = repeatable(
        type=PATH,
        metavar="FILE",
        help="Write the confusion matrix: a picture, or with the ending .json its numbers.  Of the "
        "average if there are several networks, of all views with --multiview.",
    )
    confused: int | None = option(
        type=POSITIVE, metavar="N", help="Print the N most confused pairs of classes."
    )
    as_json: bool = json_option()
    features: FeatureArguments = group(FeatureArguments)
