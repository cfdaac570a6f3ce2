"""How a file's format is recognized, and what is said where a reader's package is missing."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from convnet.errors import ConvnetError, DataError
from convnet.foreign import formats
from convnet.foreign.formats import FORMATS, Format, format_of, read_foreign, read_mean
from tests.support import decaf_files
from tests.support.old_checkpoints import checkpoint

ONE = np.ones((2, 2), np.float32)


def files(folder):
    """A file of each format, by its name; None for those that are of none."""
    torch.save({"a.weight": torch.ones(2, 2)}, folder / "zip")
    torch.save(
        {"a.weight": torch.ones(2, 2)}, folder / "older", _use_new_zipfile_serialization=False
    )
    np.savez(folder / "arrays", a=ONE)
    (folder / "safe").write_bytes(save({"a.weight": ONE}))
    (folder / "decaf").write_bytes(decaf_files.net({"a": decaf_files.full("a", ONE, ONE[0])}))
    (folder / "decaf 0").write_bytes(decaf_files.listed([("a", "fc", ONE, ONE[0], 1)], 0))
    for name in ("x.pth", "x.caffemodel", "x.ONNX", "text", "empty"):
        (folder / name).write_bytes(b"" if name == "empty" else b"text")
    for protocol in (0, 2):
        (folder / f"3.{protocol}").write_bytes(checkpoint("chm", protocol))
    return {
        "zip": "PyTorch state_dict", "older": "PyTorch state_dict", "x.pth": "PyTorch state_dict",
        "arrays.npz": "NumPy archive", "safe": "safetensors file", "decaf": "DeCAF network",
        "decaf 0": "DeCAF network", "x.caffemodel": "Caffe model", "x.ONNX": "ONNX file",
        "text": None, "empty": None, "3.0": None, "3.2": None, ".": None,
    }  # fmt: skip


def test_contents_decide(tmp_path):
    for name, expected in files(tmp_path).items():
        found = format_of(tmp_path / name)
        assert (found and found.name) == expected, name
    with pytest.raises(DataError, match="absent: cannot be read"):
        format_of(tmp_path / "absent")


def test_a_damaged_zip_is_of_no_format(tmp_path):
    (tmp_path / "x").write_bytes(b"PK\x03\x04 and no more")
    assert format_of(tmp_path / "x") is None


def test_readers_of_the_formats_here_can_be_imported():
    own = [each for each in FORMATS if not each.extra]
    assert len(own) == 4
    for each in own:
        assert callable(formats._function(each.reader, each.extra, Path("x")))


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    (tmp_path / "reader_of_tests.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    each = Format("x", "reader_of_tests:read", lambda path, head: True, "export")
    with pytest.raises(ConvnetError) as problem:
        read_foreign(Path("net\x1b.onnx"), each)
    assert str(problem.value) == (
        'net?.onnx: reading it needs the package no_such_package: pip install "convnet[export]"'
    )
    sys.modules.pop("reader_of_tests", None)


def test_a_mean_of_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match="x.txt: is no mean image; expected a file .npy or"):
        read_mean(tmp_path / "x.txt")


def test_reading_foreign_files_needs_neither_kernels_nor_pytorch():
    from tests.test_imports import loaded_by

    loaded = loaded_by("import convnet.foreign.formats, convnet.foreign.torch_file.read")
    assert not {"numba", "torch", "onnx"} & loaded
