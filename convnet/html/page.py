"""The page: what is known of one or several runs, put together."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from convnet import __version__
from convnet.display import harmless
from convnet.html import elements
from convnet.html.page_run import PageRun, Warn, times_of
from convnet.journal import FILE_NAME
from convnet.report.test_result import TestResult
from convnet.runs.differences import differences
from convnet.runs.summary import RunSummary, names_of
from convnet.runs.table import cells_of


def report_page(
    folders: Sequence[Path],
    *,
    traces: Sequence[Path] = (),
    results: Mapping[Path, TestResult] | None = None,
    warn: Warn = lambda line: None,
) -> str:
    """Return an HTML page about runs, with all that it needs inside.

    Parameters:
        folders: Of the runs; their curves are drawn over each other.
        traces: Files that `convnet train --trace` wrote, besides those in the folders.
        results: Of tests that were just made, by folder.
        warn: Called with a line about what cannot be read and is left out.

    Raises:
        DataError: If a run has no journal, or a trace cannot be read.
    """
    page = Page(folders, traces=traces, results=results or {}, warn=warn)
    page.update()
    return page.html()


class Page:
    """The page of some runs, which may be going on; parameters as in `report_page`.

    renew: seconds after which a browser that shows it asks for a newer one; None for never.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        traces: Sequence[Path] = (),
        results: Mapping[Path, TestResult] | None = None,
        renew: int | None = None,
        warn: Warn = lambda line: None,
    ) -> None:
        tested = results or {}
        self._runs = [
            PageRun(folder, name, warn, tested.get(folder))
            for folder, name in zip(folders, names_of(folders), strict=True)
        ]
        self._traces = [elements.folded(str(path), times_of(path, {})) for path in traces]
        self._renew, self._warn = renew, warn
        self._damaged = [0] * len(self._runs)  # lines of the journals, as far as told

    def update(self) -> bool:
        """Read what is new of the runs; return whether there was anything.  DataError."""
        changed = [run.update() for run in self._runs]
        for number, run in enumerate(self._runs):
            if run.damaged > self._damaged[number]:
                where = harmless(str(run.folder / FILE_NAME))
                lines = "damaged line is" if run.damaged == 1 else "damaged lines are"
                self._warn(f"{where}: {run.damaged:,} {lines} passed over")
            self._damaged[number] = run.damaged
        return any(changed)

    def html(self) -> str:
        """Return the page as of the last update."""
        runs = self._runs
        summaries = [run.summary() for run in runs]
        names = [run.name for run in runs]
        curves = [run.curves().to_json() for run in runs]
        refresh = f'<meta http-equiv="refresh" content="{self._renew}">'
        several = "Runs" if len(runs) > 1 else "Run"
        parts = [
            elements.section(several, _overview(summaries, names), name="runs"),
            elements.section("Differences", _differences(summaries, names), name="differences"),
            '<section id="curves"><h2>Curves</h2>\n<div id="charts"></div>\n</section>',
            elements.section("Events", _events(curves), name="events"),
            *(run.details() for run in runs),
            elements.section("Time by layer", *self._traces, name="traces"),
        ]
        return Template(_asset("page.html")).substitute(
            title=elements.text(", ".join(names)),
            connect="connect-src 'self'; " if self._renew else "",
            renew=f' data-renew="{int(self._renew)}"' if self._renew else "",
            noscript=f"<noscript>{refresh}</noscript>" if self._renew else "",
            plot_style=_asset("uPlot.min.css"),
            style=_asset("page.css"),
            plot_script=_asset("uPlot.iife.min.js"),
            script=_asset("curves.js") + (_asset("renew.js") if self._renew else ""),
            curves=elements.data("curves-data", curves),
            body="\n".join(filter(None, parts)),
            version=elements.text(__version__),
        )


# -- sections --------------------------------------------------------------------------------------


def _overview(runs: Sequence[RunSummary], names: Sequence[str]) -> str:
    heads = ("run", "state", "net", "data", "epochs", "best error", "time", "started")
    return elements.table(heads, map(_row, runs, names), kind="overview")


def _row(run: RunSummary, name: str) -> tuple[str, ...]:
    started = run.started[:16].replace("T", " ") + (" UTC" if run.started else "")
    return name, *cells_of(run)[1:], started


def _differences(runs: Sequence[RunSummary], names: Sequence[str]) -> str:
    found = differences(runs)
    if not found:
        return ""
    rows = [(title, *values) for title, values in found.items()]
    return elements.table(("setting", *names), rows)


def _events(curves: list[dict[str, Any]]) -> str:
    rows = [
        (run["name"], f"{mark['x']:.4g}", mark["words"]) for run in curves for mark in run["marks"]
    ]
    return elements.table(("run", "epoch", "what happened"), rows) if rows else ""


@cache
def _asset(name: str) -> str:
    return (files("convnet.html") / "assets" / name).read_text(encoding="utf-8")
