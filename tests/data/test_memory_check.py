"""Data sets that are held in memory and do not fit: refused before anything is read."""

import pickle

import numpy as np
import pytest

from convnet.data import open_dataset
from convnet.data.datasets import memory_check
from convnet.errors import DataError
from tests.support.command_line import DIGITS, run

BATCH = 1 << 20  # bytes of a file


@pytest.fixture
def small_machine(monkeypatch):
    """A machine with less memory than twice the files below take."""
    monkeypatch.setattr(memory_check, "machine_memory", lambda: 3 * BATCH)


def cuda_convnet(folder):
    folder.mkdir()
    meta = {"label_names": ["a", "b"], "num_vis": 3072, "data_mean": np.zeros((3072, 1))}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    images = np.zeros((3072, BATCH // 3072), np.uint8)
    for number in (1, 2):
        batch = {"data": images, "labels": [0] * images.shape[1]}
        (folder / f"data_batch_{number}").write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def cifar(folder):
    folder.mkdir()
    for name in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"):
        with open(folder / name, "wb") as file:
            file.truncate(BATCH)  # takes no space on the disk
    (folder / "batches.meta.txt").write_text("\n".join(f"class{n}" for n in range(10)))
    return folder


@pytest.mark.parametrize(("make", "needed"), [(cuda_convnet, "0.0 GB"), (cifar, "0.0 GB")])
def test_a_set_larger_than_memory_is_refused_before_it_is_read(
    tmp_path, small_machine, monkeypatch, make, needed
):
    folder = make(tmp_path / "set")
    monkeypatch.setattr("convnet.data.datasets.cifar._joined", None)  # nothing is put together
    message = f"its images need at least {needed} of memory, but this machine has {needed}; use few"
    with pytest.raises(DataError, match=rf"{folder}: {message}er data batches \(--train-range"):
        open_dataset(folder)


def test_fewer_batches_fit(tmp_path, monkeypatch):
    folder = cuda_convnet(tmp_path / "set")
    monkeypatch.setattr(memory_check, "machine_memory", lambda: 5 * BATCH)
    assert open_dataset(folder, train_range="1", test_range="2").count("test") == BATCH // 3072
    monkeypatch.setattr(memory_check, "machine_memory", lambda: 3 * BATCH)
    with pytest.raises(DataError, match="use fewer data batches"):
        open_dataset(folder, train_range="1", test_range="2")
    monkeypatch.setattr(memory_check, "machine_memory", lambda: None)  # the system does not say
    assert open_dataset(folder).count("train")


def test_the_command_says_it_in_a_line(tmp_path, small_machine):
    found = run("train", *DIGITS, "--data", cuda_convnet(tmp_path / "set"))
    assert found.exit_code == 1 and len(found.output.splitlines()) == 1
    assert "make a data set of JPEGs" in found.output
