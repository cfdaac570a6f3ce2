"""The costs of a run so far.  It is saved in every checkpoint, and so survives resuming."""

from dataclasses import dataclass, field

from convnet.errors import CheckpointError
from convnet.train.chance_level import Plateau
from convnet.train.cost_average import Average
from convnet.train.plateau import Stuck


@dataclass
class History:
    """train, test: entries {"step", "epoch", "cases", "costs": {layer: {number: per case}}}.

    A train entry is the mean over the minibatches since the one before; there is one at each test,
    and one at the end of each epoch.  best: {"step", "error"} of the best test, or None.
    since_entry, since_record: sums of what has not yet become a train entry, or a journal record.
    stuck: whether the tests' errors still fall.  plateau: whether the cost ever did.
    """

    train: list[dict] = field(default_factory=list)
    test: list[dict] = field(default_factory=list)
    best: dict | None = None
    since_entry: Average = field(default_factory=Average)
    since_record: Average = field(default_factory=Average)
    stuck: Stuck = field(default_factory=Stuck)
    plateau: Plateau = field(default_factory=Plateau)

    def add_test(self, entry: dict, error: float) -> bool:
        """Add a test; whether it is the best so far."""
        self.test.append(entry)
        is_best = self.best is None or error < self.best["error"]
        if is_best:
            self.best = {"step": entry["step"], "error": error}
        return is_best

    def to_json(self) -> dict:
        return {
            "train": self.train,
            "test": self.test,
            "best": self.best,
            "since_entry": vars(self.since_entry),
            "since_record": vars(self.since_record),
            "stuck": vars(self.stuck),
            "plateau": vars(self.plateau),
        }

    @classmethod
    def from_json(cls, found: dict) -> "History":
        """CheckpointError if it is no history.  An empty object is an empty history."""
        try:
            return cls(
                [_entry(entry) for entry in found.get("train", ())],
                [_entry(entry) for entry in found.get("test", ())],
                _best(found.get("best")),
                *(_average(found.get(key, {})) for key in ("since_entry", "since_record")),
                stuck=Stuck.from_json(found.get("stuck", {})),
                plateau=Plateau.from_json(found.get("plateau", {})),
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise CheckpointError("the history in the checkpoint is damaged") from None


def _entry(entry):
    costs = {
        str(name): {str(key): float(number) for key, number in numbers.items()}
        for name, numbers in entry["costs"].items()
    }
    counts = {key: int(entry[key]) for key in ("step", "cases")}
    return {**counts, "epoch": float(entry["epoch"]), "costs": costs}


def _best(best):
    return best and {"step": int(best["step"]), "error": float(best["error"])}


def _average(found):
    sums = {str(name): [float(n) for n in sums] for name, sums in found.get("sums", {}).items()}
    return Average(sums, int(found.get("cases", 0)))
