"""Arguments of the commands that draw pictures of networks and runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from convnet.cli_options.record import Arguments, argument, flag, group, option, repeatable
from convnet.cli_options.shared import (
    DeviceArguments,
    EvaluationArguments,
    count_option,
    json_option,
    load_option,
    logreg_option,
    picture_option,
    seed_option,
    theme_option,
)
from convnet.cli_options.types import NATURAL, PATH, POSITIVE


@dataclass(frozen=True, kw_only=True)
class ShowFiltersArguments(Arguments):
    """All arguments of `convnet show-filters`."""

    load: Path | None = load_option()
    layer: str | None = option(
        metavar="NAME",
        help="Layer to draw; conv1 also means conv1a, conv1b, ...  [default: the first]",
    )
    input_index: int = option(
        "--input",
        type=NATURAL,
        default=0,
        show_default=True,
        metavar="N",
        help="Input of the layer whose weights to draw.",
    )
    norm_filters: bool = flag(help="Scale the colors of each filter separately.")
    no_rgb: bool = flag(help="Draw each channel as a gray tile.")
    yuv_to_rgb: bool = flag(help="Convert filters over YUV images to RGB.")
    channels: int | None = option(
        type=POSITIVE, metavar="N", help="Channels in the input of an fc layer."
    )
    plane: int = option(
        type=NATURAL,
        default=0,
        show_default=True,
        metavar="N",
        help="Output position of a local layer.",
    )
    out: Path = picture_option("filters.png")


@dataclass(frozen=True, kw_only=True)
class ShowMapsArguments(Arguments):
    """All arguments of `convnet show-maps`."""

    image: Path = argument(metavar="IMAGE", type=PATH)
    load: Path | None = load_option()
    layer: str | None = option(
        metavar="NAME",
        help="Layer whose activities to draw; conv1 also means conv1a, conv1b, ...  "
        "[default: the first with weights]",
    )
    norm_maps: bool = flag(help="Scale the colors of each map separately.")
    out: Path = picture_option("maps.png")
    npz: Path | None = option(
        type=PATH,
        metavar="FILE",
        help="Also write the values, an array (channels, rows, columns) for each layer, and the "
        "network's input as `input`.",
    )
    as_json: bool = json_option()
    device: DeviceArguments = group(DeviceArguments)


@dataclass(frozen=True, kw_only=True)
class ShowPredsArguments(Arguments):
    """All arguments of `convnet show-preds`."""

    load: Path | None = load_option()
    evaluation: EvaluationArguments = group(EvaluationArguments)
    only_errors: bool = flag(help="Draw only images whose most probable class is wrong.")
    worst: bool = flag(
        help="Instead of random images: those whose true class has the lowest probability, the "
        "worst first."
    )
    multiview: bool = flag(help="Average over ten (or nine) views of each image.")
    count: int = count_option(600, 12, "Images to draw.")
    logreg_name: str | None = logreg_option("whose probabilities to draw")
    seed: int = seed_option("Seed of the random choice of images.")
    out: Path = picture_option("predictions.png")


@dataclass(frozen=True, kw_only=True)
class ShowCostArguments(Arguments):
    """All arguments of `convnet show-cost`."""

    load: tuple[Path, ...] = repeatable(
        type=PATH,
        help="Folder of a run, or a checkpoint in it.  Several are drawn over each other.  "
        "[default: the newest run]",
    )
    cost: str | None = option(metavar="LAYER", help="Cost layer to draw.  [default: the first]")
    log: bool = flag(help="Draw cost and error on logarithmic axes.")
    rates: bool = flag(help="Also draw the learning rates.")
    raw: bool | None = option(
        "--raw/--no-raw",
        default=None,
        help="Draw the training curves as they are below the smoothed ones.  [default: of one run]",
    )
    theme: Literal["light", "dark"] | None = theme_option()
    out: Path = option(
        type=PATH,
        default=Path("cost.png"),
        show_default=True,
        help="Plot to write: .svg, or a picture in the format of its ending.",
    )
    as_json: bool = json_option()


@dataclass(frozen=True, kw_only=True)
class NeighborsArguments(Arguments):
    """All arguments of `convnet neighbors`."""

    features: Path = option(
        type=PATH,
        required=True,
        metavar="DIR",
        help="Folder that `convnet test --write-features` wrote.",
    )
    data: str | None = option(
        metavar="SET", help="Data set with the images.  [default: the one that was tested]"
    )
    case: tuple[int, ...] = repeatable(
        type=NATURAL, metavar="N", help="Test case to search for.  [default: random ones]"
    )
    count: int = count_option(100, 5, "Random test cases to search for.")
    seed: int = seed_option("Seed of the random choice of test cases.")
    k: int = option(
        "--neighbors",
        type=click.IntRange(1, 100),
        default=6,
        show_default=True,
        metavar="N",
        help="Training images to find for each test case.",
    )
    codes: Path | None = option(
        type=PATH,
        metavar="DIR",
        help="Folder with a code layer's activities: also search by Hamming distance.",
    )
    recall_cases: int = option(
        type=POSITIVE,
        default=1000,
        show_default=True,
        metavar="N",
        help="Test cases over which to compute the recall of the codes.",
    )
    out: Path = picture_option("neighbors.png")
    as_json: bool = json_option()
