"""What will stand where: fixed before the first image is read, and stored, so that a stopped run
goes on with the same plan and everything written depends on it alone."""

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

    names   of the images, wnid/file
    places  int64 (images, 4): source, offset, bytes, label
    """

    names: list[str]
    places: np.ndarray

    def label(self, index: int) -> int:
        return int(self.places[index, _LABEL])


@dataclass
class Plan:
    """passed_over: what was found and is no image, and why.  notes: what the user should know.

    options: what the user asked for.  stamps: of what; path, size and time of each source.  A
    plan is taken up again if both are the same.
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
        """(split, number, images) of each shard; shards of a split are filled one by one."""
        return [
            (split, start // self.shard_images, range(start, min(start + self.shard_images, count)))
            for split in SPLITS
            for count in [len(self.parts[split].names)]
            for start in range(0, count, self.shard_images)
        ]

    def place(self, split: str, index: int) -> tuple[str, int, int]:
        """The file, offset and number of bytes of an image."""
        part = self.parts[split]
        source, offset, size, _ = part.places[index].tolist()
        path = self.sources[source]
        return str(path / part.names[index] if path.is_dir() else path), offset, size


def store(plan: Plan, folder: Path) -> None:
    """`plan.json` last: with it the plan is whole."""
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
    """The plan of a run that was stopped; None if there is none."""
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
        raise DataError(f"{path}: damaged; delete {folder.parent} and begin again") from None


def _stored_part(folder, split):
    names = (folder / f"{split}.names.txt").read_text("utf-8").split("\n")
    places = stored_array(folder / f"{split}.places.npy", np.int64, (len(names), 4))
    return Part(names, places)
