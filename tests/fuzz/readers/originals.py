"""Checkpoints of the original systems, and pickles of any kind."""

import pickle
import zipfile
from pathlib import Path
from random import Random

import numpy as np

from convnet.data.pickle.unpickler import read_pickle, read_records
from convnet.originals import import_checkpoint
from tests.fuzz.archives import change_zip, zip_of
from tests.fuzz.bytes_of import damage
from tests.fuzz.objects import changed
from tests.fuzz.pickles import change_opcodes, change_pickle
from tests.fuzz.reader import Reader, Tree
from tests.support.old_checkpoints import checkpoint
from tests.support.python2_pickle import python2_pickle


def model_seeds() -> list[Tree]:
    found = [
        {"3.2": checkpoint(system, protocol)}
        for system in ("cc1", "chm", "cc2")
        for protocol in (0, 2)
    ]
    zipped = {"data": checkpoint("cc1", 2)}
    return [*found, {"3.2": zip_of(zipped)}, {"3.2": zip_of(zipped, zipfile.ZIP_STORED)}]


def change_model(rng: Random, data: bytes, others: list[bytes]) -> bytes:
    """Change the state before it is pickled, or the opcodes, or the zip around them."""
    if data[:2] == b"PK":
        return change_zip(rng, data, change_model)
    kind = rng.randrange(3)
    if kind == 0:
        try:
            return change_opcodes(rng, data)
        except Exception:
            return damage(rng, data, others)
    if kind == 1:
        return damage(rng, data, others)

    def change(state):
        new = changed(rng, state, arrays=True)
        if isinstance(new, dict):
            state.clear()
            state.update(new)

    given = {"minibatch_size": [changed(rng, [1])]} if rng.random() < 0.1 else {}
    try:
        return checkpoint(rng.choice(("cc1", "chm", "cc2")), rng.choice((0, 2)), change, **given)
    except Exception:  # what Python 2's pickles cannot hold
        return damage(rng, data, others)


def read_model(folder: Path) -> None:
    imported = import_checkpoint(folder / "3.2")
    for line in imported.notes:
        if not line.isprintable():
            raise AssertionError(f"a note that is not printable: {line!a}")


def read_folder(folder: Path) -> None:
    import_checkpoint(folder)


def folder_seeds() -> list[Tree]:
    old = checkpoint("chm", 2)
    return [{"2.5": old, "3.2": old, "notes.txt": b"x"}, {"1.1": old}]


def pickle_seeds() -> list[Tree]:
    rng = np.random.default_rng(1)
    value = {
        "data": rng.integers(0, 255, (12, 3), dtype=np.uint8), "labels": [1, 0, 2],
        "names": ["a", "b"], "more": {"pair": (1.5, None, True), "big": 1 << 70, "text": "é"},
        "mean": rng.random((3, 4)).astype(np.float32), "f": np.asfortranarray(rng.random((2, 3))),
        "scalar": np.float32(2.5),
    }  # fmt: skip
    old = {key: value[key] for key in ("data", "labels", "mean", "f", "names")}
    found = [{"file": pickle.dumps(value, protocol)} for protocol in range(6)]
    return found + [{"file": python2_pickle(old, protocol)} for protocol in (0, 2)]


def read_any_pickle(folder: Path) -> None:
    path = folder / "file"
    try:
        read_pickle(path)
    finally:
        read_records(path)


READERS = (
    Reader("pickle", pickle_seeds, read_any_pickle, {"*": change_pickle}, share=1.5),
    Reader("original", model_seeds, read_model, {"*": change_model}, share=1.5),
    Reader("original-folder", folder_seeds, read_folder, {"*": change_model}, share=0.5),
)
