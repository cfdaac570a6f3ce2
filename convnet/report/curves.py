"""Curves of cost and error from the journal of a run, and a table of its tests."""

from math import isfinite
from pathlib import Path

from PIL import Image

from convnet.display import quoted
from convnet.errors import DataError
from convnet.report.figures.plot import COLORS, Line, Panel, draw

Points = list[tuple[float, float]]


def draw_curves(
    records: list[dict],
    path: str | Path | None = None,
    *,
    cost: str | None = None,
    log: bool = False,
) -> Image.Image:
    """Plot the records of a journal (see `convnet.journal`); write the picture to `path` if given.

    One panel shows the cost, another the errors; the training curves are smoothed lightly, tests
    are dots.  cost: the cost layer to show, by default the first.  log: a logarithmic axis for the
    cost.  DataError if the journal has no costs.
    """
    layer = cost_layer(records, cost)
    first = next(r["costs"][layer] for r in _costs_records(records) if r["costs"].get(layer))
    numbers = list(first)
    errors = [name for name in numbers if name.endswith("error")]
    costs = [name for name in numbers if name not in errors]
    panels = [_panel(records, layer, costs, log=log)]
    if errors:
        panels.append(_panel(records, layer, errors, percent=True))
    picture = draw(panels, _title(records, layer))
    if path is not None:
        picture.save(path)
    return picture


def cost_layer(records: list[dict], wanted: str | None = None) -> str:
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


def series(records: list[dict], event: str, layer: str, number: str) -> Points:
    """Return (epoch, value), or (step, value) in journals without epochs, of one kind of event."""
    by_epoch = _by_epoch(records)
    points = []
    for record in records:
        value = record.get("costs", {}).get(layer, {}).get(number)
        if record["event"] == event and isinstance(value, (int, float)) and isfinite(value):
            points.append((record["epoch"] if by_epoch else record["step"], value))
    return points


def smoothed(points: Points, window: int | None = None) -> Points:
    """Return a moving average over `window` points; by default over a fortieth of them."""
    half = (len(points) // 40 if window is None else window) // 2
    if half < 1:
        return points
    result = []
    for i, (x, _) in enumerate(points):
        near = [y for _, y in points[max(0, i - half) : i + half + 1]]
        result.append((x, sum(near) / len(near)))
    return result


def table_of_tests(records: list[dict], cost: str | None = None) -> str:
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


def _by_epoch(records):
    return all("epoch" in record for record in _costs_records(records))


def _panel(records, layer, numbers, **options) -> Panel:
    x_label = "epoch" if _by_epoch(records) else "minibatches"
    unit = "share of the cases" if options.get("percent") else "mean over the cases"
    panel = Panel(f"{' and '.join(numbers)} ({unit})", x_label, **options)
    colors = list(COLORS)
    for number in numbers:
        if number != numbers[0] and _same(records, layer, number, numbers[0]):
            continue  # the top-1 error under a second name
        name = f" {number}" if len(numbers) > 1 else ""
        train, test = (series(records, event, layer, number) for event in ("train", "test"))
        smooth, color = smoothed(train), colors.pop(0)
        if smooth is not train:
            panel.lines.append(Line("", train, color, faint=True))
        if train:
            panel.lines.append(Line(f"training{name}", smooth, color))
        if test:
            panel.lines.append(Line(f"test{name}", test, colors.pop(0), marked=len(test) <= 60))
    return panel


def _same(records, layer, one, other):
    events = ("train", "test")
    return all(series(records, e, layer, one) == series(records, e, layer, other) for e in events)


def _title(records, layer) -> str:
    start = next((r for r in records if r["event"] in ("start", "resume")), {})
    spec = Path(start.get("layers", "")).stem
    data = start.get("data", "")
    on_data = f" on {data}" if isinstance(data, str) and data and len(data) < 40 else ""
    return f"{spec}{on_data}: {layer}" if spec else layer
