"""Read a checkpoint: all of it is verified, and whatever is wrong is a CheckpointError.

The safetensors library checks the form of the file: the size of its header, and that the arrays
fill it without gaps.  Our checksums cover the values, and `records` declares the metadata.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from convnet.checkpoint.contents import OF_TRAINING, Checkpoint, Position
from convnet.checkpoint.records import (
    Dialect,
    Names,
    Seed,
    Signature,
    StoredHistory,
    StoredOptions,
    StoredPosition,
)
from convnet.errors import CheckpointError
from convnet.language import Source, harmless
from convnet.stored.input_record import InputRecord
from convnet.stored.records import Count, Words, damage, from_json, from_objects, objects_of

FORMAT = "convnet checkpoint 1"
# The metadata: plain texts, and JSON texts with the kind of the record they encode.
TEXTS = ("layers", "layers_path", "params", "params_path", "dialect", "data", "created", "convnet")
TEXT_KINDS: dict[str, Any] = {"dialect": Dialect, "layers_path": Words, "params_path": Words}
JSONS: dict[str, Any] = {
    "seed": Seed,
    "number": Count,
    "position": StoredPosition,
    "options": StoredOptions,
    "history": StoredHistory,
    "class_names": Names,
    "arrays": dict[Words, Signature],
}
_LONGEST = 64 << 20  # characters of a JSON text; the objects it makes take some ten times as much
# What the safetensors library raises on other files, and on those that change while it reads.
_ERRORS = (
    SafetensorError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    MemoryError,
)

INPUT = "input"  # an `InputRecord` as JSON; older and imported checkpoints have none
PROVENANCE = "provenance"  # where the weights of a trained net come from; runs have none
_ALL = (*TEXTS, *JSONS, INPUT, PROVENANCE)


def load(path: str | Path, *, for_test: bool = False) -> Checkpoint:
    """Read and verify a whole checkpoint.

    for_test: leave out velocities and all else that only training needs.

    Raises CheckpointError, with file and reason, if it is missing, truncated, damaged or no
    checkpoint of convnet.
    """
    facts = read_header(path)
    with _opened(path) as file:
        signs = facts["arrays"]
        wanted = [name for name in signs if not (for_test and name.endswith(OF_TRAINING))]
        arrays = {name: _array(path, file, name, signs[name]) for name in wanted}
    return Checkpoint(
        arrays=arrays,
        path=shown(path),
        layers=Source(facts["layers_path"], facts["layers"]),
        params=Source(facts["params_path"], facts["params"]),
        position=Position(*facts["position"]),
        class_names=tuple(facts["class_names"]),
        **{key: facts[key] for key in ("dialect", "data", "created", "convnet")},
        **{key: facts[key] for key in ("seed", "number", "options", "history")},
        **{key: facts[key] for key in (INPUT, PROVENANCE)},
    )


def read_header(path: str | Path) -> dict[str, Any]:
    """Return the verified metadata of a checkpoint, without its arrays.  CheckpointError."""
    with _opened(path) as file:
        metadata, names = file.metadata() or {}, sorted(file.keys())
    if metadata.get("format") != FORMAT:
        raise bad(path, "is not a checkpoint of this version of convnet")
    texts = {key: metadata[key] for key in _ALL if key in metadata}
    complete = texts.keys() >= {*TEXTS, *JSONS}
    if not complete or metadata.get("check") != checksum(texts):
        raise bad(path, "is damaged: the checksum of its header does not match")
    facts: dict[str, Any] = {key: texts[key] for key in TEXTS}
    for key, kind in JSONS.items():
        facts[key] = _from_json(path, key, texts[key], kind)
    for key, kind in TEXT_KINDS.items():
        from_objects(facts[key], kind, path, CheckpointError, within=key)
    facts[INPUT] = None
    if INPUT in texts:
        facts[INPUT] = from_json(texts[INPUT], InputRecord, path, CheckpointError, within=INPUT)
    facts[PROVENANCE] = _from_json(
        path, PROVENANCE, texts.get(PROVENANCE, "{}"), dict[Words, Words]
    )
    if names != sorted(facts["arrays"]):
        raise bad(path, "is damaged: its arrays are not the ones that its header lists")
    return facts


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """Yield the file as the safetensors library opens it; its errors become CheckpointError."""
    path = Path(path)
    try:
        if not path.is_file():
            raise bad(path, "is not a file" if path.exists() else "there is no such file")
        with safe_open(path, framework="np") as file:
            yield file
    except _ERRORS as error:
        reason = harmless(str(error)) or type(error).__name__
        raise bad(path, f"is damaged, or not a checkpoint ({reason})") from None


def signature(array: np.ndarray) -> list[Any]:
    """Return [checksum, shape], as JSON stores it."""
    return [zlib.crc32(array.data), list(array.shape)]


def _array(path: str | Path, file: Any, name: str, expected: object) -> np.ndarray:
    dtype = file.get_slice(name).get_dtype()
    if dtype not in ("F16", "F32", "F64", "I32"):
        raise bad(path, f"{name} is of type {dtype}, not F16, F32, F64 or I32")
    array: np.ndarray = file.get_tensor(name)
    if signature(array) != expected:
        raise bad(path, f"is damaged: the checksum of {name} does not match")
    return array.astype(np.float32) if dtype == "F16" else array


def _from_json(path: str | Path, key: str, text: str, kind: Any) -> Any:
    """Return the plain objects of a JSON text that is a record of that kind."""
    if len(text) > _LONGEST:
        found = f"{key}: expected at most {_LONGEST:,} characters, found {len(text):,}"
        raise CheckpointError(damage(path, found))
    value = objects_of(text, path, CheckpointError, within=key)
    from_objects(value, kind, path, CheckpointError, within=key)
    if key == "seed" and value >= 1 << 64:
        raise CheckpointError(damage(path, f"seed: expected int < {1 << 64}, found {value}"))
    return value


def bad(path: str | Path, reason: str) -> CheckpointError:
    """Return the error for a checkpoint that cannot be used."""
    return CheckpointError(f"{shown(path)}: {reason}")


def shown(path: str | Path) -> str:
    return harmless(str(path))


def checksum(texts: dict[str, str]) -> str:
    return str(zlib.crc32("\0".join(texts[key] for key in sorted(texts)).encode()))
