"""An axis of a plot: its limits, where values stand on it, and its round numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from convnet.report.figures.pen import ticks

MARGIN = 0.05  # room beyond the limits, as a share of the axis
FEW = 20  # values up to which all are within the axis
QUANTILE = 0.97  # of the values, at which a linear axis ends


@dataclass(frozen=True)
class Axis:
    """low, high: its limits.  log: logarithmic; then both are positive."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands: 0 at `low`, 1 at `high`, beyond these outside."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        return log10(value / self.low) / log10(self.high / self.low)

    def marks(self, wanted: int) -> list[float]:
        """Return about as many round numbers within the limits."""
        if not self.log:
            return ticks(self.low, self.high, wanted)
        decades = log10(self.high / self.low)
        factors = (1, 2, 5) if decades < 3 else (1,)
        powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        found = [factor * 10.0**power for power in powers for factor in factors]
        found = [value for value in found if self.low <= value <= self.high * (1 + 1e-9)]
        return found if len(found) > 1 else ticks(self.low, self.high, wanted)


def axis_of(values: Sequence[float], scattered: Sequence[float] = (), *, log: bool = False) -> Axis:
    """Return an axis on which the course of curves can be read.

    Most of a run is spent near the lowest cost.  The few values of its beginning that would press
    the rest to the bottom are beyond a linear axis: its upper limit is a quantile.  It begins at 0
    if that costs less than a third of it.

    values: of all curves.  scattered: of curves whose lowest values need not be on the axis either.
    On a logarithmic axis those that are not positive do not count.
    """
    found, more = (
        np.array([value for value in each if value > 0 or not log]) for each in (values, scattered)
    )
    if not len(found):
        return Axis(0.1, 1.0, log)
    low, high = float(found.min()), float(found.max())
    if len(found) > FEW and not log:
        high = float(np.quantile(found, QUANTILE))
    if len(more):
        low = min(low, float(np.quantile(more, 1 - QUANTILE)))
        high = max(high, float(np.quantile(more, QUANTILE)))
    return _logarithmic(low, high) if log else _linear(low, high)


def _linear(low: float, high: float) -> Axis:
    if high <= low:
        return Axis(low, low + (abs(low) or 1.0))
    room = (high - low) * MARGIN
    if 0 <= low < high / 3:
        return Axis(0.0, high + high * MARGIN)
    return Axis(low - room, high + room)


def _logarithmic(low: float, high: float) -> Axis:
    if high <= low:
        return Axis(low / 2, low * 2, log=True)
    factor = (high / low) ** MARGIN
    return Axis(low / factor, high * factor, log=True)


def labels(values: Sequence[float], *, percent: bool = False) -> list[str]:
    """Return numbers as they stand at an axis."""
    form: Callable[[float], str] = (lambda v: f"{v * 100:.4g}%") if percent else "{:.4g}".format
    return [form(value) for value in values]
