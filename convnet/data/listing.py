"""Which pictures a folder had when a network was trained, and whether it has changed since."""

from collections.abc import Mapping
from typing import Any

from convnet.data.dataset import SPLITS, Dataset


def listing_of(dataset: Dataset) -> dict[str, Any] | None:
    """Return which pictures a folder has, as checkpoints store it; None for other data sets."""
    if not dataset.digest:
        return None
    return {"digest": dataset.digest, **{split: dataset.count(split) for split in SPLITS}}


def changed_folder(before: Mapping[str, Any] | None, dataset: Dataset) -> str:
    """Return a line if a folder of pictures is not as it was in training; else "".

    before: its listing then, None if it is not known.
    """
    now = listing_of(dataset)
    if before is None or now is None or before["digest"] == now["digest"]:
        return ""
    counts = [f"{each['train']:,} training and {each['test']:,} test" for each in (before, now)]
    return (
        f"warning: {dataset.name} has changed since the training ({counts[0]} pictures then, "
        f"{counts[1]} now), or is split in another way: pictures that were trained on may be among "
        "the test pictures"
    )
