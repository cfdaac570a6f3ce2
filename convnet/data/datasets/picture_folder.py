"""A folder of pictures as they are, with a folder for each class (docs/data.md).

The pictures are decoded and brought to one size whenever they are needed; no copy is made.
"""

import hashlib
import os
from functools import cached_property
from pathlib import Path

import numpy as np

from convnet.data.byte_range import UNKNOWN_CRC
from convnet.data.dataset import SPLITS, Indices, check_split
from convnet.data.decoder import Decoder
from convnet.data.encoded import EncodedDataset
from convnet.data.pictures.hold_out import DEFAULT, hold_out, mixed
from convnet.data.pictures.layout import list_pictures
from convnet.data.pictures.listing import Entry
from convnet.data.pictures.remarks import remark_lines
from convnet.data.pictures.square import LARGEST_SIDE, SIDE
from convnet.data.pictures.survey import Survey, key_of, survey
from convnet.display import harmless
from convnet.errors import DataError

_SHOWN = 10  # class names in a note
_CHANNELS = 3


class PictureFolder(EncodedDataset):
    """Pictures of any size in folders of their classes, scaled and cropped to `side` x `side`.

    The classes are the folders' names, sorted.  Opening lists the files; what needs the pictures
    themselves (counts, labels, the mean) reads all of them once, or what was kept of that.  Test
    pictures are in a random order, always the same; training pictures in that of their names.

    hold_out  share of each class, or number of pictures, to test on, if there is no folder of test
              pictures; None for a tenth.  seed: of their choice.
    workers   processes that read the pictures the first time
    digest    of the names and sizes of all pictures and of their splits, hexadecimal
    """

    channels = _CHANNELS
    other_sizes = "--size brings the pictures to another size"

    def __init__(
        self,
        folder: Path,
        name: str,
        side: int | None = None,
        wanted: float | None = None,
        seed: int = 0,
        workers: int = 1,
    ):
        self.name, self.side, self._workers = name, side or SIDE, workers
        if self.side > LARGEST_SIDE:
            raise DataError(f"{name}: --size may be at most {LARGEST_SIDE}, not {self.side}")
        folder = Path(os.path.abspath(folder))
        self._listed = list_pictures(folder, name)
        self.class_names = tuple(self._listed.classes)
        self._parts = self._split(wanted, seed)
        everything = [entry for split in SPLITS for entry in self._parts[split]]
        sources = self._listed.listing.sources
        self.files = [f"{sources[entry.source]}/{entry.name}" for entry in everything]
        self._sizes = np.array([entry.size for entry in everything], np.int64)

    def _split(self, wanted, seed) -> dict[str, list[Entry]]:
        train, test = self._listed.train, self._listed.test
        if test is not None:
            if wanted is not None:
                raise DataError(
                    f"{self.name}: has a folder of test pictures; --hold-out is for folders without"
                )
            self._split_note = "test pictures from a folder of their own"
            return {"train": train, "test": mixed(test)}
        share = DEFAULT if wanted is None else wanted
        train, test = hold_out(train, share, seed, self.name)
        much = f"{100 * share:.3g} % of each class" if share < 1 else f"{len(test):,} pictures"
        default = " (as there is no folder of test pictures)" if wanted is None else ""
        self._split_note = f"held out for tests: {much}{default}, chosen by seed {seed}"
        return {"train": train, "test": mixed(test)}

    # -- what reading the pictures once gives

    @cached_property
    def _survey(self) -> Survey:
        times = self._listed.listing.times
        facts = (
            (f"{split}/{entry.name}", entry.size, times[entry.name])
            for split in SPLITS
            for entry in self._parts[split]
        )
        trained = len(self._parts["train"])
        tasks = [
            (path, size, i < trained)
            for i, (path, size) in enumerate(zip(self.files, self._sizes.tolist(), strict=True))
        ]
        found, self._unkept = survey(
            tasks, self.side, key_of(facts, self.side), self._workers, harmless(self.name)
        )
        return found

    @cached_property
    def _cases(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Positions in `files`, and labels, of the pictures of each split that can be read."""
        skipped = {position for position, _ in self._survey.skipped}
        label_of = {name: label for label, name in enumerate(self.class_names)}
        found, first = {}, 0
        for split in SPLITS:
            entries = self._parts[split]
            good = [i for i in range(len(entries)) if first + i not in skipped]
            labels = [label_of[entries[i].wnid] for i in good]
            found[split] = np.array(good, np.int64) + first, np.array(labels, np.int64)
            first += len(entries)
            if not good:
                kind = "training" if split == "train" else "test"
                lines = "; ".join(self._skipped_lines())
                raise DataError(f"{self.name}: none of its {kind} pictures can be read: {lines}")
        return found

    def _skipped_lines(self):
        everything = [entry for split in SPLITS for entry in self._parts[split]]
        wrong = [(everything[position].name, why) for position, why in self._survey.skipped]
        return remark_lines([*self._listed.listing.passed_over, *wrong])

    @cached_property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Lines on the classes, the splits, and what is left out."""
        names = ", ".join(self.class_names[:_SHOWN])
        more = ", ..." if self.classes > _SHOWN else ""
        shown, side = harmless(self.name), self.side
        lines = [
            f"{self.classes:,} classes, in the order of their folders' names: {names}{more}",
            f"{self.count('train'):,} training and {self.count('test'):,} test pictures; "
            f"{self._split_note}",
            f"pictures are scaled to {side} pixels on the shorter side; used is the central "
            f"{side}x{side}",
            *(f"not used: {harmless(name)}/" for name in self._listed.unused),
            *self._skipped_lines(),
        ]
        without = set(range(self.classes)) - set(self._cases["train"][1].tolist())
        if without:
            names = ", ".join(self.class_names[label] for label in sorted(without)[:_SHOWN])
            lines.append(f"classes without training pictures: {len(without):,}: {names}")
        lines += [self._unkept] if self._unkept else []
        return tuple(f"{shown}: {harmless(line)}" for line in lines)

    @cached_property
    def digest(self) -> str:
        """A digest of which pictures there are, and of their split."""
        digest = hashlib.sha256()
        for split in SPLITS:
            for entry in self._parts[split]:
                line = f"{split}\0{entry.name}\0{entry.size}\n"
                digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    # -- the interface of data sets

    def count(self, split: str) -> int:
        check_split(split)
        return len(self._cases[split][0])

    def labels(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        return self._cases[split][1][indices]

    def places(self, split: str, indices: Indices) -> np.ndarray:
        check_split(split)
        files = self._cases[split][0][np.asarray(indices, np.int64)]
        columns = files, np.zeros_like(files), self._sizes[files], np.full_like(files, UNKNOWN_CRC)
        return np.stack(columns, axis=1)

    def where(self, split: str, index: int) -> str:
        """Return the path of a picture, for messages."""
        check_split(split)
        return harmless(self.files[self._cases[split][0][index]])

    @cached_property
    def decoder(self) -> Decoder:
        return Decoder(self.files, self.side, scales=True)

    def mean_image(self) -> np.ndarray:
        return self._survey.mean_image(self.side)

    @cached_property
    def color_pca(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations and eigenvectors (in columns) of all training pixels' colors."""
        values = np.maximum(self._survey.eigenvalues, 0)
        return np.sqrt(values), np.array(self._survey.eigenvectors)
