"""The formats, and the files of an exported network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from convnet.display import harmless
from convnet.errors import ConvnetError
from convnet.export.arrays import npz_bytes, safetensors_bytes
from convnet.export.facts import facts
from convnet.export.model import Model
from convnet.export.to_onnx.write import onnx_bytes
from convnet.export.to_torch.write import torch_module
from convnet.stored.files import reason, replacing

ENDINGS = {"onnx": ".onnx", "torch": ".py", "npz": ".npz", "safetensors": ".safetensors"}
"""The formats, and how the names of their files end."""
WITH_GRAPH = ("onnx", "torch")
"""Formats that hold what is computed, and not only the arrays."""
WEIGHTS = ".safetensors"  # of the format torch, beside its .py


def paths_of(out: Path, form: str) -> list[Path]:
    """Return the files of an export, the one that is named last.  The ending is added if needed.

    Raises ConvnetError if `out` names a folder, such as ".".
    """
    ending = ENDINGS[form]
    if out.name in ("", ".."):
        raise ConvnetError(f"{harmless(str(out))}: is a folder; --out names the file to write")
    named = out if out.suffix == ending else out.with_name(out.name + ending)
    return [named.with_suffix(WEIGHTS), named] if form == "torch" else [named]


def export(
    model: Model, out: Path, form: str, outputs: Sequence[str] = (), preprocess: bool = False
) -> list[Path]:
    """Write a network to new files and return their paths, those of `paths_of`.

    form: one of ENDINGS.  outputs, preprocess: as in `onnx_bytes` and `torch_module`.

    Raises ConvnetError if a file is there already or cannot be written, and for what the format
    does not have.
    """
    paths = paths_of(out, form)
    for path in paths:
        if os.path.lexists(path):  # False, without an error, where no path can be
            raise ConvnetError(f"{harmless(str(path))}: already there; give another --out")
    contents = _contents(model, form, outputs, preprocess)
    _write(dict(zip(paths, contents, strict=True)))
    return paths


def _contents(model: Model, form: str, outputs: Sequence[str], preprocess: bool) -> list[bytes]:
    if form == "onnx":
        return [onnx_bytes(model, outputs, preprocess)]
    if form == "torch":
        text, arrays = torch_module(model, outputs, preprocess)
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        return [save(whole, facts(model, preprocess)), text.encode()]
    return [npz_bytes(model) if form == "npz" else safetensors_bytes(model)]


def _write(contents: dict[Path, bytes]) -> None:
    """Write all files, or none."""
    path = Path()
    try:
        for path, data in contents.items():
            _make_folder(path.parent)
            with replacing(path) as temporary:
                temporary.write_bytes(data)
    except OSError as error:
        for each in contents:
            with suppress(OSError):
                each.unlink(missing_ok=True)
        name = harmless(str(path))
        raise ConvnetError(f"{name}: cannot be written ({reason(error)})") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        name = harmless(str(folder))
        raise ConvnetError(f"{name}: is no folder; give another --out") from None
