"""Data folders as owners of the original programs have them: names, floats, targets, gzip."""

import gzip
import io
import pickle
import zipfile

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, open_dataset
from convnet.errors import DataError
from tests.data.test_folders import CASES as CIFAR_CASES
from tests.data.test_folders import FILES as CIFAR_FILES
from tests.data.test_folders import write_python_cifar
from tests.data.test_jpeg_batches import SIDE, expected, jpegs, write_meta
from tests.support.python2_pickle import python2_pickle

CASES = 6  # of a data batch


def pixels(seed, values=12):
    return np.random.default_rng(seed).integers(0, 256, (values, CASES), np.uint8)


def write(folder, meta, batches, compress=lambda data: data, ending=""):
    """Data batches by number; each value is a pair of data and labels."""
    folder.mkdir(exist_ok=True)
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, 2))
    for number, (data, labels) in batches.items():
        batch = pickle.dumps({"data": data, "labels": labels}, 2)
        (folder / f"data_batch_{number}{ending}").write_bytes(compress(batch))
    return folder


def two_batches(labels=(0, 1) * 3):
    return {n: (pixels(n), list(labels)) for n in (1, 2)}


# -- batches.meta ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        [np.bytes_(b"cat"), np.bytes_(b"7")],
        [np.str_("cat"), np.str_("7")],
        [b"cat", 7],
        [np.array("cat"), np.array(7)],
        [np.array(b"cat"), np.float64(7)],
        ["cat", np.int64(7)],
        np.array(["cat", "7"]),
        np.array([b"cat", b"7"]),
        np.array(["cat", "7"], object),
        np.array(["cat", 7], object),
        ("cat", 7.0),
        {0: "cat", 1: b"7"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_class_names_of_any_scalar_kind(tmp_path, names, protocol):
    write(tmp_path / "d", {}, two_batches())
    (tmp_path / "d" / "batches.meta").write_bytes(pickle.dumps({"label_names": names}, protocol))
    assert open_dataset(tmp_path / "d").class_names == ("cat", "7")


@pytest.mark.parametrize("number", [12, 12.0, np.int64(12), np.float32(12), np.array([12])])
def test_counts_may_be_numpy_scalars(tmp_path, number):
    meta = {"label_names": ["a", "b"], "num_vis": number, "img_size": number / 6}
    dataset = open_dataset(write(tmp_path / "d", meta, two_batches()))
    assert (dataset.channels, dataset.side) == (3, 2)


@pytest.mark.parametrize("offset", [-1, -1.0, np.int32(-1), np.array(-1), np.array([-1])])
@pytest.mark.parametrize("labels", [[1, 2] * 3, [[1], [2]] * 3, np.array([[1.0, 2.0] * 3])])
def test_label_offset(tmp_path, offset, labels):
    meta = {"label_names": ["a", "b"], "label_offset": offset}
    batches = {n: (pixels(n), labels) for n in (1, 2)}
    dataset = open_dataset(write(tmp_path / "d", meta, batches))
    assert dataset.labels("train", np.arange(4)).tolist() == [0, 1, 0, 1]


def test_a_label_beyond_the_classes_names_the_stored_one(tmp_path):
    write(tmp_path / "d", {"label_names": ["a", "b"], "label_offset": 1}, two_batches())
    with pytest.raises(DataError, match="label 2, but .*of 1 was added"):
        open_dataset(tmp_path / "d")


def test_without_label_names_the_labels_are_the_classes(tmp_path):
    dataset = open_dataset(write(tmp_path / "d", {"num_vis": 12}, two_batches([0, 2, 1, 0, 1, 1])))
    assert dataset.class_names == ("0", "1", "2")
    assert "has no label_names; the classes are 0 to 2" in dataset.notes[0]


def test_numbers_from_0(tmp_path):
    batches = {n: (pixels(n), [0, 1] * 3) for n in (0, 1, 2)}
    folder = write(tmp_path / "d", {"label_names": ["a", "b"]}, batches)
    dataset = open_dataset(folder)
    assert list(dataset.stored_batches("train")) == [0, 1]
    assert list(dataset.stored_batches("test")) == [2]
    dataset = open_dataset(folder, train_range="0-1", test_range="0")
    assert list(dataset.stored_batches("test")) == [0]
    np.testing.assert_array_equal(dataset.images("test", [0]).ravel(), pixels(0)[:, 0])


def test_channels_that_the_network_expects(tmp_path):
    batches = {n: (pixels(n, 16), [0, 1] * 3) for n in (1, 2)}
    folder = write(tmp_path / "d", {"label_names": ["a", "b"]}, batches)
    assert (open_dataset(folder).channels, open_dataset(folder).side) == (1, 4)
    dataset = open_dataset(folder, channels=4)
    assert (dataset.channels, dataset.side) == (4, 2)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["a", "b"], "img_size": 2}))
    assert open_dataset(folder).channels == 4


# -- compressed batches ----------------------------------------------------------------------------


def zipped(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", data)
    return file.getvalue()


@pytest.mark.parametrize("compress", [gzip.compress, zipped])
@pytest.mark.parametrize("ending", ["", ".gz", ".zip"])
def test_compressed_batches(tmp_path, compress, ending):
    folder = write(tmp_path / "d", {"label_names": ["a", "b"]}, two_batches(), compress, ending)
    dataset = open_dataset(folder)
    np.testing.assert_array_equal(dataset.images("train", [3]).ravel(), pixels(1)[:, 3])
    meta = folder / "batches.meta"
    (folder / "batches.meta.gz").write_bytes(gzip.compress(meta.read_bytes()))
    meta.unlink()
    assert open_dataset(folder).class_names == ("a", "b")


def test_gzip_members_follow_each_other_and_padding_is_ignored(tmp_path):
    def halves(data):
        return gzip.compress(data[:100]) + gzip.compress(data[100:]) + bytes(10)

    folder = write(tmp_path / "d", {"label_names": ["a", "b"]}, two_batches(), halves)
    assert open_dataset(folder).count("train") == CASES


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-9], "truncated"),
        (lambda data: data[:2], "truncated"),
        (lambda data: data[:20] + b"\xff" * 60, "invalid"),
        (lambda data: data + b"rest", "Not a gzipped file"),
    ],
)
def test_damaged_gzip_files_are_named(tmp_path, damage, message):
    compress = lambda data: damage(gzip.compress(data))  # noqa: E731
    folder = write(tmp_path / "d", {"label_names": ["a", "b"]}, two_batches(), compress)
    with pytest.raises(DataError, match=f"data_batch_1: a gzip file that is damaged: .*{message}"):
        open_dataset(folder)


def test_unpacked_size_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("convnet.data.pickle.unpickler._LARGEST_ZIPPED", 1 << 22)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "batches.meta").write_bytes(b"")
    (tmp_path / "d" / "data_batch_1").write_bytes(gzip.compress(bytes(1 << 24)))
    with pytest.raises(DataError, match="data_batch_1: a gzip file .* more than 4,194,304"):
        open_dataset(tmp_path / "d")


# -- images of floating-point numbers --------------------------------------------------------------


def float_folder(folder, images, mean=None, **more):
    """images: (values, 2 * CASES), for two data batches and a third one equal to the first."""
    parts = [images[:, :CASES], images[:, CASES:], images[:, :CASES]]
    meta = {"label_names": ["a", "b"], **({} if mean is None else {"data_mean": mean}), **more}
    return write(folder, meta, {n + 1: (part, [0, 1] * 3) for n, part in enumerate(parts)})


def centered(dtype=np.float32):
    images = np.random.default_rng(1).normal(size=(12, 2 * CASES))
    return (images - images.mean(axis=1, keepdims=True)).astype(dtype)


def fed(dataset):
    """The pixels that the network gets of the first data batch."""
    return Feed(dataset, "train", CASES, FeedOptions(shuffle=False)).minibatch(0, 0).matrices[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("mean", [None, np.zeros((12, 1), np.float32), np.full(12, 120.0)])
def test_whitened_images_reach_the_network_as_they_are(tmp_path, dtype, mean):
    dataset = open_dataset(float_folder(tmp_path / "d", centered(dtype), mean))
    assert dataset.images("train", [0]).dtype == np.float32
    np.testing.assert_array_equal(fed(dataset), centered(dtype)[:, :CASES].astype(np.float32))
    expected = "data_mean is subtracted" if mean is not None and not mean.any() else "is 0 already"
    assert expected in dataset.notes[0]
    assert ("is not their mean" in dataset.notes[0]) == (mean is not None and mean.any())


def test_the_stored_mean_of_float_images_is_subtracted(tmp_path):
    images = pixels(3)[:, [*range(CASES)] * 2] + np.float32(0.25)
    dataset = open_dataset(float_folder(tmp_path / "d", images, np.full((12, 1), 120.0)))
    np.testing.assert_array_equal(fed(dataset), images[:, :CASES] - 120)
    assert "its data_mean is subtracted" in dataset.notes[0]


@pytest.mark.parametrize("mean", [None, np.full(12, 120.0)])
def test_images_from_0_to_1_lose_their_own_mean(tmp_path, mean):
    images = np.random.default_rng(2).random((12, 2 * CASES)).astype(np.float32)
    dataset = open_dataset(float_folder(tmp_path / "d", images, mean))
    own = images.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(fed(dataset), images[:, :CASES] - own, atol=1e-6)
    assert "the mean of the training images is subtracted" in dataset.notes[0]


def test_one_number_as_mean(tmp_path):
    folder = write(
        tmp_path / "d", {"label_names": ["a", "b"], "data_mean": 120.5}, {**two_batches()}
    )
    np.testing.assert_array_equal(fed(open_dataset(folder)), pixels(1) - np.float32(120.5))


def test_a_batch_of_whole_numbers_joins_others(tmp_path):
    depth = np.arange(12 * CASES).reshape(12, CASES).astype(np.uint16) * 900
    batches = {1: (pixels(1), [0, 1] * 3), 2: (depth, [0, 1] * 3), 3: (depth, [0, 1] * 3)}
    dataset = open_dataset(write(tmp_path / "d", {"label_names": ["a", "b"]}, batches))
    np.testing.assert_array_equal(dataset.images("train", [1]).ravel(), pixels(1)[:, 1])
    np.testing.assert_array_equal(dataset.images("train", [CASES + 2]).ravel(), depth[:, 2])


# -- targets ---------------------------------------------------------------------------------------

TARGETS = np.random.default_rng(4).random((5, CASES)).astype(np.float32)


@pytest.mark.parametrize(
    "stored",
    [TARGETS, TARGETS.astype(np.float64), TARGETS.T, TARGETS.T.tolist(), list(TARGETS.T)],
    ids=["columns", "float64", "rows", "lists", "vectors"],
)
@pytest.mark.parametrize("meta", [{}, {"label_names": list("abcde")}], ids=["", "names"])
def test_several_targets_a_case(tmp_path, stored, meta):
    batches = {n: (pixels(n), stored) for n in (1, 2)}
    dataset = open_dataset(write(tmp_path / "d", meta, batches))
    assert (dataset.targets, dataset.classes) == (5, 0)
    batch = Feed(dataset, "test", CASES).minibatch(0, 0)
    np.testing.assert_array_equal(batch.matrices[1], TARGETS)
    assert "5 targets" in dataset.describe()
    with pytest.raises(DataError, match="5 targets a case and no classes, so no matrix 2"):
        Feed(dataset, "test", CASES, FeedOptions(matrices=(0, 2)))


def test_one_target_a_case(tmp_path):
    ages = [1.0, 2.5, 3.0, 40.0, 1.0, 2.0]
    batches = {1: (pixels(1), [1, 2, 3, 4, 5, 6]), 2: (pixels(2), ages)}
    dataset = open_dataset(write(tmp_path / "d", {}, batches))
    assert dataset.targets == 1
    assert dataset.target_matrix("train", [3, 0]).tolist() == [[4.0, 1.0]]
    assert dataset.target_matrix("test", [1, 3]).tolist() == [[2.5, 40.0]]


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (TARGETS[:, :4], "labels are 5x4, but there are 6 cases"),
        (np.where(TARGETS > 0.9, np.nan, TARGETS), r"value nan \(row \d, column \d\)"),
        (TARGETS[:3], "has 3 targets a case, but .*data_batch_1 has 5"),
        ([[0.5, 1.5], [1.0]] * 3, "labels are no matrix"),
    ],
)
def test_targets_that_do_not_fit_are_named(tmp_path, stored, message):
    batches = {1: (pixels(1), TARGETS), 2: (pixels(2), stored)}
    with pytest.raises(DataError, match=f"data_batch_2: .*{message}"):
        open_dataset(write(tmp_path / "d", {}, batches))


# -- JPEG batches ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "side"),
    [
        ({"num_vis": 3 * SIDE**2}, SIDE),
        ({"num_vis": np.int64(3 * SIDE**2)}, SIDE),
        ({"data_mean": np.zeros((3 * SIDE**2, 1), np.float32)}, SIDE),
        ({"img_size": SIDE, "num_vis": 7}, SIDE),
        ({}, 256),
    ],
)
def test_the_side_of_jpeg_images(tmp_path, keys, side):
    jpeg_folder(tmp_path / "d", keys)
    dataset = open_dataset(tmp_path / "d")
    assert dataset.side == side
    if side == SIDE:
        np.testing.assert_array_equal(dataset.images("train", [1])[0], expected(1))


def jpeg_folder(folder, meta, images=None, labels=((0,), (1,), (2,))):
    folder.mkdir()
    (folder / "batches.meta").write_bytes(python2_pickle({"label_names": [b"a", b"b", b"c"]}, 2))
    stored = {"label_names": ["a", "b", "c"], **meta}
    (folder / "batches.meta").write_bytes(pickle.dumps(stored, 2))
    for n in (0, 1):
        (folder / f"data_batch_{n}").mkdir()
        batch = {"data": images or jpegs(0, 3), "labels": [list(label) for label in labels]}
        # As Python 2 writes it, with memo references to objects that occur again.
        (folder / f"data_batch_{n}" / f"data_batch_{n}.0").write_bytes(pickle.dumps(batch, 4))


def test_repeated_images(tmp_path):
    a, b, c = jpegs(0, 3)
    images = [c, a, a, b, c, a]
    jpeg_folder(tmp_path / "d", {"img_size": SIDE}, images, [[2], [0], [0], [1], [2], [0]])
    dataset = open_dataset(tmp_path / "d")
    assert dataset.encoded("train", range(6)) == images
    assert dataset.labels("test", range(6)).tolist() == [2, 0, 0, 1, 2, 0]


def test_an_image_that_another_key_mentions_first(tmp_path):
    jpeg_folder(tmp_path / "d", {"img_size": SIDE})
    a, b = jpegs(0, 2)
    batch = {"shown": [b], "data": [a, b], "labels": [[0], [1]]}
    (tmp_path / "d" / "data_batch_0" / "data_batch_0.0").write_bytes(pickle.dumps(batch, 4))
    assert open_dataset(tmp_path / "d").encoded("train", [0, 1]) == [a, b]


def test_images_as_arrays_of_bytes(tmp_path):
    images = [np.frombuffer(jpeg, np.uint8) for jpeg in jpegs(0, 3)]
    jpeg_folder(tmp_path / "d", {"img_size": SIDE}, [images[0], *images[:2]], [[0], [0], [1]])
    assert open_dataset(tmp_path / "d").encoded("train", [1, 2]) == jpegs(0, 2)


@pytest.mark.parametrize("offset", [-1, np.int64(-1)])
def test_label_offset_of_jpeg_batches(tmp_path, offset):
    jpeg_folder(tmp_path / "d", {"img_size": SIDE, "label_offset": offset}, None, ([1], [2], [3]))
    assert open_dataset(tmp_path / "d").labels("train", range(3)).tolist() == [0, 1, 2]


def test_compressed_jpeg_batches_say_how_to_unpack_them(tmp_path):
    write_meta(tmp_path / "d")
    batch = pickle.dumps({"data": jpegs(0, 3), "labels": [[0], [1], [2]]}, 2)
    for n in (1, 2):
        (tmp_path / "d" / f"data_batch_{n}").write_bytes(gzip.compress(batch))
    with pytest.raises(DataError, match=r"data_batch_1: is compressed.*first \(gunzip\)"):
        open_dataset(tmp_path / "d")


def test_a_wrong_mean_of_jpeg_images_is_named(tmp_path):
    jpeg_folder(tmp_path / "d", {"img_size": SIDE, "data_mean": np.zeros(7)})
    with pytest.raises(DataError, match="data_mean has 7 values, not the 3,072"):
        open_dataset(tmp_path / "d")


def test_a_mean_beyond_float32_is_refused(tmp_path):
    jpeg_folder(tmp_path / "d", {"img_size": SIDE, "data_mean": np.full(3 * SIDE**2, 1e300)})
    with pytest.raises(DataError, match="data_mean has the value inf"):
        open_dataset(tmp_path / "d").mean_image()


def test_the_mean_of_float_images_in_the_published_form_of_cifar(tmp_path):
    write_python_cifar(tmp_path / "d")
    rows = np.random.default_rng(8).random((CIFAR_CASES, 3072)).astype(np.float32)
    for name in CIFAR_FILES:
        batch = {"data": rows, "labels": [0] * CIFAR_CASES}
        (tmp_path / "d" / name).write_bytes(pickle.dumps(batch, 2))
    dataset = open_dataset(tmp_path / "d")
    np.testing.assert_allclose(dataset.mean_image().ravel(), rows.mean(axis=0), rtol=1e-5)


def test_lists_that_share_lists_are_refused_at_once(tmp_path):
    """Nested a few times, a small file stands for more values than memory holds."""
    mean = [0.0] * 1000
    for _ in range(2):
        mean = [mean] * 1000
    jpeg_folder(tmp_path / "d", {"img_size": SIDE})
    with open(tmp_path / "d" / "batches.meta", "wb") as file:
        pickle.dump({"label_names": ["a", "b"], "data_mean": [mean] * 1000}, file)
    with pytest.raises(DataError, match="states more than 4,000,000 values"):
        open_dataset(tmp_path / "d")
