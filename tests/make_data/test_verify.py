"""Made sets are verified, and damage is found and named."""

import io
import os
import re
import tarfile

import numpy as np
import pytest

from convnet.make_data.verify import verify
from tests.support.made_sets import contents
from tests.support.sealed_sets import as_version_1, seal


def damaged(made, folder, name, place=-2000, mask=1):
    for file, data in contents(made).items():
        if file == name:
            data = bytearray(data)
            data[place] ^= mask
        (folder / file).write_bytes(data)
    return verify(folder)[1]


def test_a_made_set_verifies(made):
    counted = []
    manifest, problems = verify(made, on_images=counted.append)
    assert problems == []
    assert sum(counted) == manifest.images("train") + manifest.images("test")
    assert verify(made, workers=2)[1] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("train-00001.tar", "train-00001.tar: its SHA-256 is not"),
        ("test-00000.tar", "test-00000.tar: its SHA-256 is not"),
        ("test-00001.idx.npy", "test-00001.idx.npy: its SHA-256 is not"),
        ("mean.npy", "mean.npy: is not the mean of the training images"),
    ],
)
def test_a_flipped_bit_is_found(made, tmp_path, name, message):
    place = -100 if name.endswith("idx.npy") else -2000
    problems = damaged(made, tmp_path, name, place)
    assert message in problems[0]


def test_each_damaged_image_is_reported(made, tmp_path):
    offset, length, _, _ = np.load(made / "train-00002.idx.npy")[5]
    problems = damaged(made, tmp_path, "train-00002.tar", offset, 255)
    assert len(problems) == 2
    assert "its CRC-32 is not the one in the index" in problems[1]
    problems = damaged(made, tmp_path, "train-00002.tar", offset + length // 512 * 512 + 1024)
    assert any("label is not a number" in p or "label is not the one" in p for p in problems)


def test_a_missing_shard_is_reported(made, tmp_path):
    damaged(made, tmp_path, "")
    (tmp_path / "train-00000.tar").unlink()
    (tmp_path / "train-00001.idx.npy").unlink()
    problems = verify(tmp_path)[1]
    assert len(problems) == 2
    assert "train-00000.tar: cannot be read to its end" in problems[0]


def test_a_set_of_version_1_verifies(made, tmp_path):
    damaged(made, tmp_path, "")
    as_version_1(tmp_path)
    assert verify(tmp_path)[1] == []


def test_a_wrong_crc_is_reported(made, tmp_path):
    damaged(made, tmp_path, "")
    path = tmp_path / "train-00001.idx.npy"
    table = np.load(path)
    table[3, 3] ^= 1
    np.save(path, table)
    seal(tmp_path)
    (problem,) = verify(tmp_path)[1]
    assert "train-00001.tar: '00000019_" in problem
    assert problem.endswith("its CRC-32 is not the one in the index")


@pytest.mark.parametrize("name", ["train-00000.tar", "train-00000.idx.npy"])
def test_a_pipe_in_place_of_a_file_is_reported(made, tmp_path, name):
    damaged(made, tmp_path, "")
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    (problem,) = verify(tmp_path)[1]
    assert f"{name}: is not an ordinary file" in problem


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ("a pax header that tarfile cannot take", "cannot be read to its end: invalid literal"),
        ("too long", "is larger than the [0-9,]+ bytes in dataset.json"),
    ],
)
def test_a_hostile_tar_is_reported(made, tmp_path, contents, message):
    damaged(made, tmp_path, "")
    tar = tmp_path / "train-00000.tar"
    if contents == "too long":
        os.truncate(tar, 1 << 40)  # a file with a hole: no disk is taken
    else:
        file, member = io.BytesIO(), tarfile.TarInfo("00000000_x.jpg")
        sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "x"}
        member.pax_headers = sparse | {"GNU.sparse.map": "1,x"}
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as writer:
            writer.addfile(member)
        tar.write_bytes(file.getvalue())
    problems = verify(tmp_path)[1]
    assert any(re.search(f"train-00000.tar: {message}", problem) for problem in problems), problems


def test_an_image_of_many_bytes_is_not_read(made, tmp_path, monkeypatch):
    damaged(made, tmp_path, "")
    monkeypatch.setattr("convnet.make_data.verify.LARGEST_IMAGE", 100)
    problems = verify(tmp_path)[1]
    assert re.search(r"train-00000.tar: '\w+.jpg': has [\d,]+ bytes$", problems[0])
