"""Data folders: CIFAR in its published versions, cuda-convnet's own, and messages on others."""

import pickle

import numpy as np
import pytest

from convnet.data import open_dataset
from convnet.errors import DataError
from tests.support.python2_pickle import python2_pickle

NAMES = ["airplane", "automobile", "bird", "cat", "deer"]
NAMES += ["dog", "frog", "horse", "ship", "truck"]
FILES = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
CASES = 4


def batches(count=6):
    """Rows of 3072 pixels and labels of each batch."""
    random = np.random.default_rng(7)
    return [
        (random.integers(0, 256, (CASES, 3072), np.uint8), random.integers(0, 10, CASES).tolist())
        for _ in range(count)
    ]


def write_python_cifar(folder, protocol=2):
    folder.mkdir()
    for name, (rows, labels) in zip(FILES, batches(), strict=True):
        batch = {
            "batch_label": b"training",
            "labels": labels,
            "data": rows,
            "filenames": [b"a.png"],
        }
        (folder / name).write_bytes(python2_pickle(batch, protocol))
    meta = {"num_cases_per_batch": CASES, "num_vis": 3072}
    meta["label_names"] = [name.encode() for name in NAMES]
    (folder / "batches.meta").write_bytes(python2_pickle(meta, protocol))


def write_binary_cifar(folder):
    folder.mkdir()
    for name, (rows, labels) in zip(FILES, batches(), strict=True):
        records = np.hstack([np.array(labels, np.uint8)[:, np.newaxis], rows])
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")


def write_originals(folder, meta=None, count=3, sizes=(3, 4, 2)):
    """Data batches 1..count of 2x2 color images in columns; image i of all is filled with i."""
    folder.mkdir()
    start = 0
    for n, size in zip(range(1, count + 1), sizes, strict=True):
        images = np.arange(start, start + size)
        data = np.repeat(images[np.newaxis], 12, axis=0).astype(np.uint8)
        batch = {"data": data, "labels": [[int(i % 2)] for i in images]}
        (folder / f"data_batch_{n}").write_bytes(python2_pickle(batch, 2))
        start += size
    mean = np.arange(12, dtype=np.float32)[:, np.newaxis]
    meta = meta or {"label_names": [b"even", b"odd"], "num_vis": 12, "img_size": 2,
                    "data_mean": mean, "batch_size": 4}  # fmt: skip
    (folder / "batches.meta").write_bytes(python2_pickle(meta, 2))


def assert_is_cifar(dataset):
    rows = np.concatenate([rows for rows, _ in batches()])
    labels = np.concatenate([labels for _, labels in batches()])
    assert dataset.class_names == tuple(NAMES)
    assert (dataset.channels, dataset.side) == (3, 32)
    assert (dataset.count("train"), dataset.count("test")) == (5 * CASES, CASES)
    images = rows.reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(dataset.images("train", [7, 2]), images[[7, 2]])
    np.testing.assert_array_equal(dataset.images("test", np.arange(CASES)), images[-CASES:])
    np.testing.assert_array_equal(dataset.labels("train", np.arange(20)), labels[:20])
    assert dataset.labels("test", [0]).dtype == np.int64
    mean = images[:20].mean(axis=0)
    np.testing.assert_allclose(dataset.mean_image(), mean, rtol=1e-6)
    assert dataset.stored_batches("train") is None


@pytest.mark.parametrize("protocol", [0, 2])
def test_cifar_python_version(tmp_path, protocol):
    write_python_cifar(tmp_path / "cifar-10-batches-py", protocol)
    assert_is_cifar(open_dataset(tmp_path / "cifar-10-batches-py"))
    assert_is_cifar(open_dataset(str(tmp_path)))


def test_cifar_binary_version(tmp_path):
    write_binary_cifar(tmp_path / "cifar-10-batches-bin")
    assert_is_cifar(open_dataset(tmp_path / "cifar-10-batches-bin"))
    assert_is_cifar(open_dataset(tmp_path))


def test_cifar_100(tmp_path):
    names = [f"kind{n}" for n in range(100)]
    for file in ("train", "test"):
        batch = {"data": batches(1)[0][0], "fine_labels": [99, 3, 0, 7], "coarse_labels": [0] * 4}
        (tmp_path / file).write_bytes(pickle.dumps(batch))
        records = np.hstack([np.array([[1, 99], [1, 3], [1, 0], [1, 7]]), batch["data"]])
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / f"{file}.bin").write_bytes(records.astype(np.uint8).tobytes())
    (tmp_path / "meta").write_bytes(pickle.dumps({"fine_label_names": names}))
    (tmp_path / "bin" / "fine_label_names.txt").write_text("\n".join(names))
    for folder in (tmp_path, tmp_path / "bin"):
        dataset = open_dataset(folder)
        assert dataset.classes == 100
        assert dataset.labels("test", np.arange(4)).tolist() == [99, 3, 0, 7]
        np.testing.assert_array_equal(
            dataset.images("train", np.arange(4)).reshape(4, -1), batches(1)[0][0]
        )


def test_damaged_cifar_is_named(tmp_path):
    write_binary_cifar(tmp_path / "b")
    file = tmp_path / "b" / "data_batch_3.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="data_batch_3.bin: has 12,291 bytes.*truncated"):
        open_dataset(tmp_path / "b")
    file.write_bytes(b"\x0b" + bytes(3072))
    with pytest.raises(
        DataError, match="data_batch_3.bin: case 0 has the label 11, but.*10 classes"
    ):
        open_dataset(tmp_path / "b")
    file.unlink()
    with pytest.raises(DataError, match="data_batch_3.bin missing"):
        open_dataset(tmp_path / "b")
    write_python_cifar(tmp_path / "p")
    file = tmp_path / "p" / "data_batch_2"
    batch = {"data": np.zeros((3072, 4), np.uint8), "labels": [0] * 4}
    file.write_bytes(pickle.dumps(batch))
    with pytest.raises(
        DataError, match="data_batch_2: its data has the shape 3072x4; CIFAR has 3072 col"
    ):
        open_dataset(tmp_path / "p")
    file.write_bytes(pickle.dumps(batch | {"data": np.zeros((3, 3072), np.uint8)}))
    with pytest.raises(DataError, match="data_batch_2: has 3 images but 4 labels"):
        open_dataset(tmp_path / "p")


def test_originals_folder(tmp_path):
    write_originals(tmp_path / "d")
    dataset = open_dataset(tmp_path / "d")
    assert dataset.class_names == ("even", "odd")
    assert (dataset.channels, dataset.side) == (3, 2)
    assert (dataset.count("train"), dataset.count("test")) == (7, 2)
    assert dataset.images("train", [0, 6])[:, 1, 0, 1].tolist() == [0, 6]
    assert dataset.labels("train", np.arange(7)).tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert {n: i.tolist() for n, i in dataset.stored_batches("train").items()} == {
        1: [0, 1, 2],
        2: [3, 4, 5, 6],
    }
    assert list(dataset.stored_batches("test")) == [3]
    np.testing.assert_array_equal(dataset.mean_image().ravel(), np.arange(12))
    assert "2 classes, 3x2x2, 7 training and 2 test" in dataset.describe()


def test_originals_ranges(tmp_path):
    write_originals(tmp_path / "d")
    dataset = open_dataset(tmp_path / "d", train_range="2-3", test_range=(1, 1))
    assert dataset.images("train", np.arange(6))[:, 0, 0, 0].tolist() == [3, 4, 5, 6, 7, 8]
    assert dataset.images("test", np.arange(3))[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert open_dataset(tmp_path / "d", test_range="2").count("train") == 5
    with pytest.raises(DataError, match="no data_batch_4, which is in the train range; it has"):
        open_dataset(tmp_path / "d", train_range="1-4")
    with pytest.raises(DataError, match="--train-range must be one number or first-last"):
        open_dataset(tmp_path / "d", train_range="all")
    with pytest.raises(DataError, match="no data_batch_1000000000000"):
        open_dataset(tmp_path / "d", train_range="2-1000000000000")
    with pytest.raises(DataError, match="no data batch left to train on"):
        open_dataset(tmp_path / "d", test_range="1-3")


def test_originals_without_a_stored_mean_or_sizes(tmp_path):
    write_originals(tmp_path / "d", meta={"label_names": [b"even", b"odd"]})
    dataset = open_dataset(tmp_path / "d")
    assert (dataset.channels, dataset.side) == (3, 2)
    np.testing.assert_array_equal(dataset.mean_image(), np.full((3, 2, 2), 3))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"data": [b"\xff\xd8"], "labels": [[0]]}, "not an array of pixels"),
        ({"data": np.zeros((12, 2), np.uint8), "labels": [0]}, "2 columns but 1 labels"),
        ({"data": np.zeros((12, 1), np.uint8), "labels": [[0, 1]]}, "a case with 2 labels"),
        ({"data": np.zeros((12, 1), np.uint8), "labels": [b"x"]}, "not an integer"),
        ({"data": np.zeros((12, 1), np.uint8), "labels": [float("nan")]}, "not an integer"),
        ({"data": np.zeros((12, 1), np.uint8), "labels": [2]}, "the label 2, but the set has 2"),
        ({"data": np.zeros((12, 1), np.uint8), "labels": None}, "labels are not a list"),
        ({"data": np.zeros((12, 1), np.uint8), "labels": [0.5]}, "not an integer"),
        ({"data": np.full((12, 1), np.nan), "labels": [0]}, r"has the value nan \(row 0, column 0"),
        ({"data": np.full((12, 1), 1e39), "labels": [0]}, "finite numbers of float32"),
        ({"data": np.full((12, 1), b"x"), "labels": [0]}, "not an array of numbers"),
        ({"data": np.zeros(12, np.uint8), "labels": [0]}, "not an array of pixels x cases"),
        ({"data": np.zeros((11, 1), np.uint8), "labels": [0]}, "have 11 values, not the 12"),
        ({"data": np.zeros((12, 1), np.uint8)}, "has no 'labels'"),
    ],
)
def test_damaged_originals_are_named(tmp_path, batch, message):
    write_originals(tmp_path / "d")
    (tmp_path / "d" / "data_batch_2").write_bytes(pickle.dumps(batch))
    with pytest.raises(DataError, match=f"data_batch_2: .*{message}"):
        open_dataset(tmp_path / "d")


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"label_names": []}, "not a list of names"),
        ({"label_names": [None]}, "neither text nor a number"),
        ({"label_names": {1: b"a"}}, "not a list of names"),
        ({"label_names": [b"a", b"b"], "num_vis": np.zeros(3)}, "num_vis: expected int"),
        ({"label_names": [b"a", b"b"], "num_vis": 3e99}, "num_vis: .*found"),
        ({"label_names": [b"a", b"b"], "img_size": -5}, "img_size: expected int >= 1, found -5"),
        ({"label_names": [b"a", b"b"], "img_size": 1.5}, "img_size: expected int.*found 1.5"),
        ({"label_names": [b"a", b"b"], "label_offset": b"x"}, "label_offset: expected int"),
        ({"label_names": [b"a", b"b"], "img_size": 5}, "do not make images of 5x5, its img_size"),
        (
            {"label_names": [b"a", b"b"], "num_vis": 12, "data_mean": np.zeros(3)},
            "data_mean has 3 values, not the 12 values of an image of 3x2x2",
        ),
        ({"label_names": [b"a", b"b"], "data_mean": [1.0, [2.0]]}, "data_mean has 0 values"),
        ({"label_names": [b"a", b"b"], "data_mean": b"none"}, "data_mean has 1 values"),
        (
            {"label_names": [b"a", b"b"], "data_mean": np.full(12, np.nan)},
            "data_mean has the value nan",
        ),
    ],
)
def test_damaged_meta_is_named(tmp_path, meta, message):
    write_originals(tmp_path / "d", meta=meta)
    with pytest.raises(DataError, match=f"batches.meta: .*{message}"):
        open_dataset(tmp_path / "d")


def test_float_pixels_with_integer_values_are_read(tmp_path):
    write_originals(tmp_path / "d")
    batch = {"data": np.full((12, 1), 255, np.float32), "labels": np.array([[1.0]])}
    (tmp_path / "d" / "data_batch_1").write_bytes(pickle.dumps(batch))
    dataset = open_dataset(tmp_path / "d")
    assert dataset.images("train", [0]).max() == 255
    assert dataset.labels("train", [0]) == [1]


def test_data_batches_of_two_kinds_are_refused_by_name(tmp_path):
    write_originals(tmp_path / "d")
    (tmp_path / "d" / "data_batch_4").mkdir()
    with pytest.raises(
        DataError, match="data_batch_4: is a folder of JPEGs, but other data batches"
    ):
        open_dataset(tmp_path / "d")


def test_names_that_are_no_data(tmp_path):
    with pytest.raises(DataError, match="digitz: no built-in.*digits, shapes, synthetic.*'digits'"):
        open_dataset("digitz")
    with pytest.raises(DataError, match="no built-in data set .* and no folder"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(DataError, match="holds no known kind of data; .*batches.meta"):
        open_dataset(tmp_path)
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(DataError, match="is a file; name the folder"):
        open_dataset(tmp_path / "f")
    with pytest.raises(DataError, match="digits: its training and test sets are fixed"):
        open_dataset("digits", train_range="1-5")
    with pytest.raises(DataError, match="has no parameters; write digits"):
        open_dataset("digits:8")
    with pytest.raises(DataError, match="'valid'"):
        open_dataset("digits").count("valid")
