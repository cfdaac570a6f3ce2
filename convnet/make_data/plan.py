"""The plan of a data set: which image is stored where.

It is fixed and stored before the first image is read.  So an interrupted run continues with the
same plan, and everything written depends on the plan alone.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from convnet.data.datasets.shard_folder import stored_array
from convnet.errors import DataError
from convnet.make_data.classes import Classes
from convnet.make_data.picture import Jpeg
from convnet.make_data.shard_writer import write_array

SPLITS = ("train", "test")
_LABEL = 3  # column of `Part.places`


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


def store(plan: Plan, folder: Path) -> None:
    """Write a plan; `plan.json` comes last and completes it."""
    folder.mkdir(exist_ok=True)
    for split, part in plan.parts.items():
        write_array(folder / f"{split}.places.npy", part.places)
        (folder / f"{split}.names.txt").write_text("\n".join(part.names), encoding="utf-8")
    stored = {
        key: getattr(plan, key)
        for key in ("name", "passed_over", "notes", "seed", "options", "stamps")
    }
    stored |= {"shard_images": plan.shard_images, "jpeg": asdict(plan.jpeg)}
    stored |= {"ids": plan.classes.ids, "names": plan.classes.names, "order": plan.classes.order}
    stored |= {"sources": [str(path) for path in plan.sources]}
    partial = folder / "plan.json.partial"
    partial.write_text(json.dumps(stored), encoding="utf-8")
    partial.replace(folder / "plan.json")


def stored_plan(folder: Path) -> Plan | None:
    """Read the plan of an interrupted run; None if there is none.  DataError if it is damaged."""
    path = folder / "plan.json"
    if not path.is_file():
        return None
    try:
        stored = json.loads(path.read_text("utf-8"))
        return Plan(
            name=stored["name"],
            classes=Classes(stored["ids"], stored["names"], stored["order"]),
            sources=[Path(source) for source in stored["sources"]],
            parts={split: _stored_part(folder, split) for split in SPLITS},
            passed_over=[tuple(pair) for pair in stored["passed_over"]],
            notes=stored["notes"],
            seed=stored["seed"],
            shard_images=stored["shard_images"],
            jpeg=Jpeg(**stored["jpeg"]),
            options=stored["options"],
            stamps=stored["stamps"],
        )
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: is damaged; delete {folder.parent} and start again") from None


def _stored_part(folder, split):
    names = (folder / f"{split}.names.txt").read_text("utf-8").split("\n")
    places = stored_array(folder / f"{split}.places.npy", np.int64, (len(names), 4))
    return Part(names, places)
