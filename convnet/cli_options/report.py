"""Arguments of `convnet report` and `convnet watch`."""

from dataclasses import dataclass
from pathlib import Path

import click

from convnet.cli_options.record import Arguments, flag, group, option, repeatable
from convnet.cli_options.shared import EvaluationArguments
from convnet.cli_options.types import PATH


@dataclass(frozen=True, kw_only=True)
class ReportArguments(Arguments):
    """All arguments of `convnet report`."""

    load: tuple[Path, ...] = repeatable(
        type=PATH, help="Folder of a run.  Several are compared.  [default: the newest run]"
    )
    test: bool = flag(
        help="Test the best checkpoint of each run: its confusion matrix and its most confident "
        "mistakes."
    )
    evaluation: EvaluationArguments = group(EvaluationArguments)
    trace: tuple[Path, ...] = repeatable(
        type=PATH,
        metavar="FILE",
        help="Show the times in a file of `convnet train --trace`.  [default: trace.json in the "
        "run's folder]",
    )
    out: Path = option(
        type=PATH, default=Path("report.html"), show_default=True, help="HTML file to write."
    )


@dataclass(frozen=True, kw_only=True)
class WatchArguments(Arguments):
    """All arguments of `convnet watch`."""

    load: tuple[Path, ...] = repeatable(
        type=PATH, help="Folder of a run.  Several are compared.  [default: the newest run]"
    )
    port: int = option(
        type=click.IntRange(0, 65535),
        default=8642,
        show_default=True,
        metavar="N",
        help="Port on this machine; 0 takes a free one.",
    )
    every: int = option(
        type=click.IntRange(1, 3600),
        default=10,
        show_default=True,
        metavar="SECONDS",
        help="How often the page is renewed.",
    )
