"""Which pictures of a folder are held out for tests, and in which order they are tested."""

import hashlib
from collections import defaultdict
from fractions import Fraction

from convnet.data.pictures.listing import Entry
from convnet.errors import DataError

DEFAULT = 0.1  # share of each class


def hold_out(
    entries: list[Entry], wanted: float, seed: int, name: str
) -> tuple[list[Entry], list[Entry]]:
    """Return training and test pictures, both in the order given.

    wanted: below 1 a share of each class, else the number of all test pictures, of each class in
    proportion.  The choice depends on the seed and on the pictures' names alone, so that others
    that are added or removed change little of it.  name: of the data set, for messages.  DataError
    if training or test pictures would be left without any.
    """
    by_class: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_class[entry.wnid].append(entry)
    sizes = {wnid: len(mine) for wnid, mine in by_class.items()}
    counts = held_out_counts(sizes, wanted)
    chosen = {
        entry.name
        for wnid, mine in by_class.items()
        for entry in sorted(mine, key=lambda entry: _key(seed, entry.name))[: counts[wnid]]
    }
    if not 0 < len(chosen) < len(entries):
        left = "test" if not chosen else "training"
        raise DataError(
            f"{name}: --hold-out {wanted:g} of {len(entries):,} pictures in {len(sizes):,} classes "
            f"leaves no {left} pictures; give another share, or a number of pictures"
        )
    train = [entry for entry in entries if entry.name not in chosen]
    return train, [entry for entry in entries if entry.name in chosen]


def mixed(entries: list[Entry]) -> list[Entry]:
    """Return pictures in a random order, always the same, that depends on their names alone.

    So a test of the first ones only is one of all classes.
    """
    return sorted(entries, key=lambda entry: _key(0, entry.name))


def held_out_counts(sizes: dict[str | None, int], wanted: float) -> dict[str | None, int]:
    """Return how many pictures of each class are held out, of so many in each.

    wanted: as in `hold_out`.  Of a number of pictures each class has its share rounded down, and
    the classes with the largest remainders one more.
    """
    if wanted < 1:
        return {wnid: round(wanted * size) for wnid, size in sizes.items()}
    total = sum(sizes.values())
    number = min(int(wanted), total)
    exact = {wnid: Fraction(number * size, total) for wnid, size in sizes.items()}
    counts = {wnid: int(share) for wnid, share in exact.items()}
    order = sorted(exact, key=lambda wnid: counts[wnid] - exact[wnid])
    for wnid in order[: number - sum(counts.values())]:
        counts[wnid] += 1
    return counts


def _key(seed: int, name: str) -> bytes:
    """A random key of a picture."""
    return hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", "surrogateescape")).digest()
