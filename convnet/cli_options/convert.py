"""Arguments of the commands that prepare data and checkpoints."""

from dataclasses import dataclass
from pathlib import Path

import click

from convnet.cli_options.record import Arguments, argument, option
from convnet.cli_options.shared import seed_option
from convnet.cli_options.types import PATH, POSITIVE, SIDE, HoldOut


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
class ImportArguments(Arguments):
    """All arguments of `convnet import`."""

    old: Path = argument(metavar="CHECKPOINT", type=PATH)
    out: Path = option(type=PATH, required=True, help="Checkpoint to write (.safetensors).")
