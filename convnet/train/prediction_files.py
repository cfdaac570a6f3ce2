"""Predictions in a folder: `test --test-out` writes them, `test --predictions` reads them.

`test_preds.npz`: `probabilities` float32 (cases, classes), averaged over all views of a case;
`single_view`, those of the center view alone, if there are several; `labels` int64 (cases,).
`test_preds.json`: everything else.  Nothing is pickled.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from convnet.data.labels import checked_labels
from convnet.errors import ConvnetError, DataError
from convnet.language import harmless
from convnet.stored.arrays import Form, read_archive
from convnet.stored.files import plain_bytes, replacing, restoring
from convnet.stored.records import from_json

ARRAYS, FACTS = "test_preds.npz", "test_preds.json"
_LARGEST_FACTS = 64 << 20  # bytes; 22,000 class names take 1 MB
_Name = Annotated[str, msgspec.Meta(max_length=1 << 16)]
_SUM_TOLERANCE = 1e-3  # of a case's probabilities


class Facts(msgspec.Struct):
    """The contents of `test_preds.json`."""

    checkpoint: _Name | list[_Name]
    data: _Name
    views: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    cases: Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]
    label_names: Annotated[list[_Name], msgspec.Meta(min_length=1, max_length=1_000_000)]
    networks: Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)] = 1
    arrays: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)] | None = None  # their file's CRC-32


@dataclass(frozen=True)
class Predictions:
    """Probabilities for the cases of a test.

    by_views: number of views -> probabilities (classes, cases).  checkpoints: of the networks that
    were averaged.  networks: how many there were.
    """

    by_views: dict[int, np.ndarray]
    labels: np.ndarray
    class_names: tuple[str, ...]
    checkpoints: tuple[str, ...] = ()
    data: str = ""
    networks: int = 1


def write_predictions(folder: Path, found: Predictions) -> None:
    """Write both files.  ConvnetError if they cannot be written; earlier ones then stay."""
    most = max(found.by_views)
    arrays: dict[str, Any] = {
        "probabilities": _by_case(found.by_views[most]),
        "labels": found.labels,
    }
    if most > 1 and 1 in found.by_views:
        arrays["single_view"] = _by_case(found.by_views[1])
    facts = {
        "checkpoint": found.checkpoints[0] if len(found.checkpoints) == 1 else found.checkpoints,
        "data": found.data,
        "views": most,
        "cases": len(found.labels),
        "networks": found.networks,
        "label_names": found.class_names,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        texts, matrices = folder / FACTS, folder / ARRAYS
        # At the end the arrays are renamed, then the facts; if that fails, the arrays come back.
        with (
            restoring(matrices),
            replacing(texts) as text_file,
            replacing(matrices) as array_file,
        ):
            with array_file.open("wb") as file:
                np.savez(file, **arrays)
            facts["arrays"] = _checksum(array_file)
            text_file.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConvnetError(f"{folder}: cannot be written ({error.strerror or error})") from None


def _checksum(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            found = zlib.crc32(part, found)
    return found


def _by_case(probabilities: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(probabilities.T, np.float32)


def read_predictions(folder: Path) -> Predictions:
    """Read both files.  DataError if there are none, or they are damaged."""
    if not (folder / FACTS).exists():
        raise _bad(
            folder,
            f"holds no predictions ({FACTS} is missing); `convnet test --test-out` writes them",
        )
    facts = from_json(plain_bytes(folder / FACTS, _LARGEST_FACTS), Facts, folder / FACTS)
    form = Form(np.float32, (facts.cases, len(facts.label_names)))
    arrays = read_archive(
        folder / ARRAYS,
        {"probabilities": form, "labels": Form(np.int64, (facts.cases,))},
        optional={"single_view": form},
        advice=f"{FACTS} states these forms",
    )
    by_views = {facts.views: arrays["probabilities"]}
    if "single_view" in arrays:
        by_views[1] = arrays["single_view"]
    for array in by_views.values():
        if not np.isfinite(array).all():
            raise _bad(folder, "is damaged: a probability is not a finite number")
        if not (np.abs(array.sum(axis=1, dtype=np.float64) - 1) < _SUM_TOLERANCE).all():
            raise _bad(folder, "is damaged: the probabilities of a case do not add up to 1")
    labels = checked_labels(
        harmless(str(folder / ARRAYS)), arrays["labels"], len(facts.label_names)
    )
    if facts.arrays not in (None, _checksum(folder / ARRAYS)):
        raise _bad(
            folder,
            f"{FACTS} describes other arrays than those of {ARRAYS}; write both again with "
            "`convnet test --test-out`",
        )
    given = facts.checkpoint
    return Predictions(
        {views: array.T for views, array in by_views.items()},
        labels,
        tuple(facts.label_names),
        (given,) if isinstance(given, str) else tuple(given),
        facts.data,
        facts.networks,
    )


def _bad(folder: Path, reason: str) -> DataError:
    return DataError(f"{harmless(str(folder))}: {reason}")
