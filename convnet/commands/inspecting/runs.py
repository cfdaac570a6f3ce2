"""`convnet runs`: list the runs in a folder."""

import sys
from pathlib import Path
from typing import Any

from convnet.cli_options.runs import RunsArguments
from convnet.commands.output.console import note, result, result_json, styled
from convnet.report.describe_table import console
from convnet.runs.differences import differences
from convnet.runs.summary import RunSummary, run_folders, summary_of
from convnet.runs.table import notes, table_of_runs


def list_runs(arguments: RunsArguments) -> None:
    """Print a row for each run, or all facts as JSON."""
    if arguments.to_tensorboard is not None:
        _write_events(_folders(arguments.folders), arguments.to_tensorboard)
        return
    runs = [summary_of(folder) for folder in _folders(arguments.folders)]
    runs.sort(key=_ORDERS[arguments.sort])
    if arguments.as_json:
        result_json({"runs": [_facts(run) for run in runs], "differences": differences(runs)})
        return
    if not runs:
        note(f"{', '.join(map(str, arguments.folders))}: no run is there")
        return
    console(styled(sys.stdout)).print(table_of_runs(runs))
    for line in notes(runs):
        note(line)


def _write_events(folders: list[Path], place: Path) -> None:
    from convnet.runs.tensorboard import write_events

    for folder in folders:
        target = place / folder.resolve().name
        result(f"{target}: {write_events(folder, target):,} values")


_ORDERS = {
    "time": lambda run: run.started,
    "name": lambda run: str(run.folder),
    "error": lambda run: (run.error is None, run.error or 0.0),
}


def _folders(places: tuple[Path, ...]) -> list[Path]:
    return list(dict.fromkeys(folder for place in places for folder in run_folders(place)))


def _facts(run: RunSummary) -> dict[str, Any]:
    return {**vars(run), "folder": str(run.folder)}
