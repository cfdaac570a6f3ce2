"""How a file's format is recognized, and that each has its reader."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from convnet.errors import DataError
from convnet.foreign import formats
from convnet.foreign.formats import FORMATS, MEAN_READERS, format_of, read_mean
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


READERS = [*(each.reader for each in FORMATS), *MEAN_READERS.values()]


@pytest.mark.parametrize("place", READERS)
def test_every_reader_is_there(place):
    assert callable(formats._function(place))


def test_a_mean_of_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match="x.txt: is no mean image; expected a file .npy or"):
        read_mean(tmp_path / "x.txt")


def test_importing_the_readers_needs_neither_kernels_nor_packages_of_extras():
    from tests.test_imports import loaded_by

    modules = sorted({place.split(":")[0] for place in READERS})
    loaded = loaded_by(f"import convnet.foreign.formats, {', '.join(modules)}")
    assert not {"numba", "torch", "onnx", "google"} & loaded
