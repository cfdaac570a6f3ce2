"""Arguments of the commands that prepare data and checkpoints."""

from dataclasses import dataclass
from pathlib import Path

import click

from convnet.cli_options.record import Arguments, argument, flag, group, option
from convnet.cli_options.shared import SpecArguments, pixels_option, seed_option
from convnet.cli_options.types import (
    PATH,
    POSITIVE,
    SIDE,
    Between,
    HoldOut,
    MeanValues,
    Numbers,
)

Mean = tuple[float, ...] | Path


@dataclass(frozen=True, kw_only=True)
class MakeDataArguments(Arguments):
    """All arguments of `convnet make-data`."""

    train: Path | None = option(
        type=PATH,
        help="Training images: a folder or tar with one folder or tar for each class.",
    )
    val: Path | None = option(
        type=PATH, help="Test images: the same, or numbered files of ILSVRC (see --devkit)."
    )
    devkit: Path | None = option(
        type=PATH, help="Development kit of ILSVRC, an archive or a folder: classes and labels."
    )
    ground_truth: Path | None = option(
        type=PATH,
        help="File with the classes of numbered images, one a line.  [default: that of the "
        "development kit]",
    )
    words: Path | None = option(
        type=PATH, help="File with class names: a WordNet id and words on each line."
    )
    hold_out: float | None = option(
        type=HoldOut(),
        help="Instead of --val: share of each class's training images to test on, or number of "
        "images.",
    )
    label_order: str = option(
        type=click.Choice(["wnid", "ilsvrc"]),
        default="wnid",
        show_default=True,
        help="Number the classes by sorted WordNet id, or by ILSVRC id minus 1 as in the "
        "original data.",
    )
    name: str | None = option(help="Name of the data set.  [default: that of --train]")
    seed: int = seed_option("Seed of the order of the images.")
    shard_images: int = option(
        type=POSITIVE, default=6144, show_default=True, metavar="N", help="Images in one shard."
    )
    size: int = option(
        type=SIDE,
        default=256,
        show_default=True,
        metavar="N",
        help="Height and width of the images, in pixels.",
    )
    upright: bool | None = option(
        "--upright/--no-upright",
        default=None,
        help="Turn images as their EXIF orientation says.  [default: unless --devkit is given, as "
        "the paper's authors did not]",
    )
    quality: int = option(
        type=click.IntRange(1, 100),
        default=92,
        show_default=True,
        metavar="N",
        help="JPEG quality.",
    )
    chroma: str = option(
        type=click.Choice(["4:4:4", "4:2:0"]),
        default="4:4:4",
        show_default=True,
        help="JPEG chroma subsampling: colors at full or half resolution.",
    )
    workers: int | None = option(
        type=POSITIVE, metavar="N", help="Processes.  [default: one for each core]"
    )
    out: Path | None = option(
        type=PATH,
        metavar="DIR",
        help="Folder for the data set; an interrupted run continues there.",
    )
    verify: Path | None = option(
        type=PATH, metavar="DIR", help="Instead: verify all images and checksums of this data set."
    )


@dataclass(frozen=True, kw_only=True)
class ImportSpecArguments(SpecArguments):
    """The network that takes the weights; a checkpoint, or a file of convnet, has its own."""

    layers: Path | None = option(
        type=PATH,
        help="For files of other frameworks: layer file (.cfg) of the network that takes the "
        "weights, or the name of a net that `convnet nets` lists.",
    )


@dataclass(frozen=True, kw_only=True)
class ForeignArguments(Arguments):
    """What is taken of a file of another framework."""

    heading = "Files of other frameworks"

    map_file: Path | None = option(
        "--map",
        type=PATH,
        metavar="FILE",
        help="Which layer goes where: lines `their-name our-layer`; `-` leaves a layer out.",
    )
    partial: bool = flag(help="Layers that get no weights keep their initial values.")
    pixels: str | None = pixels_option()
    image_mean: Mean | None = option(
        type=MeanValues(),
        help="What the network subtracts: one number, numbers for red, green and blue, or a mean "
        "image (.npy, .binaryproto).",
    )
    image_std: tuple[float, ...] | None = option(
        type=Numbers(), help="What it then divides by, for red, green and blue."
    )
    image_scale: float | None = option(
        type=Between(0, min_open=True),
        metavar="X",
        help="What it divides pixels 0 to 255 by before that, such as 255.  [default: 1]",
    )
    bgr: bool | None = option(
        "--bgr/--rgb",
        default=None,
        help="The order of its channels.  [default: that of --pixels, or of the file]",
    )
    size: int | None = option(
        type=SIDE,
        metavar="N",
        help="Height and width that images are brought to before the network's crop.  [default: "
        "256 for networks of 224 to 256 pixels, else those with room for random crops]",
    )
    upside_down: bool = flag(
        help="Turn the filters: for networks trained on images upside down, such as DeCAF's."
    )
    class_names: Path | None = option(
        type=PATH,
        metavar="FILE",
        help="Names of the classes, one a line, in the order of the outputs.",
    )
    seed: int = seed_option("Seed of the initial values.")


@dataclass(frozen=True, kw_only=True)
class ImportArguments(Arguments):
    """All arguments of `convnet import`."""

    file: Path = argument(metavar="FILE", type=PATH)
    out: Path = option(type=PATH, required=True, help="Checkpoint to write (.safetensors).")
    spec: ImportSpecArguments = group(ImportSpecArguments)
    foreign: ForeignArguments = group(ForeignArguments)
