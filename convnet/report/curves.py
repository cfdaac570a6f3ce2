"""Curves of cost, error and learning rates from the journals of runs, and a table of tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import isfinite
from pathlib import Path
from typing import Any

from PIL import Image

from convnet.display import quoted
from convnet.drawing import picture
from convnet.drawing.scene import Scene
from convnet.drawing.style import LINES
from convnet.errors import DataError
from convnet.report.figures.line_plot import Line, Panel, plot
from convnet.report.smoothing import smoothed, thinned

Points = list[tuple[float, float]]
Records = list[dict[str, Any]]
_MOST_MARKED = 60  # tests up to which each is a dot


@dataclass(frozen=True)
class CurveOptions:
    """What a plot of curves shows.

    cost: the cost layer, by default the first of each run.  log: logarithmic axes.  rates: a panel
    with the learning rates.  raw: below the smoothed curves also the values as they are; None: if
    there is one run.
    """

    cost: str | None = None
    log: bool = False
    rates: bool = False
    raw: bool | None = None


def draw_curves(records: Records, *, cost: str | None = None, log: bool = False) -> Image.Image:
    """Return the picture of `curves_scene` for the records of one journal."""
    return picture(curves_scene({"": records}, CurveOptions(cost, log)))


def curves_scene(runs: Mapping[str, Records], options: CurveOptions | None = None) -> Scene:
    """Plot the records of journals (see `convnet.journal`) by the names of their runs.

    One panel shows the cost, another the errors.  Training curves are moving averages; tests are
    dots.  Of one run, each number has colors for training and test; of several, each run has a
    color, and its tests are bold.

    Raises DataError if a journal has no costs.
    """
    options = options or CurveOptions()
    by_epoch = all(map(_by_epoch, runs.values()))
    found = [
        _Plotted(name, records, cost_layer(records, options.cost), by_epoch)
        for name, records in runs.items()
    ]
    x_label = "epochs" if by_epoch else "minibatches"
    errors = [_numbers_of(run, True) for run in found]
    costs = [_numbers_of(run, False) for run in found]
    panels = [_panel(found, costs, options, x_label)] if any(costs) else []
    if any(errors):
        panels.append(_panel(found, errors, options, x_label, percent=True))
    if options.rates:
        panels += _rates_panel(found, x_label)
    title = _title(found[0].records, found[0].layer) if len(found) == 1 else ", ".join(runs)
    return plot(panels, title)


@dataclass(frozen=True)
class _Plotted:
    """A run to plot: its name, records and cost layer.  by_epoch: as for `series`."""

    name: str
    records: Records
    layer: str
    by_epoch: bool

    def series(self, event: str, number: str) -> Points:
        """Return the points of a number of the cost layer."""
        return series(self.records, event, self.layer, number, self.by_epoch)


def cost_layer(records: Records, wanted: str | None = None) -> str:
    """Return the cost layer to show: `wanted`, by default the first in the journal.  DataError."""
    found = _costs_records(records)
    if not found:
        raise DataError("the journal holds no costs yet: train at least one minibatch")
    costs = [item for record in found for item in record["costs"].items()]
    names = list(dict.fromkeys(name for name, numbers in costs if numbers))
    if wanted is not None and wanted not in names:
        raise DataError(
            f"the journal has no cost layer {quoted(wanted)}; it has {', '.join(names)}"
        )
    return wanted or names[0]


def series(
    records: Records, event: str, layer: str, number: str, by_epoch: bool | None = None
) -> Points:
    """Return the points of a number in one kind of event.

    by_epoch: whether they are (epoch, value), else (step, value); None: if all records have epochs.
    """
    by_epoch = _by_epoch(records) if by_epoch is None else by_epoch
    points = []
    for record in records:
        value = record.get("costs", {}).get(layer, {}).get(number)
        if record["event"] == event and isinstance(value, (int, float)) and isfinite(value):
            points.append((record["epoch"] if by_epoch else record["step"], value))
    return points


def table_of_tests(records: Records, cost: str | None = None) -> str:
    """Return one line per test: epoch, step and the values of a cost layer; the best is marked."""
    layer = cost_layer(records, cost)
    tests = [r for r in records if r["event"] == "test" and layer in r.get("costs", {})]
    if not tests:
        return "no tests yet\n"
    numbers = list(tests[0]["costs"][layer])
    rows = [["epoch", "step", *numbers, ""]]
    for record in tests:
        values = record["costs"][layer]
        shown = [_shown(name, values[name]) if name in values else "" for name in numbers]
        best = "best so far" if record.get("best") else ""
        rows.append([_short(record.get("epoch")), str(record["step"]), *shown, best])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "".join(_row(row, widths) for row in rows)


def _row(row, widths) -> str:
    *numbers, mark = row
    cells = [text.rjust(width) for text, width in zip(numbers, widths[:-1], strict=True)]
    return "  ".join([*cells, mark]).rstrip() + "\n"


def _short(epoch) -> str:
    return "" if epoch is None else f"{epoch:.6g}"


def _shown(name, value) -> str:
    if not isinstance(value, (int, float)):
        return ""
    return f"{value:.2%}" if name.endswith("error") else f"{value:.4f}"


def _costs_records(records):
    """The records with costs, of at least one number."""
    return [
        r for r in records if r["event"] in ("train", "test") and any(r.get("costs", {}).values())
    ]


def _by_epoch(records: Records) -> bool:
    return all("epoch" in r for r in records if r["event"] in ("train", "test"))


# -- panels ----------------------------------------------------------------------------------------


def _numbers_of(run: _Plotted, errors: bool) -> list[str]:
    """The names of the errors of a run, or of its other numbers."""
    records = _costs_records(run.records)
    first = next(r["costs"][run.layer] for r in records if r["costs"].get(run.layer))
    return [name for name in first if name.endswith("error") == errors]


def _panel(
    runs: Sequence[_Plotted],
    numbers: Sequence[list[str]],
    options: CurveOptions,
    x_label: str,
    percent: bool = False,
) -> Panel:
    names = list(dict.fromkeys(name for each in numbers for name in each))
    unit = "share of the cases" if percent else "mean over the cases"
    title = " and ".join(_distinct(runs, names))
    panel = Panel(title, x_label, unit, log=options.log, percent=percent)
    raw = options.raw if options.raw is not None else len(runs) == 1
    roles = cycle(LINES)
    for run, own in zip(runs, numbers, strict=True):
        one_color = next(roles) if len(runs) > 1 else None
        shown = _distinct([run], own)
        for place, number in enumerate(shown):
            label = " ".join(filter(None, [run.name, number if len(shown) > 1 else ""]))
            for event in ("train", "test"):
                points = run.series(event, number)
                role = one_color or next(roles)
                panel.lines += _lines(points, event, label, role, raw=raw, dashed=place > 0)
    return panel


def _lines(
    points: Points, event: str, label: str, role: str, *, raw: bool, dashed: bool
) -> Iterator[Line]:
    """The lines of a curve: the curve itself, or a moving average above it."""
    word = "training" if event == "train" else "test"
    label = f"{label} {word}".strip()
    if not points:
        return
    if event == "test":
        marked = len(points) <= _MOST_MARKED
        yield Line(label, points, role, bold=True, marked=marked, dashed=dashed)
        return
    x, y = (thinned(values) for values in zip(*points, strict=True))
    smooth = smoothed(y)
    if raw and smooth is not y:
        yield Line("", list(zip(x.tolist(), y.tolist(), strict=True)), role, faint=True)
    average = list(zip(x.tolist(), smooth.tolist(), strict=True))
    yield Line(label, average, role, dashed=dashed)


def _distinct(runs: Sequence[_Plotted], names: list[str]) -> list[str]:
    """Without numbers that are the first one under a second name, as the top-1 error may be."""
    return [name for name in names if name == names[0] or not _same(runs, name, names[0])]


def _same(runs: Sequence[_Plotted], one: str, other: str) -> bool:
    return all(
        run.series(event, one) == run.series(event, other)
        for run in runs
        for event in ("train", "test")
    )


def _rates_panel(runs: Sequence[_Plotted], x_label: str) -> list[Panel]:
    """A panel with the learning rates, those that are always equal once; none without records."""
    panel = Panel("learning rates", x_label, "rate", log=True)
    roles = cycle(LINES)
    for run in runs:
        for names, points in rates_of(run.records, run.by_epoch):
            label = " ".join(filter(None, [run.name, all_of(names)]))
            panel.lines.append(Line(label, points, next(roles)))
    return [panel] if panel.lines else []


def rates_of(records: Records, by_epoch: bool | None = None) -> list[tuple[list[str], Points]]:
    """Return the learning rates over a run: names of the parameters that share one, and points.

    by_epoch: as for `series`.
    """
    by_epoch = _by_epoch(records) if by_epoch is None else by_epoch
    found: dict[str, Points] = {}
    for record in records:
        rates = record.get("rates")
        if record["event"] != "train" or not isinstance(rates, dict):
            continue
        x = record["epoch"] if by_epoch else record["step"]
        for name, value in rates.items():
            if isinstance(value, (int, float)) and isfinite(value):
                found.setdefault(name, []).append((x, float(value)))
    alike: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for name, points in found.items():
        alike.setdefault(tuple(points), []).append(name)
    return [(names, _few(points)) for points, names in alike.items()]


def all_of(names: Sequence[str]) -> str:
    """Return a name for several: the first one, and how many more there are."""
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _few(points: Sequence[tuple[float, float]]) -> Points:
    x, y = (thinned(values).tolist() for values in zip(*points, strict=True))
    return list(zip(x, y, strict=True))


def _title(records: Records, layer: str) -> str:
    start = next((r for r in records if r["event"] in ("start", "resume")), {})
    spec = Path(start.get("layers", "")).stem
    data = start.get("data", "")
    on_data = f" on {data}" if isinstance(data, str) and data and len(data) < 40 else ""
    return f"{spec}{on_data}: {layer}" if spec else layer
