"""Predictions in a folder: `test --test-out` writes them, `test --predictions` reads them.

`test_preds.npz`: `probabilities` float32 (cases, classes), averaged over all views of a case;
`single_view`, those of the centre view alone, if there are several; `labels` int64 (cases,).
`test_preds.json`: everything else.  Nothing is pickled.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from convnet.data.labels import checked_labels
from convnet.errors import ConvnetError, DataError
from convnet.language import harmless
from convnet.stored.files import replacing

ARRAYS, FACTS = "test_preds.npz", "test_preds.json"
# What the readers of JSON, zip files and arrays raise on damage, and what missing or odd facts do.
_DAMAGES = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    EOFError,
    BadZipFile,
    NotImplementedError,
    zlib.error,
)
_SUM_TOLERANCE = 1e-3  # of a case's probabilities


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
        # The renames at the end follow each other at once: both files are whole by then.
        with replacing(folder / FACTS) as text_file, replacing(folder / ARRAYS) as array_file:
            text_file.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
            with array_file.open("wb") as file:
                np.savez(file, **arrays)
    except OSError as error:
        raise ConvnetError(f"{folder}: cannot be written ({error.strerror or error})") from None


def _by_case(probabilities: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(probabilities.T, np.float32)


def read_predictions(folder: Path) -> Predictions:
    """Read both files.  DataError if there are none, or they are damaged."""
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        with (folder / ARRAYS).open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        return _checked(folder, facts, arrays)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _bad(
            folder, f"holds no predictions; `convnet test --test-out` writes them ({reason})"
        ) from None
    except _DAMAGES as error:
        raise _bad(folder, f"its predictions are damaged ({harmless(str(error))})") from None


def _checked(folder: Path, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Predictions:
    labels, names = arrays["labels"], tuple(str(name) for name in facts["label_names"])
    by_views = {int(facts["views"]): arrays["probabilities"]}
    if "single_view" in arrays:
        by_views[1] = arrays["single_view"]
    if labels.ndim != 1 or labels.dtype.kind != "i":
        raise _bad(folder, "its labels are not integers, one per case")
    for array in by_views.values():
        if array.dtype.kind != "f" or array.shape != (len(labels), len(names)):
            raise _bad(
                folder,
                f"for {len(labels)} cases and {len(names)} classes its probabilities are an array "
                f"of {array.dtype} {array.shape}",
            )
        if not (np.abs(array.sum(axis=1, dtype=np.float64) - 1) < _SUM_TOLERANCE).all():
            raise _bad(folder, "the probabilities of a case do not add up to 1")
    if min(*by_views, int(facts.get("networks", 1))) < 1:
        raise _bad(folder, "it states less than one view, or network")
    given = facts["checkpoint"]
    return Predictions(
        {views: array.T for views, array in by_views.items()},
        checked_labels(harmless(str(folder / ARRAYS)), labels, len(names)),
        names,
        tuple(map(str, [given] if isinstance(given, str) else given)),
        str(facts["data"]),
        int(facts.get("networks", 1)),
    )


def _bad(folder: Path, reason: str) -> DataError:
    return DataError(f"{harmless(str(folder))}: {reason}")
