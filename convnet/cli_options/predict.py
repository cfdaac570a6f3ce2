"""Arguments of `convnet predict`."""

from dataclasses import dataclass
from pathlib import Path

from convnet.cli_options.record import Arguments, argument, flag, group, option
from convnet.cli_options.shared import (
    DeviceArguments,
    json_option,
    loads_option,
    logreg_option,
    minibatch_option,
)
from convnet.cli_options.types import NATURAL, PATH, POSITIVE


@dataclass(frozen=True, kw_only=True)
class PredictArguments(Arguments):
    """All arguments of `convnet predict`."""

    images: tuple[Path, ...] = argument(type=PATH, nargs=-1, required=True, metavar="IMAGES...")
    load: tuple[Path, ...] = loads_option()
    top: int = option(
        type=POSITIVE,
        default=5,
        show_default=True,
        metavar="N",
        help="Classes to print for each image, the most probable first.",
    )
    multiview: bool = flag(help="Average over ten (or nine) views of each image.")
    logreg_name: str | None = logreg_option("whose probabilities to print")
    as_json: bool = json_option()
    as_csv: bool = flag("--csv", help="Print CSV: a row for each image and class.")
    out: Path | None = option(
        type=PATH,
        metavar="FILE",
        help="Picture to draw of the images with their most probable classes; the file name's "
        "ending selects the format.",
    )
    minibatch: int | None = minibatch_option(
        "that of the training, or all images if fewer", "Images in a minibatch."
    )
    workers: int | None = option(
        type=NATURAL,
        metavar="N",
        help="Processes that decode images.  [default: one for each core; none for few images]",
    )
    device: DeviceArguments = group(DeviceArguments)
