"""Read a checkpoint: all of it is verified, and whatever is wrong is a CheckpointError.

The safetensors library checks the form of the file: the size of its header, and that the arrays
fill it without gaps.  Our checksums cover the values.
"""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from convnet.checkpoint.contents import Checkpoint, Position
from convnet.errors import CheckpointError
from convnet.language import Source, harmless
from convnet.stored.input_record import InputRecord
from convnet.stored.records import from_json

FORMAT = "convnet checkpoint 1"
# The metadata: plain texts, and JSON texts with the type of the value they encode.
TEXTS = ("layers", "layers_path", "params", "params_path", "dialect", "data", "created", "convnet")
JSONS = {
    "seed": int,
    "number": int,
    "position": list,
    "options": dict,
    "history": dict,
    "class_names": list,
    "arrays": dict,  # name -> [checksum, shape]
}

INPUT = "input"  # an `InputRecord` as JSON; older and imported checkpoints have none


def load(path: str | Path) -> Checkpoint:
    """Read and verify a whole checkpoint.

    Raises CheckpointError, with file and reason, if it is missing, truncated, damaged or no
    checkpoint of convnet.
    """
    facts = read_header(path)
    with _opened(path) as file:
        arrays = {name: _array(path, file, name, sign) for name, sign in facts["arrays"].items()}
    return Checkpoint(
        arrays=arrays,
        layers=Source(facts["layers_path"], facts["layers"]),
        params=Source(facts["params_path"], facts["params"]),
        position=Position(*facts["position"]),
        class_names=tuple(facts["class_names"]),
        **{key: facts[key] for key in ("dialect", "data", "created", "convnet")},
        **{key: facts[key] for key in ("seed", "number", "options", "history", INPUT)},
    )


def read_header(path: str | Path) -> dict[str, Any]:
    """Return the verified metadata of a checkpoint, without its arrays.  CheckpointError."""
    with _opened(path) as file:
        metadata, names = file.metadata() or {}, sorted(file.keys())
    if metadata.get("format") != FORMAT:
        raise bad(path, "is not a checkpoint of this version of convnet")
    texts = {key: metadata[key] for key in (*TEXTS, *JSONS, INPUT) if key in metadata}
    complete = texts.keys() >= {*TEXTS, *JSONS}
    if not complete or metadata.get("check") != checksum(texts):
        raise bad(path, "is damaged: the checksum of its header does not match")
    facts: dict[str, Any] = {key: texts[key] for key in TEXTS}
    for key, kind in JSONS.items():
        facts[key] = _from_json(path, key, texts[key], kind)
    facts[INPUT] = None
    if INPUT in texts:
        where = f"{shown(path)}: {INPUT}"
        facts[INPUT] = from_json(texts[INPUT], InputRecord, where, CheckpointError)
    position = facts["position"]
    if len(position) != 4 or not all(_is_count(number) for number in position):
        raise bad(path, "is damaged: its position is not four counts")
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
    except (SafetensorError, OSError, ValueError) as error:
        reason = harmless(str(error))
        raise bad(path, f"is damaged, or not a checkpoint ({reason})") from None


def signature(array: np.ndarray) -> list[Any]:
    """Return [checksum, shape], as JSON stores it."""
    return [zlib.crc32(array.data), list(array.shape)]


def _array(path: str | Path, file: Any, name: str, expected: object) -> np.ndarray:
    dtype = file.get_slice(name).get_dtype()
    if dtype not in ("F32", "F64", "I32"):
        raise bad(path, f"{name} is of type {dtype}, not F32, F64 or I32")
    array: np.ndarray = file.get_tensor(name)
    if signature(array) != expected:
        raise bad(path, f"is damaged: the checksum of {name} does not match")
    return array


def _from_json(path: str | Path, key: str, text: str, kind: type[Any]) -> Any:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise bad(path, f"is damaged: {key} is not JSON") from None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise bad(path, f"is damaged: {key} is not of the expected type")
    if kind is int and not _is_count(value):
        raise bad(path, f"is damaged: {key} is not a count")
    if key == "class_names" and not all(isinstance(name, str) for name in value):
        raise bad(path, "is damaged: a class name is not a text")
    return value


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << 64


def bad(path: str | Path, reason: str) -> CheckpointError:
    """Return the error for a checkpoint that cannot be used."""
    return CheckpointError(f"{shown(path)}: {reason}")


def shown(path: str | Path) -> str:
    return harmless(str(path))


def checksum(texts: dict[str, str]) -> str:
    return str(zlib.crc32("\0".join(texts[key] for key in sorted(texts)).encode()))
