"""Scans the sources and makes the plan of a data set."""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from convnet.data import counter_rng
from convnet.data.pictures.folders import scan_folder
from convnet.data.pictures.hold_out import held_out_counts
from convnet.data.pictures.listing import EMPTY, UNREADABLE, Entry, Listing
from convnet.errors import DataError
from convnet.make_data.archives import add_class_archive, scan_archive
from convnet.make_data.classes import Classes, choose_classes, labels_of, read_words
from convnet.make_data.devkit import Devkit, read_devkit, read_truth
from convnet.make_data.options import MakeOptions
from convnet.make_data.plan import SPLITS, Part, Plan

_SHOWN = 10  # names in a note
_HOLD_OUT = len(SPLITS)  # the counter of random bits for it; smaller ones are the splits' orders


def make_plan(
    options: MakeOptions,
    on_found: Callable[[int], None] = lambda count: None,
    scratch: Path | None = None,
) -> Plan:
    """Return the plan of a data set; DataError if images, classes and labels do not fit together.

    on_found: called now and then with the number of images found so far.  scratch: a folder for
    compressed tars of classes, which are unpacked there for as long as the set is made.
    """
    listing = Listing(on_found, scratch=scratch)
    devkit = read_devkit(options.devkit) if options.devkit else None
    words = read_words(options.words) if options.words else {}
    train = scan(options.train, listing)
    test = scan(options.val, listing) if options.val else []
    classes = choose_classes(train, devkit, words, options.label_order)
    notes = _other_counts(train, devkit) + _not_found(listing)
    if options.hold_out:
        train, test = held_out(train, options.hold_out, options.seed)
        notes += _only_held_out(train, classes)
    truth = _truth(options, devkit)
    return Plan(
        name=options.recorded()["name"],
        classes=classes,
        sources=listing.sources,
        parts={
            "train": shuffled(train, labels_of(train, classes, None), options.seed, "train"),
            "test": shuffled(test, labels_of(test, classes, truth), options.seed, "test"),
        },
        passed_over=listing.passed_over,
        notes=notes,
        seed=options.seed,
        shard_images=options.shard_images,
        jpeg=options.jpeg,
        options=options.recorded(),
        stamps=options.stamps(),
    )


def scan(path: Path, listing: Listing) -> list[Entry]:
    """Return the images in an archive or folder, sorted by name; DataError if there are none.

    So the same images have the same order however they are packed.
    """
    start = len(listing.entries)
    if path.is_dir():
        scan_folder(path, listing, add_class_archive)
    else:
        scan_archive(path, listing)
    entries = listing.entries[start:]
    if not entries:
        first = f" ({': '.join(listing.passed_over[-1])})" if listing.passed_over else ""
        raise DataError(f"{path}: no images found{first}")
    return sorted(entries, key=lambda entry: (entry.name, entry.offset))


def held_out(entries: list[Entry], wanted: float, seed: int) -> tuple[list[Entry], list[Entry]]:
    """Return training and test images: the seed selects the same share of each class as test.

    wanted: the share if it is below 1, else the number of test images, of each class in proportion.
    DataError if one of the two would be empty.
    """
    places = defaultdict(list)
    for place, entry in enumerate(entries):
        places[entry.wnid].append(place)
    keys, aside = (
        counter_rng.bits(seed, _HOLD_OUT, np.arange(len(entries))),
        np.zeros(len(entries), bool),
    )
    counts = held_out_counts({wnid: len(mine) for wnid, mine in places.items()}, wanted)
    for wnid, mine in places.items():
        mine = np.array(mine)
        aside[mine[np.argsort(keys[mine], kind="stable")[: counts[wnid]]]] = True
    if not aside.any() or aside.all():
        raise DataError(f"--hold-out {wanted:g} leaves no test images or no training images")
    rest = [entry for entry, out in zip(entries, aside, strict=True) if not out]
    return rest, [entry for entry, out in zip(entries, aside, strict=True) if out]


def shuffled(entries: list[Entry], labels: list[int], seed: int, split: str) -> Part:
    """Return a split in the random order that the seed determines."""
    order = counter_rng.order(len(entries), seed, SPLITS.index(split))
    places = [(e.source, e.offset, e.size, label) for e, label in zip(entries, labels, strict=True)]
    return Part([entries[i].name for i in order], np.array(places, np.int64)[order])


def _truth(options: MakeOptions, devkit: Devkit | None) -> list[str] | None:
    """Return the WordNet id of each numbered image; None if there is no ground truth."""
    if devkit is None:
        return None
    numbers = devkit.truth
    if options.ground_truth:
        numbers = read_truth(options.ground_truth, len(devkit.synsets))
    return None if numbers is None else [devkit.synsets[number - 1].wnid for number in numbers]


def _not_found(listing: Listing) -> list[str]:
    """Return notes on what could not be read, and on folders or tars without images, if any."""
    unread = [f"{name}: {why}" for name, why in listing.passed_over if why.startswith(UNREADABLE)]
    empty = [name for name, why in listing.passed_over if why == EMPTY]
    notes = (
        [f"images may be missing, as this could not be read: {_first(unread)}"] if unread else []
    )
    return notes + ([f"no classes, as they have no images: {_first(empty)}"] if empty else [])


def _only_held_out(train: list[Entry], classes: Classes) -> list[str]:
    """Return a note on classes all of whose images are held out, if any."""
    left = {entry.wnid for entry in train}
    without = [wnid for wnid in classes.ids if wnid not in left]
    return [f"classes without training images: {_first(without)}"] if without else []


def _first(lines: list[str]) -> str:
    """Return the first of some lines, and how many there are."""
    more = len(lines) - _SHOWN
    return "; ".join(lines[:_SHOWN]) + (f"; and {more:,} more" if more > 0 else "")


def _other_counts(entries, devkit) -> list[str]:
    """Return a note on classes whose number of images differs from the development kit, if any."""
    counts = Counter(entry.wnid for entry in entries)
    synsets = devkit.synsets if devkit else ()
    other = [s for s in synsets if s.images is not None and s.images != counts[s.wnid]]
    if not other:
        return []
    first = other[0]
    return [
        "classes whose number of training images differs from the development kit: "
        f"{len(other):,} ({first.wnid}: {counts[first.wnid]:,}, not {first.images:,}); "
        "is the archive complete?"
    ]
