"""The page: what is known of one or several runs, put together."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from convnet import __version__, checkpoint
from convnet.drawing import draw_network, svg
from convnet.errors import ConvnetError
from convnet.graph.build import Graph
from convnet.html import elements
from convnet.html.repeat import command_of
from convnet.html.series import curves_of
from convnet.journal import read
from convnet.report.filters import layer_picture
from convnet.runs.differences import differences
from convnet.runs.saved import Saved
from convnet.runs.summary import RunSummary, summary_of
from convnet.runs.table import cells_of


@dataclass(frozen=True)
class _Run:
    summary: RunSummary
    saved: Saved | None
    graph: Graph | None

    @property
    def name(self) -> str:
        return self.summary.folder.resolve().name


def report_page(
    folders: Sequence[Path],
    *,
    renew: int | None = None,
    warn: Callable[[str], object] = lambda line: None,
) -> str:
    """Return an HTML page about runs, with all that it needs inside.

    Parameters:
        folders: Of the runs; their curves are drawn over each other.
        renew: Seconds after which a browser loads the page again; None for never.
        warn: Called with a line about what cannot be read and is left out.

    Raises:
        DataError: If a run has no journal.
    """
    runs = [_read(folder, warn) for folder in folders]
    curves = [curves_of(run.name, read(run.summary.folder, warn)).to_json() for run in runs]
    parts = [
        elements.section("Runs" if len(runs) > 1 else "Run", _overview(runs), name="runs"),
        elements.section("Differences", _differences(runs), name="differences"),
        '<section id="curves"><h2>Curves</h2>\n<div id="charts"></div>\n</section>',
        elements.section("Events", _events(curves), name="events"),
        *map(_details, runs),
    ]
    title = ", ".join(run.name for run in runs)
    return Template(_asset("page.html")).substitute(
        title=elements.text(title),
        renew=f'<meta http-equiv="refresh" content="{int(renew)}">' if renew else "",
        plot_style=_asset("uPlot.min.css"),
        style=_asset("page.css"),
        plot_script=_asset("uPlot.iife.min.js"),
        script=_asset("curves.js"),
        curves=elements.data("curves-data", curves),
        body="\n".join(filter(None, parts)),
        version=elements.text(__version__),
    )


def _read(folder: Path, warn: Callable[[str], object]) -> _Run:
    summary = summary_of(folder)
    saved = graph = None
    try:
        saved = Saved.of(checkpoint.load_newest(folder))
        graph = saved.graph()
    except ConvnetError as error:
        warn(str(error))
    return _Run(summary, saved, graph)


# -- sections --------------------------------------------------------------------------------------


def _overview(runs: Sequence[_Run]) -> str:
    heads = ("run", "state", "net", "data", "epochs", "best error", "time", "started")
    return elements.table(heads, [_row(run.summary, run.name) for run in runs], kind="overview")


def _row(run: RunSummary, name: str) -> tuple[str, ...]:
    started = run.started[:16].replace("T", " ") + (" UTC" if run.started else "")
    return name, *cells_of(run)[1:], started


def _differences(runs: Sequence[_Run]) -> str:
    found = differences([run.summary for run in runs])
    if not found:
        return ""
    rows = [(title, *values) for title, values in found.items()]
    return elements.table(("setting", *(run.name for run in runs)), rows)


def _events(curves: list[dict[str, Any]]) -> str:
    rows = [
        (run["name"], f"{mark['x']:.4g}", mark["words"]) for run in curves for mark in run["marks"]
    ]
    return elements.table(("run", "epoch", "what happened"), rows) if rows else ""


def _details(run: _Run) -> str:
    """The network, its filters and its files."""
    if run.saved is None:
        return ""
    parts = [_filters(run), _drawing(run), _repeat(run)]
    return elements.section(run.name, *parts, name=f"run-{run.name}")


def _drawing(run: _Run) -> str:
    if run.graph is None:
        return ""
    with suppress(ConvnetError):  # what this version cannot place is not drawn
        return _folded(
            "Network", f'<div class="wide">{svg(draw_network(run.graph, run.name))}</div>'
        )
    return ""


def _filters(run: _Run) -> str:
    if run.saved is None or run.graph is None:
        return ""
    with suppress(ConvnetError):  # of a network without filters that are images
        image = layer_picture(run.graph, run.saved.weights)
        return _folded("Filters of the first layer", elements.picture(image, "filters"))
    return ""


def _repeat(run: _Run) -> str:
    if run.saved is None:
        return ""
    saved = run.saved.checkpoint
    files = "".join(
        f"<h4>{elements.text(Path(source.path).name)}</h4><pre>{elements.text_block(source.text)}</pre>"
        for source in (saved.layers, saved.params)
    )
    words = f"<pre>{elements.text(command_of(saved))}</pre>"
    return _folded("How to repeat the run", words + files)


def _folded(title: str, body: str) -> str:
    return f"<details open><summary>{elements.text(title)}</summary>\n{body}\n</details>"


@cache
def _asset(name: str) -> str:
    return (files("convnet.html") / "assets" / name).read_text(encoding="utf-8")
