"""Write a checkpoint: under a temporary name, synced, then renamed."""

import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
from safetensors import SafetensorError
from safetensors.numpy import save_file

from convnet.checkpoint.contents import SUFFIX, Checkpoint
from convnet.checkpoint.read import (
    FORMAT,
    INPUT,
    JSONS,
    PROVENANCE,
    TEXTS,
    checksum,
    read_header,
    shown,
    signature,
)
from convnet.errors import CheckpointError


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Replace the file at `path` at once, so that it is complete at every moment.

    Raises CheckpointError if it cannot be written (no space, no permission); the old file stays.
    """
    path = Path(path)
    temporary = temporary_name(path)
    try:
        temporary.touch()
        mode = (
            temporary.stat().st_mode
        )  # of any new file; the library's are readable by their owner only
        save_file(checkpoint.arrays, temporary, _metadata(checkpoint))
        temporary.chmod(mode)
        _sync(temporary)
        read_header(temporary)
        os.replace(temporary, path)
        with suppress(OSError):  # the checkpoint is in place, and some file systems sync no folders
            _sync(path.parent)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{shown(path)}: cannot be saved ({reason})") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def is_temporary(name: str) -> bool:
    """Return whether a run that was killed while saving left a file of that name."""
    return re.fullmatch(r"\..*" + re.escape(SUFFIX) + r"\.\d+\.tmp", name) is not None


def _sync(path: Path) -> None:
    """Wait until the file's contents, or the folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _metadata(checkpoint: Checkpoint) -> dict[str, str]:
    place = checkpoint.position
    sources = checkpoint.layers, checkpoint.params
    values: dict[str, Any] = {
        "layers": sources[0].text,
        "layers_path": sources[0].path,
        "params": sources[1].text,
        "params_path": sources[1].path,
        "dialect": checkpoint.dialect,
        "data": checkpoint.data,
        "created": checkpoint.created or datetime.now(UTC).isoformat(timespec="microseconds"),
        "convnet": checkpoint.convnet or own_version(),
        "seed": checkpoint.seed,
        "number": checkpoint.number,
        "position": [place.epoch, place.minibatch, place.step, place.per_epoch],
        "options": checkpoint.options,
        "history": checkpoint.history,
        "class_names": list(checkpoint.class_names),
        "arrays": {name: signature(array) for name, array in checkpoint.arrays.items()},
    }
    texts = {key: _text(values[key]) for key in TEXTS}
    texts |= {key: json.dumps(values[key], allow_nan=False) for key in JSONS}
    if checkpoint.input is not None:
        texts[INPUT] = msgspec.json.encode(checkpoint.input).decode()
    if checkpoint.provenance:
        texts[PROVENANCE] = json.dumps(checkpoint.provenance)
    return {"format": FORMAT, **texts, "check": checksum(texts)}


def _text(value: str) -> str:
    """Return the text as UTF-8 can store it; a path may contain bytes that are not UTF-8."""
    return value.encode("utf-8", "replace").decode("utf-8")


def own_version() -> str:
    """Return the version of convnet that is installed, "" if that is not known."""
    try:
        return version("convnet")
    except PackageNotFoundError:
        return ""
