"""The curves of a run: its numbers over epochs, few enough points for a page, and its marks."""

from array import array
from bisect import bisect_right
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from convnet.report.curves import all_of
from convnet.report.smoothing import smoothed, thinned
from convnet.runs.follow import Entry
from convnet.train.plateau import DROP

RATES = "learning rates"  # a chart


@dataclass
class Series:
    """A curve.  x: epochs.  smooth: a centered mean of y; the same as y for tests and rates."""

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


@dataclass
class _Points:
    """All points of a curve: steps, epochs and values."""

    steps: "array[int]" = field(default_factory=lambda: array("q"))
    x: "array[float]" = field(default_factory=lambda: array("d"))
    y: "array[float]" = field(default_factory=lambda: array("d"))

    def cut(self, step: int) -> None:
        """Remove the points after a step."""
        count = bisect_right(self.steps, step)
        del self.steps[count:], self.x[count:], self.y[count:]


class CurveBuilder:
    """Collects the points of a journal, record by record, as it grows.

    Costs, errors and rates have a chart each; a chart holds the curves of one number.  What earlier
    attempts recorded beyond the step that a run resumes from no longer counts.
    """

    def __init__(self) -> None:
        self._points: dict[tuple[str, str, str], _Points] = {}
        self._marks: list[tuple[int, Mark]] = []
        self._epochs = _Points()  # of the records that tell one: y is not used

    def add(self, entry: Entry) -> None:
        """Add a record."""
        if entry.begins:
            self._cut(entry.step)
        epoch = self._epoch(entry)
        for chart, label, value in _numbers(entry):
            if isinstance(value, (int, float)) and isfinite(value):
                points = self._points.setdefault((chart, label, entry.event), _Points())
                points.steps.append(entry.step)
                points.x.append(epoch)
                points.y.append(float(value))
        if words := _words_of(entry):
            self._marks.append((entry.step, Mark(epoch, entry.event, words)))

    def curves(self, name: str) -> Curves:
        """Return what has been collected, with few enough points for a page."""
        found = Curves(name, marks=[mark for _, mark in self._marks])
        for (chart, label, event), points in self._points.items():
            x, y = thinned(points.x), thinned(points.y)
            smooth = y if event == "test" or chart == RATES else smoothed(y)
            lists = x.tolist(), y.tolist(), smooth.tolist()
            found.series.append(Series(chart, label, event, *lists))
        return found

    def _cut(self, step: int) -> None:
        for points in (*self._points.values(), self._epochs):
            points.cut(step)
        self._points = {key: points for key, points in self._points.items() if points.steps}
        self._marks = [(at, mark) for at, mark in self._marks if at <= step]

    def _epoch(self, entry: Entry) -> float:
        """The epoch of a record, or the last one told; journals without epochs have their steps."""
        value = entry.epoch
        if isinstance(value, (int, float)) and isfinite(value):
            self._epochs.steps.append(entry.step)
            self._epochs.x.append(float(value))
            return float(value)
        if entry.event in ("train", "test"):
            return float(entry.step)
        return float(self._epochs.x[-1]) if self._epochs.x else 0.0


def _numbers(entry: Entry) -> list[tuple[str, str, Any]]:
    """The chart, the curve and the value of each number of a record."""
    if entry.event not in ("train", "test"):
        return []
    found: list[tuple[str, str, Any]] = [
        (f"{layer}: {name}", name, value)
        for layer, numbers in entry.costs.items()
        for name, value in numbers.items()
    ]
    if entry.event == "train" and isinstance(entry.rates, dict):
        found += [(RATES, name, value) for name, value in _alike(entry.rates)]
    return found


def _alike(rates: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each rate once, named after the first parameter that has it and how many more."""
    equal: dict[Any, list[str]] = {}
    for name, value in rates.items():
        if isinstance(value, (int, float)):
            equal.setdefault(value, []).append(name)
    return [(all_of(names), value) for value, names in equal.items()]


def _words_of(entry: Entry) -> str:
    """What a mark at a record says; "" for records without one."""
    if entry.event == "resume":
        return f"resumed at step {entry.step:,}"
    if entry.event == DROP:
        return f"learning rates divided by {entry.divided_by} in all"
    if entry.event == "hint":
        return " ".join(map(str, entry.lines)) if isinstance(entry.lines, list) else "hint"
    return ""
