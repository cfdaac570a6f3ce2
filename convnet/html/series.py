"""The curves of a run: its numbers over epochs, few enough points for a page, and its marks."""

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from convnet.journal import Record
from convnet.report.curves import smoothed
from convnet.train.plateau import DROP

MOST_POINTS = 1500  # of a curve; more are averaged in equal shares


@dataclass
class Series:
    """A curve.  x: epochs.  smooth: a centered mean of y; the same as y for tests."""

    chart: str
    name: str
    event: str
    x: list[float]
    y: list[float]
    smooth: list[float]


@dataclass
class Mark:
    """Something that happened.  kind: the event of the journal."""

    x: float
    kind: str
    words: str


@dataclass
class Curves:
    """All curves and marks of a run."""

    name: str
    series: list[Series] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain objects for the page's script."""
        return asdict(self)


def curves_of(name: str, records: list[Record]) -> Curves:
    """Return the curves of a journal.

    Costs, errors and rates have a chart each; a chart holds the curves of one number.
    """
    found = Curves(name)
    points: dict[tuple[str, str, str], tuple[list[float], list[float]]] = {}
    epoch = 0.0  # of the last record that tells one
    for record in records:
        epoch = _epoch(record, epoch)
        for chart, label, value in _numbers(record):
            if isinstance(value, (int, float)) and isfinite(value):
                x, y = points.setdefault((chart, label, record["event"]), ([], []))
                x.append(epoch)
                y.append(float(value))
        if words := _words_of(record):
            found.marks.append(Mark(epoch, record["event"], words))
    for (chart, label, event), (x, y) in points.items():
        x, y = thinned(x), thinned(y)
        smooth = y if event == "test" else [v for _, v in smoothed(list(zip(x, y, strict=True)))]
        found.series.append(Series(chart, label, event, x, y, smooth))
    return found


def _numbers(record: Record) -> list[tuple[str, str, Any]]:
    """The chart, the curve and the value of each number of a record."""
    if record["event"] not in ("train", "test"):
        return []
    found = [
        (f"{layer}: {name}", name, value)
        for layer, numbers in record.get("costs", {}).items()
        for name, value in numbers.items()
    ]
    rates = record.get("rates")
    if record["event"] == "train" and isinstance(rates, dict):
        found += [("learning rates", name, value) for name, value in _alike(rates)]
    return found


def _alike(rates: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each rate once, named after the first parameter that has it and how many more."""
    names: dict[Any, list[str]] = {}
    for name, value in rates.items():
        if isinstance(value, (int, float)):
            names.setdefault(value, []).append(name)
    return [(equal[0], value) for value, equal in names.items()]


def _epoch(record: Record, before: float) -> float:
    """The epoch of a record; journals without epochs have their steps instead."""
    value = record.get("epoch")
    if isinstance(value, (int, float)) and isfinite(value):
        return float(value)
    return before if record["event"] not in ("train", "test") else float(record["step"])


def _words_of(record: Record) -> str:
    """What a mark at a record says; "" for records without one."""
    if record["event"] == "resume":
        return f"resumed at step {record['step']:,}"
    if record["event"] == DROP:
        return f"learning rates divided by {record.get('divided_by', 10)} in all"
    if record["event"] == "hint":
        lines = record.get("lines")
        return " ".join(map(str, lines)) if isinstance(lines, list) else "hint"
    return ""


def thinned(values: list[float]) -> list[float]:
    """Return at most MOST_POINTS values: the means of equal shares."""
    count = len(values)
    if count <= MOST_POINTS:
        return values
    edges = [count * i // MOST_POINTS for i in range(MOST_POINTS + 1)]
    return [
        sum(values[start:end]) / (end - start) for start, end in zip(edges, edges[1:], strict=False)
    ]
