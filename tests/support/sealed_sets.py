"""Made data sets that are changed on purpose, with checksums that fit the change."""

import hashlib
import json

import numpy as np


def description(folder):
    """The contents of a data set's `dataset.json`."""
    return json.loads((folder / "dataset.json").read_text("utf-8"))


def write_description(folder, stored, sealed=True):
    """Write `dataset.json`; sealed: with the checksum of what it says."""
    if sealed:
        stored = {key: value for key, value in stored.items() if key != "checksum"}
        text = json.dumps(stored, sort_keys=True)
        stored["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "dataset.json").write_text(json.dumps(stored), encoding="utf-8")


def edit(folder, sealed=True, **changes):
    """Change fields of `dataset.json`."""
    write_description(folder, description(folder) | changes, sealed)


def seal(folder, **fields):
    """State the checksums and sizes that the files have now, and change fields too."""
    stored = description(folder) | fields
    for split, shards in stored["shards"].items():
        for number, shard in enumerate(shards):
            tar = (folder / f"{split}-{number:05}.tar").read_bytes()
            index = (folder / f"{split}-{number:05}.idx.npy").read_bytes()
            shard["bytes"], shard["sha256"] = len(tar), hashlib.sha256(tar).hexdigest()
            shard["index_sha256"] = hashlib.sha256(index).hexdigest()
    stored["mean_sha256"] = hashlib.sha256((folder / "mean.npy").read_bytes()).hexdigest()
    write_description(folder, stored)


def as_version_1(folder):
    """Let a set be as older versions made it: indices without CRC-32, no checksum of the list."""
    for path in folder.glob("*.idx.npy"):
        np.save(path, np.load(path)[:, :3])
    seal(folder, version=1)
    stored = description(folder)
    del stored["checksum"]
    write_description(folder, stored, sealed=False)
