"""The plan of a data set: which image is stored where.

It is fixed and stored before the first image is read.  So an interrupted run continues with the
same plan, and everything written depends on the plan alone.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import numpy as np

from convnet.data.datasets.shard_folder import MAX_CLASSES, Side, stored_array
from convnet.data.pictures.square import SIDE
from convnet.errors import DataError
from convnet.make_data.classes import Classes
from convnet.make_data.picture import Jpeg
from convnet.make_data.shard_writer import write_array, write_text
from convnet.stored.files import plain_bytes
from convnet.stored.records import from_json

SPLITS = ("train", "test")
_LABEL = 3  # column of `Part.places`
_LARGEST_RECORD = 1 << 30  # bytes; a plan names each file that is not an image
_LAYOUT = 2  # of the plan and of the shards that are written; changes with either
T = TypeVar("T")

# Split, name of the image, "converted" or "skipped", and why.
Remark = tuple[str, str, str, str]


@dataclass
class Part:
    """A split, in the order in which its images are stored.

    names   names of the images, wnid/file
    places  int64 (images, 4): source, offset, bytes, label
    """

    names: list[str]
    places: np.ndarray

    def label(self, index: int) -> int:
        """Return the label of an image."""
        return int(self.places[index, _LABEL])


@dataclass
class Plan:
    """The plan of a data set.

    name          of the data set
    classes       its classes, in the order of the labels
    sources       the archives and folders that the images are in
    parts         split -> its images
    passed_over   name of each file that is not an image, and the reason
    notes         lines that the user should see
    seed          of the order of the images
    shard_images  images of a shard
    jpeg          how the images are stored
    options       what determines the contents (`MakeOptions.recorded`)
    stamps        path, size and time of each source.  A run continues a stored plan only if its
                  options and stamps are the same.
    """

    name: str
    classes: Classes
    sources: list[Path]
    parts: dict[str, Part]
    passed_over: list[tuple[str, str]]
    notes: list[str]
    seed: int
    shard_images: int
    jpeg: Jpeg
    options: dict
    stamps: dict

    def shards(self) -> list[tuple[str, int, range]]:
        """Return (split, number, images) of each shard, in the order in which they are written."""
        return [
            (split, start // self.shard_images, range(start, min(start + self.shard_images, count)))
            for split in SPLITS
            for count in [len(self.parts[split].names)]
            for start in range(0, count, self.shard_images)
        ]

    def place(self, split: str, index: int) -> tuple[str, int, int]:
        """Return the file, offset and number of bytes of an image."""
        part = self.parts[split]
        source, offset, size, _ = part.places[index].tolist()
        path = self.sources[source]
        return str(path / part.names[index] if path.is_dir() else path), offset, size


_Names = Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_CLASSES)]


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of `plan.json`: a `Plan` less its parts, which are files of their own."""

    layout: Literal[2] = _LAYOUT
    name: str
    ids: _Names
    names: _Names
    order: str
    sources: list[str]
    passed_over: list[tuple[str, str]]
    notes: list[str]
    seed: Annotated[int, msgspec.Meta(ge=0)]
    shard_images: Annotated[int, msgspec.Meta(ge=1)]
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)]
    chroma: Literal["4:4:4", "4:2:0"]
    side: Side = SIDE
    upright: bool = False
    options: dict[str, int | float | str | None]
    stamps: dict[str, list[int | str]]


def store(plan: Plan, folder: Path) -> None:
    """Write a plan; `plan.json` comes last and completes it."""
    folder.mkdir(exist_ok=True)
    for split, part in plan.parts.items():
        write_array(folder / f"{split}.places.npy", part.places)
        write_text(folder / f"{split}.names.txt", "\n".join(part.names))
    stored = _Stored(
        name=plan.name,
        ids=plan.classes.ids,
        names=plan.classes.names,
        order=plan.classes.order,
        sources=[str(path) for path in plan.sources],
        passed_over=plan.passed_over,
        notes=plan.notes,
        seed=plan.seed,
        shard_images=plan.shard_images,
        **asdict(plan.jpeg),
        options=plan.options,
        stamps=plan.stamps,
    )
    write_text(folder / "plan.json", json.dumps(msgspec.to_builtins(stored)))


def stored_plan(folder: Path) -> Plan | None:
    """Read the plan of an interrupted run; None if there is none.  DataError if it is damaged."""
    path = folder / "plan.json"
    if not path.is_file():
        return None
    stored = read_record(path, _Stored, folder.parent)
    plan = Plan(
        name=stored.name,
        classes=Classes(stored.ids, stored.names, stored.order),
        sources=[Path(source) for source in stored.sources],
        parts={split: _stored_part(folder, split) for split in SPLITS},
        passed_over=stored.passed_over,
        notes=stored.notes,
        seed=stored.seed,
        shard_images=stored.shard_images,
        jpeg=Jpeg(stored.quality, stored.chroma, stored.side, stored.upright),
        options=stored.options,
        stamps=stored.stamps,
    )
    if not _fits(plan):
        raise DataError(
            f"{path}: is damaged: its numbers point at nothing; {_start_again(folder.parent)}"
        )
    return plan


def read_record(path: Path, kind: type[T], out: Path) -> T:
    """Read a record of an unfinished data set in `out`; DataError if it is missing or damaged."""
    return from_json(_contents(path, out), kind, path, advice=_start_again(out))


def _contents(path, out):
    try:
        return plain_bytes(path, _LARGEST_RECORD)
    except DataError as problem:
        raise DataError(f"{problem}; {_start_again(out)}") from None


def _start_again(out):
    return f"delete {out} and start again, or continue with the convnet that started it"


def _stored_part(folder, split):
    path = folder / f"{split}.names.txt"
    try:
        names = _contents(path, folder.parent).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise DataError(f"{path}: is damaged: not UTF-8; {_start_again(folder.parent)}") from None
    try:
        places = stored_array(folder / f"{split}.places.npy", np.int64, (len(names), 4))
    except DataError as problem:
        raise DataError(f"{problem}; {_start_again(folder.parent)}") from None
    return Part(names, places)


def _fits(plan: Plan) -> bool:
    """Return whether the numbers of a plan point at what it has."""
    places = np.concatenate([part.places for part in plan.parts.values()])
    limits = [len(plan.sources), None, None, len(plan.classes.ids)]
    return (
        len(plan.classes.ids) == len(plan.classes.names)
        and bool((places >= 0).all())
        and all(bool((places[:, k] < end).all()) for k, end in enumerate(limits) if end is not None)
    )
