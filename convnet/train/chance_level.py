"""Recognize the best-known failure: a cost that stays at ln(classes), that of guessing.

Minibatches are averaged over segments.  A segment is at chance level if its mean cost is at most
1 % below or 5 % above ln(classes), and its images are classified no better than by chance.  After
ten such segments in a row the user gets a hint.  Also recognized: minibatches at the start of the
run that contain one class each.
"""

from dataclasses import dataclass, field
from math import log, sqrt
from typing import Any

from convnet.checkpoint.records import StoredChanceLevel

# The kinds of hints, as journals and checkpoints store them.
CHANCE_LEVEL, ONE_CLASS = "plateau", "one class"
SEGMENTS = 10
_BELOW, _ABOVE = 0.01, 0.05  # shares of ln(classes); nets whose biases jump about cost more than it
_FEWEST, _MOST = 200, 2000  # minibatches before a hint; the paper's net itself needs some hundreds
_ONE_CLASS_MINIBATCHES = 10
_ONE_CLASS_CASES = 4  # of a minibatch that must contain two classes, if there are two


def segment_length(classes: int) -> int:
    """Return the minibatches of a segment: more for more classes, which take longer to learn."""
    return min(max(10 * classes, _FEWEST), _MOST) // SEGMENTS


@dataclass
class ChanceLevel:
    """The statistics so far; every checkpoint stores them.

    segments: in a row, at chance level.  minibatches, cases, cost, errors: sums over the current
    segment.  one_class: minibatches since the start, or None once one of them had several classes.
    hints: the kinds of hints that were given.
    """

    segments: int = 0
    minibatches: int = 0
    cases: int = 0
    cost: float = 0.0
    errors: float = 0.0
    one_class: int | None = 0
    hints: list[str] = field(default_factory=list)

    def add(self, cost: float, errors: float, cases: int, classes: int) -> bool:
        """Count a minibatch's sums of the cost and of top-1 errors; return whether to hint now."""
        self.minibatches += 1
        self.cases += cases
        self.cost += cost
        self.errors += errors
        if self.minibatches < segment_length(classes):
            return False
        guesses = is_guessing(self.cost, self.errors, self.cases, classes)
        self.segments = self.segments + 1 if guesses else 0
        self.minibatches, self.cases, self.cost, self.errors = 0, 0, 0.0, 0.0
        return self.segments >= SEGMENTS and self._is_first(CHANCE_LEVEL)

    def add_labels(self, distinct: int, cases: int) -> bool:
        """Count a minibatch's distinct labels; return whether the data seems sorted by class."""
        if self.one_class is None or cases < _ONE_CLASS_CASES:
            return False
        self.one_class = self.one_class + 1 if distinct == 1 else None
        return self.one_class == _ONE_CLASS_MINIBATCHES and self._is_first(ONE_CLASS)

    def _is_first(self, hint: str) -> bool:
        """Return whether a hint is new, and remember it."""
        if hint in self.hints:
            return False
        self.hints.append(hint)
        return True

    def to_json(self) -> dict[str, Any]:
        """Return the statistics under the keys that checkpoints have always used."""
        return {
            "pieces": self.segments,
            "minibatches": self.minibatches,
            "cases": self.cases,
            "cost": self.cost,
            "errors": self.errors,
            "one_class": self.one_class,
            "told": self.hints,
        }

    @classmethod
    def of(cls, stored: StoredChanceLevel) -> "ChanceLevel":
        """Return the statistics that a checkpoint stores."""
        return cls(
            segments=stored.pieces,
            minibatches=stored.minibatches,
            cases=stored.cases,
            cost=stored.cost,
            errors=stored.errors,
            one_class=stored.one_class,
            hints=list(stored.told),
        )


def is_guessing(cost: float, errors: float, cases: int, classes: int) -> bool:
    """Return whether sums over cases are those of a net that cannot tell images apart.

    At chance level the net gets at most 1.5 times as many cases right as by chance, plus three
    standard deviations, because classes are not equally frequent.
    """
    by_chance = cases / classes
    near_chance = cases - errors <= 1.5 * by_chance + 3 * sqrt(by_chance)
    return near_chance and -_BELOW <= cost / cases / log(classes) - 1 <= _ABOVE
