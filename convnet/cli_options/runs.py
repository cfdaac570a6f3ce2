"""Arguments of `convnet runs`."""

from dataclasses import dataclass
from pathlib import Path

import click

from convnet.cli_options.record import Arguments, argument, option
from convnet.cli_options.shared import json_option
from convnet.cli_options.types import PATH


@dataclass(frozen=True, kw_only=True)
class RunsArguments(Arguments):
    """All arguments of `convnet runs`."""

    folders: tuple[Path, ...] = argument(
        metavar="[FOLDERS]...", nargs=-1, type=PATH, default=("checkpoints",)
    )
    sort: str = option(
        type=click.Choice(["time", "name", "error"]),
        default="time",
        show_default=True,
        help="Order of the rows: when the runs started, their folders' names, or their best error.",
    )
    to_tensorboard: Path | None = option(
        type=PATH,
        metavar="DIR",
        help="Write the runs as TensorBoard's event files, each to a folder of its name in DIR.  "
        "Needs the extra `tensorboard`.",
    )
    as_json: bool = json_option()
