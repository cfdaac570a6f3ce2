"""The costs of a run so far.  Every checkpoint stores them, so they survive resuming."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

from convnet.errors import CheckpointError
from convnet.train.chance_level import ChanceLevel
from convnet.train.cost_average import Average, Costs
from convnet.train.plateau import Plateau


class Entry(TypedDict):
    """Mean costs per case at a point of the run."""

    step: int
    epoch: float
    cases: int
    costs: Costs


class Best(TypedDict):
    """The test with the lowest error."""

    step: int
    error: float


@dataclass
class History:
    """The means of a run so far.

    train: one entry at each test and one at the end of each epoch, each the mean over the
    minibatches since the entry before.  test: an entry for each test.  best: the best test.
    since_entry, since_record: sums that have not become a train entry, or a journal record, yet.
    plateau: whether the tests' errors still fall.  chance_level: whether the net learns at all.
    """

    train: list[Entry] = field(default_factory=list)
    test: list[Entry] = field(default_factory=list)
    best: Best | None = None
    since_entry: Average = field(default_factory=Average)
    since_record: Average = field(default_factory=Average)
    plateau: Plateau = field(default_factory=Plateau)
    chance_level: ChanceLevel = field(default_factory=ChanceLevel)

    def add_test(self, entry: Entry, error: float) -> bool:
        """Add a test; return whether it is the best so far."""
        self.test.append(entry)
        is_best = self.best is None or error < self.best["error"]
        if is_best:
            self.best = {"step": entry["step"], "error": error}
        return is_best

    def to_json(self) -> dict[str, Any]:
        """Return the history as checkpoints store it.

        The file format calls the plateau "stuck", and the chance level "plateau".
        """
        return {
            "train": self.train,
            "test": self.test,
            "best": self.best,
            "since_entry": vars(self.since_entry),
            "since_record": vars(self.since_record),
            "stuck": self.plateau.to_json(),
            "plateau": self.chance_level.to_json(),
        }

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "History":
        """Read a history; an empty object is an empty history.  CheckpointError if damaged."""
        try:
            return cls(
                train=[_entry(entry) for entry in found.get("train", ())],
                test=[_entry(entry) for entry in found.get("test", ())],
                best=_best(found.get("best")),
                since_entry=_average(found.get("since_entry", {})),
                since_record=_average(found.get("since_record", {})),
                plateau=Plateau.from_json(found.get("stuck", {})),
                chance_level=ChanceLevel.from_json(found.get("plateau", {})),
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise CheckpointError("the history in the checkpoint is damaged") from None


def _entry(entry: dict[str, Any]) -> Entry:
    return {
        "step": int(entry["step"]),
        "cases": int(entry["cases"]),
        "epoch": float(entry["epoch"]),
        "costs": {
            str(name): {str(key): float(number) for key, number in numbers.items()}
            for name, numbers in entry["costs"].items()
        },
    }


def _best(best: dict[str, Any] | None) -> Best | None:
    return {"step": int(best["step"]), "error": float(best["error"])} if best else None


def _average(found: dict[str, Any]) -> Average:
    sums = {str(name): [float(n) for n in sums] for name, sums in found.get("sums", {}).items()}
    return Average(sums, int(found.get("cases", 0)))
