"""Tables in MATLAB files, intact and damaged, and the development kit that holds one."""

import gzip

import numpy as np
import pytest

from convnet.errors import DataError
from convnet.make_data.devkit import Synset, read_devkit
from convnet.make_data.mat_file import Unreadable, read_table
from tests.support.imagenet_archives import gzipped, tar_of
from tests.support.matlab_file import matlab_file

ROWS = [
    {"ILSVRC2012_ID": 2, "WNID": "n02", "words": "Zürich, a “town”", "num_children": 0,
     "children": [], "num_train_images": 1300},
    {"ILSVRC2012_ID": 1, "WNID": "n01", "words": "x", "num_children": 0,
     "children": [], "num_train_images": 732},
    {"ILSVRC2012_ID": 3, "WNID": "n00", "words": "all", "num_children": 2,
     "children": [1, 70_000.5], "num_train_images": 0},
]  # fmt: skip


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compress", [True, False])
def test_a_table(order, compress):
    table = read_table(matlab_file("synsets", ROWS, compress, order), "synsets")
    assert table[0]["words"] == "Zürich, a “town”"
    assert [row["num_train_images"] for row in table] == [(1300,), (732,), (0,)]
    assert table[2]["children"] == (1, 70_000.5)
    assert table[0]["children"] == ()
    assert list(table[0]) == list(ROWS[0])


def test_other_variables_are_passed_over():
    data = matlab_file("other", ROWS[:1]) + matlab_file("synsets", ROWS)[128:]
    assert len(read_table(data, "synsets")) == 3
    with pytest.raises(Unreadable, match="no table 'absent'"):
        read_table(data, "absent")


@pytest.mark.parametrize("compress", [True, False])
def test_every_shortened_file_is_refused(compress):
    data = matlab_file("synsets", ROWS, compress)
    step = 1 if compress else 7
    for size in range(0, len(data) - 8, step):
        with pytest.raises(Unreadable):
            read_table(data[:size], "synsets")


def test_damaged_files_raise_nothing_else():
    whole = np.frombuffer(matlab_file("synsets", ROWS, compress=False), np.uint8)
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(2000):
        data = whole.copy()
        data[random.integers(0, len(data), 3)] = random.integers(0, 256, 3)
        try:
            read_table(data.tobytes(), "synsets")
        except Unreadable:
            refused += 1
    assert 300 < refused < 2000


def test_a_bomb_is_refused():
    bomb = matlab_file("synsets", [{"words": "a" * (33 << 20)}])
    assert len(bomb) < 1 << 20
    with pytest.raises(Unreadable, match="more than 64 MiB"):
        read_table(bomb, "synsets")


def kit(rows=ROWS, truth=b"2\n1\n1\n"):
    return {
        "kit/data/meta.mat": matlab_file("synsets", rows),
        "kit/data/ILSVRC2012_validation_ground_truth.txt": truth,
        "kit/evaluation/demo.m": b"x",
    }


@pytest.mark.parametrize("pack", [bytes, gzipped, gzip.compress])
def test_a_development_kit(tmp_path, pack):
    path = tmp_path / "kit.tar.gz"
    path.write_bytes(pack(tar_of(kit(), evil=True)))
    devkit = read_devkit(path)
    assert devkit.synsets == [Synset(1, "n01", "x", 732), Synset(2, "n02", ROWS[0]["words"], 1300)]
    assert devkit.truth == [2, 1, 1]


@pytest.mark.parametrize("below", ["", "data"])
def test_an_unpacked_kit(tmp_path, below):
    (tmp_path / below).mkdir(exist_ok=True)
    for name, contents in kit().items():
        (tmp_path / below / name.rpartition("/")[2]).write_bytes(contents)
    assert read_devkit(tmp_path).truth == [2, 1, 1]


def changed(**values):
    return [ROWS[0] | values, *ROWS[1:]]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no data/meta.mat"),
        ({"meta.mat": b"x"}, "meta.mat is unreadable: not a MATLAB file"),
        (kit(truth=b"2\n3\n"), r"number 2 of its ground truth is b'3', not .* 1 to 2"),
        (kit(truth=b"2\nx\n"), r"number 2 of its ground truth is b'x'"),
        (kit(truth=b"0\n"), r"number 1 of its ground truth is b'0'"),
        (kit(changed(ILSVRC2012_ID=4)), "not numbered 1, 2, 3"),
        (kit(changed(ILSVRC2012_ID=2.5)), "whose ILSVRC2012_ID is not an integer"),
        (kit(changed(WNID=3)), "whose WNID is not printable text"),
        (kit(changed(words="\x1b[31m")), "whose words is not printable text"),
        (kit([{"WNID": "n01"}]), "have no ILSVRC<year>_ID"),
    ],
)
def test_damaged_kits_are_named(tmp_path, files, message):
    path = tmp_path / "kit.tar.gz"
    path.write_bytes(gzipped(tar_of(files)))
    with pytest.raises(DataError, match=f"kit.tar.gz: .*{message}"):
        read_devkit(path)


def test_what_is_no_archive_is_named(tmp_path):
    path = tmp_path / "kit.tar.gz"
    for contents in (b"no tar at all", gzipped(tar_of(kit()))[:500], b"\x1f\x8bnonsense", b""):
        path.write_bytes(contents)
        with pytest.raises(DataError, match="kit.tar.gz: (is not a complete archive|has no data)"):
            read_devkit(path)
