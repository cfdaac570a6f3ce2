"""The costs of a run so far.  Every checkpoint stores them, so they survive resuming."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from convnet.checkpoint.records import StoredBest, StoredEntry, StoredHistory, StoredSums
from convnet.display import harmless
from convnet.errors import CheckpointError
from convnet.layers.cost import Cost
from convnet.stored.records import damage, from_objects
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
    def from_json(cls, found: dict[str, Any], source: str = "the checkpoint") -> "History":
        """Read a history; an empty object is an empty history.

        source: the file, for the message.  CheckpointError if it is damaged.
        """
        stored = from_objects(found, StoredHistory, source, CheckpointError, within="history")
        return cls(
            train=[_entry(entry) for entry in stored.train],
            test=[_entry(entry) for entry in stored.test],
            best=_best(stored.best),
            since_entry=_average(stored.since_entry),
            since_record=_average(stored.since_record),
            plateau=Plateau.of(stored.stuck),
            chance_level=ChanceLevel.of(stored.plateau),
        )

    def check_costs(self, layers: Mapping[str, Cost], source: str) -> None:
        """Raise CheckpointError unless the sums are those of a network's cost layers.

        layers: as returned by `cost_layers`.  source: the checkpoint, for the message.
        """
        for name in ("since_entry", "since_record"):
            wrong = _wrong_sums(getattr(self, name).sums, layers)
            if wrong:
                raise CheckpointError(damage(source, f"history.{name}.sums{harmless(wrong)}"))


def _wrong_sums(sums: Mapping[str, list[float]], layers: Mapping[str, Cost]) -> str:
    """Return what of the sums does not belong to the cost layers, or ""."""
    for name, numbers in sums.items():
        if name not in layers:
            return f": expected the network's cost layers, {', '.join(layers)}, found {name}"
        wanted = len(layers[name].numbers())
        if len(numbers) != wanted:
            return f".{name}: expected {wanted} numbers, found {len(numbers)}"
        missing = [child for child in layers[name].child_names() if child not in sums]
        if missing:
            return f": expected {missing[0]}, a child of {name}, found none"
    return ""


def _entry(entry: StoredEntry) -> Entry:
    return {"step": entry.step, "cases": entry.cases, "epoch": entry.epoch, "costs": entry.costs}


def _best(best: StoredBest | None) -> Best | None:
    return {"step": best.step, "error": best.error} if best else None


def _average(found: StoredSums) -> Average:
    return Average(found.sums, found.cases)
