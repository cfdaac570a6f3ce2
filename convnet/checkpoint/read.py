"""Reading a checkpoint: everything verified, every mistake a CheckpointError.

The safetensors library checks the form of the file: the size of its header, and that the arrays
fill it without gaps.  Our checksums cover the values.
"""

import json
import zlib
from pathlib import Path

from safetensors import SafetensorError, safe_open

from convnet.checkpoint.contents import Checkpoint, Position
from convnet.errors import CheckpointError
from convnet.language import Source, harmless

FORMAT = "convnet checkpoint 1"
# The metadata: plain texts, and JSON texts with the kind of value that they hold.
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


def load(path: str | Path) -> Checkpoint:
    """Read and verify a whole checkpoint.

    Raises CheckpointError, naming file and reason, if it is missing, truncated, damaged or no
    checkpoint of ours.
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
        **{key: facts[key] for key in ("seed", "number", "options", "history")},
    )


def read_header(path: str | Path) -> dict:
    """The verified metadata of a checkpoint, without its arrays.  CheckpointError."""
    with _opened(path) as file:
        metadata, names = file.metadata() or {}, sorted(file.keys())
    if metadata.get("format") != FORMAT:
        raise bad(path, "is not a checkpoint of this version of convnet")
    texts = {key: metadata.get(key) for key in (*TEXTS, *JSONS)}
    if None in texts.values() or metadata.get("check") != checksum(texts):
        raise bad(path, "is damaged: the checksum of its header does not match")
    facts = {key: texts[key] for key in TEXTS}
    for key, kind in JSONS.items():
        facts[key] = _from_json(path, key, texts[key], kind)
    position = facts["position"]
    if len(position) != 4 or not all(_is_count(number) for number in position):
        raise bad(path, "is damaged: its position is not four counts")
    if names != sorted(facts["arrays"]):
        raise bad(path, "is damaged: its arrays are not the ones that its header lists")
    return facts


class _opened:
    """Context: the file as the safetensors library sees it, its errors as CheckpointError."""

    def __init__(self, path):
        self.path = Path(path)

    def __enter__(self):
        try:
            if not self.path.is_file():
                kind = "is no file" if self.path.exists() else "there is no such file"
                raise bad(self.path, kind)
            self.file = safe_open(self.path, framework="np")
            return self.file.__enter__()
        except (SafetensorError, OSError, ValueError) as error:
            raise self._damaged(error) from None

    def __exit__(self, kind, error, traceback):
        self.file.__exit__(kind, error, traceback)
        if isinstance(error, SafetensorError | OSError):
            raise self._damaged(error) from None

    def _damaged(self, error):
        return bad(self.path, f"is damaged, or no checkpoint ({harmless(str(error))})")


def signature(array) -> list:
    """[checksum, shape], as JSON gives it back."""
    return [zlib.crc32(array), list(array.shape)]


def _array(path, file, name, expected):
    piece = file.get_slice(name)
    if piece.get_dtype() not in ("F32", "F64", "I32"):
        raise bad(path, f"{name} is of type {piece.get_dtype()}, not F32, F64 or I32")
    array = file.get_tensor(name)
    if signature(array) != expected:
        raise bad(path, f"is damaged: the checksum of {name} does not match")
    return array


def _from_json(path, key, text, kind):
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise bad(path, f"is damaged: {key} is not JSON") from None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise bad(path, f"is damaged: {key} is not of the expected kind")
    if kind is int and not _is_count(value):
        raise bad(path, f"is damaged: {key} is no count")
    if key == "class_names" and not all(isinstance(name, str) for name in value):
        raise bad(path, "is damaged: a class name is not a text")
    return value


def _is_count(number):
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << 64


def bad(path, reason):
    return CheckpointError(f"{shown(path)}: {reason}")


def shown(path):
    return harmless(str(path))


def checksum(texts: dict[str, str]) -> str:
    return str(zlib.crc32("\0".join(texts[key] for key in sorted(texts)).encode()))
