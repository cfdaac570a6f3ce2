"""Which classes there are, in which order, and of which class an image is."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from convnet.data.datasets.shard_folder import MOST_CLASSES
from convnet.errors import DataError
from convnet.make_data.devkit import Devkit
from convnet.make_data.listing import Entry

ORDERS = {
    "wnid": "sorted WordNet ids (or names of folders), as torchvision and Caffe have it",
    "ilsvrc": "ILSVRC ids of the development kit less 1, as the originals have it",
}
_NUMBERED = re.compile(r"(?:.*/)?ILSVRC\d{4}_(?:val|test)_(\d{8})\.JPEG", re.IGNORECASE)
_LARGEST_WORDS = 64 << 20  # bytes; the words of all of WordNet's synsets have 3 MB


@dataclass
class Classes:
    """ids and names in the order of the labels; order: how that was chosen, in words."""

    ids: list[str]
    names: list[str]
    order: str
    label_of: dict[str, int] = field(init=False)

    def __post_init__(self):
        self.label_of = {wnid: label for label, wnid in enumerate(self.ids)}


def choose_classes(
    train: list[Entry], devkit: Devkit | None, words: dict[str, str], order: str
) -> Classes:
    """The classes of the development kit, or those that have training images.  DataError."""
    found = {entry.wnid for entry in train}
    if None in found:
        loose = next(entry.name for entry in train if entry.wnid is None)
        raise DataError(f"{loose}: lies in no folder or tar of a class, so its class is unknown")
    if len(found) > MOST_CLASSES:
        raise DataError(f"{len(found):,} folders of training images; classes are at most 1,000,000")
    if devkit is None:
        if order == "ilsvrc":
            raise DataError("ILSVRC ids stand in the development kit: give --devkit as well")
        ids = sorted(found)
        return Classes(ids, [words.get(wnid, wnid) for wnid in ids], ORDERS[order])
    words = {synset.wnid: synset.words for synset in devkit.synsets} | words
    ids = [synset.wnid for synset in devkit.synsets]
    _compare(set(ids), found, devkit.path)
    ids = ids if order == "ilsvrc" else sorted(ids)
    return Classes(ids, [words[wnid] for wnid in ids], ORDERS[order])


def _compare(expected, found, path):
    missing, strange = sorted(expected - found), sorted(found - expected)
    if missing:
        raise DataError(
            f"{missing[0]}: no training images, though {path} has this class"
            f"{_and_others(missing)}; is the archive whole? (For a part of the classes give "
            "--words instead of --devkit.)"
        )
    if strange:
        raise DataError(
            f"{strange[0]}: has training images but is no class of {path}{_and_others(strange)}"
        )


def _and_others(names):
    return f" (and {len(names) - 1:,} others)" if len(names) > 1 else ""


def labels_of(entries: list[Entry], classes: Classes, truth: list[str] | None) -> list[int]:
    """The label of each image: its class's or, if not all have one, the ground truth's.

    truth: the WordNet id of each numbered image, in order.
    """
    unknown = next((entry for entry in entries if entry.wnid not in classes.label_of), None)
    if unknown is None:
        return [classes.label_of[entry.wnid] for entry in entries]
    matches = [_NUMBERED.fullmatch(entry.name) for entry in entries]
    if not all(matches):
        raise DataError(
            f"{unknown.name}: is of no class that has training images, and has no number as "
            "ILSVRC2012_val_00000001.JPEG that a ground truth could tell its class by"
        )
    if truth is None:
        raise DataError(
            f"{unknown.name}: its class stands in the ground truth; give --devkit as well"
        )
    numbers = [int(match[1]) for match in matches]
    if sorted(numbers) != list(range(1, len(truth) + 1)):
        raise DataError(
            f"{entries[0].name}, ...: {len(entries):,} images, and the ground truth is for images "
            f"1 to {len(truth):,}; is the archive whole, and of the same year?"
        )
    return [classes.label_of[truth[number - 1]] for number in numbers]


def read_words(path: Path) -> dict[str, str]:
    """WordNet id -> words, from lines of an id, space and words (words.txt, synset_words.txt)."""
    if path.stat().st_size > _LARGEST_WORDS:
        raise DataError(f"{path}: larger than {_LARGEST_WORDS >> 20} MiB, so no list of words")
    lines = (line.split(maxsplit=1) for line in path.read_text("utf-8", "replace").splitlines())
    words = {line[0]: line[1].strip() for line in lines if len(line) == 2}
    if not words:
        raise DataError(f"{path}: has no lines of a WordNet id, a space and words")
    return {wnid: _printable(text) for wnid, text in words.items()}


def _printable(text):
    return "".join(c if c.isprintable() else " " for c in text)
