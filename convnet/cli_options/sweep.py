"""Arguments of `convnet sweep`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from convnet.cli_options.record import Arguments, argument, flag, option, repeatable
from convnet.cli_options.shared import json_option
from convnet.cli_options.types import PATH, KeyValue

_COUNT = click.IntRange(1, 1000)


@dataclass(frozen=True, kw_only=True)
class SweepArguments(Arguments):
    """All arguments of `convnet sweep` itself; the others are those of `convnet train`."""

    tries: tuple[tuple[str, str], ...] = repeatable(
        "--try",
        type=KeyValue(),
        help="A value to try for a key of either file, as --set of `convnet train` takes it.  Of "
        "several keys, all combinations are trained.",
    )
    seeds: int | None = option(
        type=_COUNT,
        metavar="N",
        help="Runs of each combination, with seeds 0 to N-1.  [default: 1]",
    )
    out: Path | None = option(
        type=PATH, metavar="FOLDER", help="Folder of the sweep.  [default: sweeps/NET]"
    )
    jobs: int = option(
        type=_COUNT, default=1, show_default=True, metavar="N", help="Runs at a time."
    )
    threads: int | None = option(
        type=_COUNT,
        metavar="N",
        help="Threads of each run.  [default: the cores divided by --jobs]",
    )
    by: Literal["last", "best"] = option(
        type=click.Choice(["last", "best"]),
        default="last",
        show_default=True,
        help="Which test of each run counts.",
    )
    table: bool = flag(help="Train nothing; print the table of the runs so far.")
    as_json: bool = json_option()
    as_csv: bool = flag("--csv", help="Print the table as CSV.")
    options: tuple[str, ...] = argument(
        metavar="[OPTIONS OF TRAIN]...", nargs=-1, type=click.UNPROCESSED
    )
