"""Divide the rates by 10 when the test error stops falling (paper, section 5).

The criterion: a test is an improvement if its error is below that of the last improvement by more
than a given share of it.  After `tests` tests in a row without improvement, training is on a
plateau: the rates are divided by 10 and the count starts again.  Once no drop is left, the plateau
is only reported.
"""

from dataclasses import asdict, dataclass
from typing import Any

from convnet.checkpoint.records import MOST_DROPS, StoredPlateau

__all__ = ["DROP", "FACTOR", "MOST_DROPS", "PLATEAU", "Plateau", "bar"]

FACTOR = 10
# The outcomes of a test, and the journal's events for them.
DROP, PLATEAU = "drop", "stuck"


def bar(lowest: float, improvement: float) -> float:
    """Return the error that an improvement must be below."""
    return lowest - improvement * abs(lowest)


@dataclass
class Plateau:
    """The state of the criterion; every checkpoint stores it.

    lowest: error of the last improvement.  waited: tests since.  drops: divisions so far.  stalls:
    plateaus with no drop left.
    """

    lowest: float | None = None
    waited: int = 0
    drops: int = 0
    stalls: int = 0

    @property
    def lr_divisor(self) -> int:
        """Return what the rates of the params file are divided by."""
        return int(FACTOR**self.drops)

    def add(self, error: float, tests: int, improvement: float, most_drops: int) -> str | None:
        """Count a test.  Return DROP if the rates fall now, PLATEAU if no drop is left."""
        if self.lowest is None or error < bar(self.lowest, improvement):
            self.lowest, self.waited = error, 0
            return None
        self.waited += 1
        if self.waited < tests:
            return None
        self.waited = 0
        if self.drops < most_drops:
            self.drops += 1
            return DROP
        self.stalls += 1
        return PLATEAU

    def to_json(self) -> dict[str, Any]:
        """Return the state as a checkpoint stores it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: StoredPlateau) -> "Plateau":
        """Return the state that a checkpoint stores."""
        return cls(stored.lowest, stored.waited, stored.drops, stored.stalls)
