"""Dividing the rates by 10 when the test error has stopped falling (paper, section 5).

The criterion: a test counts as an improvement if its error is below that of the last improvement by
more than a share of it; `tests` tests in a row that do not count, and training is stuck.  Then the
rates are divided by 10, and the count begins anew; when no drop is left, that is told.
"""

from dataclasses import dataclass

FACTOR = 10
MOST_DROPS = 3
DROP, STUCK = "drop", "stuck"  # what comes of a test, and events of the journal


def needed(lowest: float, improvement: float) -> float:
    """An improvement is below this."""
    return lowest - improvement * abs(lowest)


@dataclass
class Stuck:
    """Where the criterion stands.  It is saved in every checkpoint.

    lowest: error of the last improvement.  waited: tests since.  drops: made so far.  stalls: times
    that training was stuck and no drop was left.
    """

    lowest: float | None = None
    waited: int = 0
    drops: int = 0
    stalls: int = 0

    @property
    def divided_by(self) -> int:
        """What the rates of the params file are divided by."""
        return FACTOR**self.drops

    def add(self, error: float, tests: int, improvement: float, most_drops: int) -> str | None:
        """Count a test: DROP if the rates fall now, STUCK if they should and no drop is left."""
        if self.lowest is None or error < needed(self.lowest, improvement):
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
        return STUCK

    @classmethod
    def from_json(cls, found: dict) -> "Stuck":
        lowest = found.get("lowest")
        counts = (int(found.get(key, 0)) for key in ("waited", "drops", "stalls"))
        return cls(None if lowest is None else float(lowest), *counts)
