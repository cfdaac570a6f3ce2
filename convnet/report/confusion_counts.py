"""Which classes a network takes for which others: the confusion matrix, and its largest entries."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from convnet.display import harmless
from convnet.errors import DataError
from convnet.report.figures.predictions import class_name

MOST_IN_MATRIX = 2000  # classes whose matrix is written as a whole: 4 million numbers


@dataclass(frozen=True)
class Pair:
    """How many cases of the class `true` are taken for another; share: of all of `true`."""

    true: int
    predicted: int
    count: int
    share: float


@dataclass(frozen=True, eq=False)
class ConfusionCounts:
    """Counts of the true and the predicted classes of cases; see `Confusion`.

    Attributes:
        class_names: By class.
        entries: int64 (n, 3): the true class, the predicted class and the number of cases, for each
            pair of classes that occurs.
        unknown: Cases whose label names none of the classes; they count nowhere else.
        title: A line about the cases.
    """

    class_names: tuple[str, ...]
    entries: np.ndarray
    unknown: int = 0
    title: str = ""

    @classmethod
    def of(
        cls,
        labels: npt.ArrayLike,
        predicted: npt.ArrayLike,
        class_names: tuple[str, ...] = (),
        title: str = "",
    ) -> Self:
        """Count the classes of cases.

        Parameters:
            labels: The true classes, integers (cases,).
            predicted: The predicted classes, integers (cases,), or probabilities (cases, classes),
                of which the largest counts.
            class_names: By class; by default "class 0", "class 1", ...
            title: A line about the cases.

        Raises:
            DataError: If the arrays do not fit each other, or a predicted class has no name.
        """
        true, found = _classes("labels", labels), np.asarray(predicted)
        columns = found.shape[1] if found.ndim == 2 else 0
        found = _classes("predicted classes", found.argmax(axis=1) if columns else found)
        if len(true) != len(found):
            raise DataError(f"there are {len(true):,} labels, but {len(found):,} predictions")
        named = max(columns, 1 + max(true.max(initial=-1), found.max(initial=-1)))
        names = class_names or tuple(f"class {label}" for label in range(named))
        for wrong in found[(found < 0) | (found >= len(names))][:1]:
            raise DataError(f"class {wrong} is predicted, but there are {len(names):,} classes")
        known = (true >= 0) & (true < len(names))
        pairs = np.stack([true[known], found[known]], axis=1).astype(np.int64)
        different, counts = np.unique(pairs, axis=0, return_counts=True)
        entries = np.concatenate([different, counts[:, None]], axis=1)
        return cls(tuple(names), entries, int((~known).sum()), title)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @cached_property
    def cases(self) -> np.ndarray:
        """The number of cases of each true class, int64 (classes,)."""
        return self._sums(self.entries)

    @cached_property
    def right(self) -> np.ndarray:
        """The number of cases of each class that are predicted right, int64 (classes,)."""
        return self._sums(self.entries[self.entries[:, 0] == self.entries[:, 1]])

    @property
    def errors(self) -> np.ndarray:
        """The error of each true class, 0 to 1, float64 (classes,); NaN for one without cases."""
        with np.errstate(invalid="ignore"):
            return 1 - self.right / self.cases

    @property
    def error(self) -> float:
        """The share of all cases that are predicted wrong; NaN without cases."""
        total = int(self.cases.sum())
        return 1 - int(self.right.sum()) / total if total else float("nan")

    def matrix(self) -> np.ndarray:
        """Return the counts, int64 (classes, classes): rows are true, columns predicted classes."""
        found = np.zeros((self.classes, self.classes), np.int64)
        found[self.entries[:, 0], self.entries[:, 1]] = self.entries[:, 2]
        return found

    def pairs(self, most: int | None = None) -> list[Pair]:
        """Return the pairs of classes that are confused, the most frequent first.

        Of equal counts, the one that is a larger share of its true class comes first.
        """
        wrong = self.entries[self.entries[:, 0] != self.entries[:, 1]]
        shares = wrong[:, 2] / self.cases[wrong[:, 0]]
        order = np.lexsort((wrong[:, 1], wrong[:, 0], -shares, -wrong[:, 2]))[:most]
        return [
            Pair(*row, share)
            for row, share in zip(wrong[order].tolist(), shares[order].tolist(), strict=True)
        ]

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain objects; `matrix` for at most MOST_IN_MATRIX classes.

        Classes are their numbers, in the order of `classes`.
        """
        errors = [None if np.isnan(error) else error for error in self.errors.tolist()]
        rows = zip(self.class_names, self.cases.tolist(), self.right.tolist(), errors, strict=True)
        found: dict[str, Any] = {
            "title": self.title,
            "cases": int(self.cases.sum()),
            "cases_of_no_class": self.unknown,
            "error": None if np.isnan(self.error) else self.error,
            "classes": [
                {"name": name, "cases": cases, "right": right, "error": error}
                for name, cases, right, error in rows
            ],
            "confused": [asdict(pair) for pair in self.pairs()],
        }
        if self.classes <= MOST_IN_MATRIX:
            found["matrix"] = self.matrix().tolist()
        return found

    def name(self, label: int) -> str:
        """Return the name of a class, safe to print."""
        return harmless(class_name(self.class_names, label))

    def _sums(self, entries) -> np.ndarray:
        found = np.zeros(self.classes, np.int64)
        np.add.at(found, entries[:, 0], entries[:, 2])
        return found


def _classes(what: str, values: npt.ArrayLike) -> np.ndarray:
    """Return one integer a case.  DataError for anything else."""
    found = np.asarray(values)
    if found.ndim == 1 and (found.dtype.kind in "iu" or not found.size):
        return found.astype(np.int64)
    raise DataError(
        f"the {what} are integers, one a case; found an array of shape {found.shape} and type "
        f"{found.dtype}"
    )


def lines_of_pairs(confusion: ConfusionCounts, most: int) -> list[str]:
    """Return a line for each of the most confused pairs of classes."""
    pairs = confusion.pairs(most)
    if not pairs:
        return ["no case is misclassified"]
    width = len(str(pairs[0].count))
    return [
        f"{pair.count:{width}} of {confusion.cases[pair.true]} ({pair.share:.1%}): "
        f"{confusion.name(pair.true)} taken for {confusion.name(pair.predicted)}"
        for pair in pairs
    ]
