"""The table of `convnet runs`."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from convnet.display import harmless
from convnet.runs.differences import differences
from convnet.runs.summary import RunSummary

MOST_DIFFERENCES = 5  # columns; --json has all


def table_of_runs(runs: Sequence[RunSummary]) -> Table:
    """Return a row for each run, with a column for each setting in which they differ."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for title, width in (("run", 24), ("state", 22), ("net", 16), ("data", 16)):
        table.add_column(title, overflow="fold", min_width=len(title), max_width=width)
    for title in ("epochs", "best error", "time"):
        table.add_column(title, justify="right", overflow="fold", min_width=len(title))
    varying = dict(list(_worth_showing(differences(runs)).items())[:MOST_DIFFERENCES])
    for title in varying:
        table.add_column(Text(harmless(title)), overflow="fold", max_width=20)
    for number, run in enumerate(runs):
        cells = [*cells_of(run), *(values[number] for values in varying.values())]
        table.add_row(*(Text(harmless(cell)) for cell in cells))
    return table


def notes(runs: Sequence[RunSummary]) -> list[str]:
    """Return lines about what the table leaves out."""
    lines = [f"{run.folder}: {run.reason}" for run in runs if run.state == "unreadable"]
    left = len(_worth_showing(differences(runs))) - MOST_DIFFERENCES
    if left > 0:
        lines.append(f"the runs differ in {left} more settings; --json lists them")
    return lines


def _worth_showing(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the data, which have a column of their own."""
    return {title: values for title, values in found.items() if title != "--data"}


def cells_of(run: RunSummary) -> list[str]:
    """Return name, state, net, data, epochs, best error and time, as people read them."""
    state = f"{run.state} ({run.reason})" if run.reason and run.state != "unreadable" else run.state
    epochs = f"{run.epochs:.4g}" + (f" of {run.of}" if run.of else "")
    seconds = duration(run.seconds)
    error = "" if run.error is None else error_text(run.error, run.measure)
    return [run.folder.name, state, run.net, run.data, epochs, error, seconds]


def error_text(value: float, measure: str) -> str:
    """Return an error in percent, another number that runs are judged by as it is."""
    return f"{value:.2%}" if measure.endswith("error") else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return seconds as people say them: "45 s", "3 min 20 s", "2 h 05 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
