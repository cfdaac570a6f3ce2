"""The classes, their order, and the label of each image."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from convnet.data.datasets.shard_folder import LARGEST_MANIFEST, MAX_CLASSES
from convnet.data.pictures.listing import Entry
from convnet.errors import DataError
from convnet.make_data.devkit import Devkit
from convnet.stored.files import read_regular

ORDERS = {  # stored in data sets, so these texts must not change
    "wnid": "sorted WordNet ids (or names of folders), as torchvision and Caffe have it",
    "ilsvrc": "ILSVRC ids of the development kit less 1, as the originals have it",
}
_NUMBERED = re.compile(r"(?:.*/)?ILSVRC\d{4}_(?:val|test)_(\d{8})\.JPEG", re.IGNORECASE)
_CLASS_TEXT = 38  # bytes of `dataset.json` for a class besides its id and name
_LARGEST_CLASSES = LARGEST_MANIFEST * 7 // 8  # bytes
_LARGEST_WORDS = 64 << 20  # bytes; the words of all of WordNet's synsets have 3 MB


@dataclass
class Classes:
    """The classes of a data set.

    ids, names  WordNet ids (or folders) and words, in the order of the labels
    order       how that order was chosen, in words
    label_of    id -> label
    """

    ids: list[str]
    names: list[str]
    order: str
    label_of: dict[str, int] = field(init=False)

    def __post_init__(self):
        self.label_of = {wnid: label for label, wnid in enumerate(self.ids)}


def choose_classes(
    train: list[Entry], devkit: Devkit | None, words: dict[str, str], order: str
) -> Classes:
    """Return the classes of the development kit, or by default those that have training images.

    words: WordNet id -> words.  order: a key of `ORDERS`.  DataError if the training images do not
    fit the kit.
    """
    found = {entry.wnid for entry in train}
    if None in found:
        loose = next(entry.name for entry in train if entry.wnid is None)
        raise DataError(f"{loose}: is not in the folder or tar of a class, so its class is unknown")
    if len(found) > MAX_CLASSES:
        raise DataError(
            f"{len(found):,} folders of training images; there may be at most 1,000,000 classes"
        )
    size = sum(_CLASS_TEXT + len((i + words.get(i, i)).encode()) for i in found)
    if size > _LARGEST_CLASSES:
        raise DataError(
            f"the ids and names of {len(found):,} classes take {size / 1e6:.0f} MB, more than the "
            f"{_LARGEST_CLASSES / 1e6:.0f} that a data set has room for; use shorter ones"
        )
    if devkit is None:
        if order == "ilsvrc":
            raise DataError("the development kit defines the ILSVRC ids: also give --devkit")
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
            f"{missing[0]}: has no training images, but is a class of {path}"
            f"{_and_others(missing)}; is the archive complete? (For a subset of the classes give "
            "--words instead of --devkit.)"
        )
    if strange:
        raise DataError(
            f"{strange[0]}: has training images but is not a class of {path}{_and_others(strange)}"
        )


def _and_others(names):
    return f" (and {len(names) - 1:,} others)" if len(names) > 1 else ""


def labels_of(entries: list[Entry], classes: Classes, truth: list[str] | None) -> list[int]:
    """Return the label of each image: from its class, or from the ground truth if not all have one.

    truth: the WordNet id of each numbered image, in order.  DataError if a label cannot be found.
    """
    unknown = next((entry for entry in entries if entry.wnid not in classes.label_of), None)
    if unknown is None:
        return [classes.label_of[entry.wnid] for entry in entries]
    matches = [_NUMBERED.fullmatch(entry.name) for entry in entries]
    if not all(matches):
        raise DataError(
            f"{unknown.name}: its class has no training images, and its name has no number, as in "
            "ILSVRC2012_val_00000001.JPEG, to find its class in a ground truth"
        )
    if truth is None:
        raise DataError(f"{unknown.name}: its class is in the ground truth; also give --devkit")
    numbers = [int(match[1]) for match in matches]
    if sorted(numbers) != list(range(1, len(truth) + 1)):
        raise DataError(
            f"{entries[0].name}, ...: {len(entries):,} images, but the ground truth is for images "
            f"1 to {len(truth):,}; is the archive complete, and of the same year?"
        )
    return [classes.label_of[truth[number - 1]] for number in numbers]


def read_words(path: Path) -> dict[str, str]:
    """Return WordNet id -> words, from lines of an id, space and words (words.txt).

    DataError if the file has no such lines.
    """
    try:
        text = read_regular(path, _LARGEST_WORDS).decode("utf-8", "replace")
    except OSError as problem:
        raise DataError(f"{path}: cannot be read as a list of words: {problem.strerror}") from None
    lines = (line.split(maxsplit=1) for line in text.splitlines())
    words = {line[0]: line[1].strip() for line in lines if len(line) == 2}
    if not words:
        raise DataError(f"{path}: has no lines of a WordNet id, a space and words")
    return {wnid: _printable(text) for wnid, text in words.items()}


def _printable(text):
    return "".join(c if c.isprintable() else " " for c in text)
