"""From what a user names to a data set: look, plan, carry out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from convnet.data.shard_folder import Manifest
from convnet.errors import DataError
from convnet.make_data.folders import look_through
from convnet.make_data.listing import Classes, Found
from convnet.make_data.picture import Jpeg
from convnet.make_data.plan import SPLITS, Plan, shuffled, store, stored_plan
from convnet.make_data.write import MAKING, carry_out


@dataclass
class Wanted:
    """What to make, of what; the names are those of the command line."""

    train: Path
    val: Path
    seed: int = 0
    shard_images: int = 6144  # about 200 MB
    jpeg: Jpeg = field(default_factory=Jpeg)
    workers: int = 1


def make_data(wanted: Wanted, out: Path, tell: Callable[[int], None] = lambda n: None) -> Manifest:
    """Makes the data set `out`, or goes on making it.  DataError."""
    out.mkdir(parents=True, exist_ok=True)
    plan = stored_plan(out / MAKING)
    if plan is None:
        plan = make_plan(wanted)
        store(plan, out / MAKING)
    return carry_out(plan, out, wanted.workers, tell)


def make_plan(wanted: Wanted) -> Plan:
    found, entries = Found(), {}
    for split, path in zip(SPLITS, (wanted.train, wanted.val), strict=True):
        start = len(found.entries)
        look_through(path, found)
        entries[split] = sorted(found.entries[start:], key=lambda entry: entry.name)
    ids = sorted({entry.wnid for entry in entries["train"]})
    classes = Classes(ids, ids, "sorted by the folders' names")
    parts = {}
    for split in SPLITS:
        unknown = next((e for e in entries[split] if e.wnid not in classes.label_of), None)
        if unknown:
            raise DataError(f"{unknown.name}: is of no class of the training images")
        labels = [classes.label_of[entry.wnid] for entry in entries[split]]
        parts[split] = shuffled(entries[split], labels, wanted.seed, split)
    return Plan(
        name=wanted.train.name,
        classes=classes,
        sources=found.sources,
        parts=parts,
        passed_over=found.passed_over,
        seed=wanted.seed,
        shard_images=wanted.shard_images,
        jpeg=wanted.jpeg,
        asked={},
    )
