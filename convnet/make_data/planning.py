"""Looks through the sources and fixes what will stand where."""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from convnet.data import counter_rng
from convnet.errors import DataError
from convnet.make_data import archives, folders
from convnet.make_data.classes import choose_classes, labels_of, read_words
from convnet.make_data.devkit import Devkit, read_devkit, read_truth
from convnet.make_data.listing import Entry, Found
from convnet.make_data.plan import SPLITS, Part, Plan
from convnet.make_data.wanted import Wanted

_HOLD_OUT = len(SPLITS)  # what random bits are for, beside the orders of the splits


def make_plan(wanted: Wanted, looking: Callable[[int], None] = lambda n: None) -> Plan:
    """DataError if images, classes and labels do not fit together."""
    found = Found(looking)
    devkit = read_devkit(wanted.devkit) if wanted.devkit else None
    words = read_words(wanted.words) if wanted.words else {}
    train = look_through(wanted.train, found)
    test = look_through(wanted.val, found) if wanted.val else []
    classes = choose_classes(train, devkit, words, wanted.label_order)
    notes = _other_counts(train, devkit)
    if wanted.hold_out:
        train, test = held_out(train, wanted.hold_out, wanted.seed)
    truth = _truth(wanted, devkit)
    return Plan(
        name=wanted.options()["name"],
        classes=classes,
        sources=found.sources,
        parts={
            "train": shuffled(train, labels_of(train, classes, None), wanted.seed, "train"),
            "test": shuffled(test, labels_of(test, classes, truth), wanted.seed, "test"),
        },
        passed_over=found.passed_over,
        notes=notes,
        seed=wanted.seed,
        shard_images=wanted.shard_images,
        jpeg=wanted.jpeg,
        options=wanted.options(),
        stamps=wanted.stamps(),
    )


def look_through(path: Path, found: Found) -> list[Entry]:
    """The images in an archive or folder, sorted by name, so that the same images are in the same
    order wherever they lie."""
    start = len(found.entries)
    (folders if path.is_dir() else archives).look_through(path, found)
    entries = found.entries[start:]
    if not entries:
        first = f" ({': '.join(found.passed_over[-1])})" if found.passed_over else ""
        raise DataError(f"{path}: no images found{first}")
    return sorted(entries, key=lambda entry: (entry.name, entry.offset))


def held_out(entries: list[Entry], share: float, seed: int) -> tuple[list[Entry], list[Entry]]:
    """Training and test images: of each class the same share is put aside, by the seed."""
    places = defaultdict(list)
    for place, entry in enumerate(entries):
        places[entry.wnid].append(place)
    keys, aside = (
        counter_rng.bits(seed, _HOLD_OUT, np.arange(len(entries))),
        np.zeros(len(entries), bool),
    )
    for mine in places.values():
        mine = np.array(mine)
        aside[mine[np.argsort(keys[mine], kind="stable")[: round(share * len(mine))]]] = True
    if not aside.any() or aside.all():
        raise DataError(f"--hold-out {share:g} leaves no test images or no training images")
    rest = [entry for entry, out in zip(entries, aside, strict=True) if not out]
    return rest, [entry for entry, out in zip(entries, aside, strict=True) if out]


def shuffled(entries: list[Entry], labels: list[int], seed: int, split: str) -> Part:
    """A split in the order that the seed gives."""
    order = counter_rng.order(len(entries), seed, SPLITS.index(split))
    places = [(e.source, e.offset, e.size, label) for e, label in zip(entries, labels, strict=True)]
    return Part([entries[i].name for i in order], np.array(places, np.int64)[order])


def _truth(wanted: Wanted, devkit: Devkit | None) -> list[str] | None:
    """The WordNet id of each numbered image."""
    if devkit is None:
        return None
    numbers = devkit.truth
    if wanted.ground_truth:
        numbers = read_truth(wanted.ground_truth, len(devkit.synsets))
    return None if numbers is None else [devkit.synsets[number - 1].wnid for number in numbers]


def _other_counts(entries, devkit) -> list[str]:
    """Says where the training images are not as many as the development kit says."""
    counts = Counter(entry.wnid for entry in entries)
    synsets = devkit.synsets if devkit else ()
    other = [s for s in synsets if s.images is not None and s.images != counts[s.wnid]]
    if not other:
        return []
    first = other[0]
    return [
        "classes with another number of training images than the development kit says: "
        f"{len(other):,} ({first.wnid}: {counts[first.wnid]:,}, not {first.images:,}); "
        "is the archive whole?"
    ]
