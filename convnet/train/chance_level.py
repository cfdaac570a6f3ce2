"""Recognises the best-known failure: a cost that stays at ln(classes), the cost of knowing nothing.

Minibatches are watched in pieces.  A piece is on the plateau if its mean cost is ln(classes), or up
to 1 % below or 5 % above, and its images are not classified better than by chance; ten such pieces
in a row are the plateau.  Also recognised: minibatches at the start that hold one class each.
"""

from dataclasses import dataclass, field
from math import log, sqrt

PLATEAU, ONE_CLASS = "plateau", "one class"
PIECES = 10
_BELOW, _ABOVE = 0.01, 0.05  # shares of ln(classes); above it are nets whose biases jump about
_FEWEST, _MOST = 200, 2000  # minibatches on the plateau; the paper's net needs some hundreds itself
_ONE_CLASS_MINIBATCHES = 10
_ONE_CLASS_CASES = 4  # of a minibatch that must hold two classes, if there are two


def piece_length(classes: int) -> int:
    """Minibatches of a piece: more for more classes, which take longer to be told apart."""
    return min(max(10 * classes, _FEWEST), _MOST) // PIECES


@dataclass
class Plateau:
    """What was seen so far.  It is saved in every checkpoint.

    pieces: in a row, that were on the plateau.  minibatches, cases, cost, errors: sums over the
    piece at hand.  one_class: minibatches since the start, if all held one class.  told: the hints
    that were given.
    """

    pieces: int = 0
    minibatches: int = 0
    cases: int = 0
    cost: float = 0.0
    errors: float = 0.0
    one_class: int | None = 0
    told: list[str] = field(default_factory=list)

    def add(self, cost: float, errors: float, cases: int, classes: int) -> bool:
        """Count a minibatch's sums of the cost and of top-1 errors; whether it is a plateau now."""
        self.minibatches += 1
        self.cases, self.cost, self.errors = (
            self.cases + cases,
            self.cost + cost,
            self.errors + errors,
        )
        if self.minibatches < piece_length(classes):
            return False
        flat = knows_nothing(self.cost, self.errors, self.cases, classes)
        self.pieces = self.pieces + 1 if flat else 0
        self.minibatches, self.cases, self.cost, self.errors = 0, 0, 0.0, 0.0
        return self.pieces >= PIECES and self._tell(PLATEAU)

    def add_labels(self, classes_in_it: int, cases: int) -> bool:
        """Count a minibatch's classes; whether the data seems to be in the order of its classes."""
        if self.one_class is None or cases < _ONE_CLASS_CASES:
            return False
        self.one_class = self.one_class + 1 if classes_in_it == 1 else None
        return self.one_class == _ONE_CLASS_MINIBATCHES and self._tell(ONE_CLASS)

    def _tell(self, hint) -> bool:
        if hint in self.told:
            return False
        self.told.append(hint)
        return True

    @classmethod
    def from_json(cls, found: dict) -> "Plateau":
        kinds = {"pieces": int, "minibatches": int, "cases": int, "cost": float, "errors": float}
        numbers = {key: kind(found.get(key, 0)) for key, kind in kinds.items()}
        one_class = found.get("one_class", 0)
        return cls(
            **numbers,
            one_class=None if one_class is None else int(one_class),
            told=[str(hint) for hint in found.get("told", ())],
        )


def knows_nothing(cost: float, errors: float, cases: int, classes: int) -> bool:
    """Whether sums over cases are those of a net that tells no images apart.

    Near chance: no more than 1.5 times as many are right as by chance, give or take three standard
    deviations, for classes are not equally frequent.
    """
    by_chance = cases / classes
    near_chance = cases - errors <= 1.5 * by_chance + 3 * sqrt(by_chance)
    return near_chance and -_BELOW <= cost / cases / log(classes) - 1 <= _ABOVE
