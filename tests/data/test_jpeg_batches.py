"""The JPEG data batches of ImageNet that the original systems made."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convnet.data import Feed, FeedOptions, Prefetch, decoding, open_dataset
from convnet.errors import DataError
from tests.support.imagenet_archives import encoded, picture
from tests.support.python2_pickle import python2_pickle

SIDE = 32


def jpegs(first, count):
    return [encoded(picture(i, SIDE, SIDE), quality=95) for i in range(first, first + count)]


def write_meta(folder, **more):
    folder.mkdir()
    meta = {"label_names": [b"a", b"b", b"c"], "num_vis": 3 * SIDE**2, "img_size": SIDE}
    (folder / "batches.meta").write_bytes(python2_pickle(meta | more, 2))


def write_folders(folder, protocol=2, numbers=(0, 1, 1000, 1001)):
    """cuda-convnet2: image i of all has label i % 3; data batches of 3 + 1 images."""
    write_meta(folder)
    first = 0
    for n in numbers:
        (folder / f"data_batch_{n}").mkdir()
        for k, count in enumerate((3, 1)):
            batch = {
                "data": jpegs(first, count),
                "labels": [[i % 3] for i in range(first, first + count)],
            }
            file = folder / f"data_batch_{n}" / f"data_batch_{n}.{k}"
            file.write_bytes(python2_pickle(batch, protocol))
            first += count


def write_tuples(folder):
    """The 2012 source: labels are pairs with an index, or None, and start at an offset."""
    write_meta(folder, label_offset=1)
    for n in (1, 2):
        labels = [(b"n01440764", 1), None, (b"n01443537", 0)]
        batch = (jpegs(10 * n, 3), [(SIDE, SIDE)] * 3, labels)
        (folder / f"data_batch_{n}").write_bytes(python2_pickle(batch, 2))


def expected(first):
    return np.asarray(Image.open(BytesIO(jpegs(first, 1)[0]))).transpose(2, 0, 1)


def test_folders_of_cuda_convnet2(tmp_path):
    write_folders(tmp_path / "d")
    dataset = open_dataset(tmp_path / "d")
    assert (dataset.channels, dataset.side, dataset.classes) == (3, SIDE, 3)
    assert (dataset.count("train"), dataset.count("test")) == (8, 8)
    assert dataset.labels("train", np.arange(8)).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert dataset.labels("test", [0, 7]).tolist() == [2, 0]
    np.testing.assert_array_equal(dataset.images("train", [5])[0], expected(5))
    np.testing.assert_array_equal(dataset.images("test", [7, 0])[1], expected(8))
    assert dataset.encoded("test", [3]) == jpegs(11, 1)
    batches = {n: i.tolist() for n, i in dataset.stored_batches("test").items()}
    assert batches == {1000: [0, 1, 2, 3], 1001: [4, 5, 6, 7]}
    mean = dataset.images("train", np.arange(8)).mean(axis=0)
    np.testing.assert_allclose(dataset.mean_image(), mean, rtol=1e-5)


def test_ranges_choose_data_batches(tmp_path):
    write_folders(tmp_path / "d")
    dataset = open_dataset(tmp_path / "d", train_range="1", test_range="1001")
    assert dataset.labels("train", np.arange(4)).tolist() == [1, 2, 0, 1]
    assert list(dataset.stored_batches("test")) == [1001]
    assert dataset.encoded("test", [0]) == jpegs(12, 1)


def test_without_a_gap_the_last_data_batch_is_the_test_set(tmp_path):
    write_folders(tmp_path / "d", numbers=(998, 999, 1000, 1001))
    dataset = open_dataset(tmp_path / "d")
    assert list(dataset.stored_batches("test")) == [1001]


def test_tuples_of_the_2012_source(tmp_path):
    write_tuples(tmp_path / "d")
    dataset = open_dataset(tmp_path / "d")
    assert dataset.labels("train", np.arange(3)).tolist() == [2, 1, 1]
    np.testing.assert_array_equal(dataset.images("test", [2])[0], expected(22))


def test_images_that_are_the_same_lie_at_their_own_places(tmp_path):
    write_meta(tmp_path / "d")
    one = jpegs(0, 1)[0]
    for n in (1, 2):
        batch = {"data": [one, bytes(bytearray(one))], "labels": [[0], [1]]}
        (tmp_path / "d" / f"data_batch_{n}").write_bytes(python2_pickle(batch, 2))
    dataset = open_dataset(tmp_path / "d")
    assert dataset.encoded("train", [0, 1]) == [one, one]
    assert dataset.where("train", 0) != dataset.where("train", 1)


@pytest.mark.parametrize("write", [write_folders, write_tuples])
def test_worker_processes_give_what_one_process_gives(tmp_path, write):
    """They use the byte ranges found on opening; later the pickles, not the images, are damaged."""
    write(tmp_path / "d")
    dataset = open_dataset(tmp_path / "d")
    source = Feed(dataset, "train", 3, FeedOptions(side=24, seed=1, color_noise=0.1))
    expected = [source.minibatch(e, i).matrices[0] for e in (0, 1) for i in range(1)]
    assert (expected[0] != expected[1]).any()
    for path in (path for path in (tmp_path / "d").rglob("*") if path.is_file()):
        stored = bytearray(path.read_bytes())
        stored[:2] = b"??"
        path.write_bytes(stored)
    with decoding(dataset, 2), Prefetch(source, [(0, 0), (1, 0)]) as made:
        for (_, batch), pixels in zip(made, expected, strict=True):
            np.testing.assert_array_equal(batch.matrices[0], pixels)


def test_gray_images_are_taken_as_the_originals_took_them(tmp_path):
    write_folders(tmp_path / "d")
    gray = encoded(picture(1, SIDE, SIDE).convert("L"))
    file = tmp_path / "d" / "data_batch_0" / "data_batch_0.1"
    file.write_bytes(python2_pickle({"data": [gray], "labels": [[1]]}, 2))
    found = open_dataset(tmp_path / "d").images("train", [3])[0]
    np.testing.assert_array_equal(found, np.stack([np.asarray(Image.open(BytesIO(gray)))] * 3))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"data": [b"x"], "labels": [[0, 1]]}, "a case with 2 labels"),
        ({"data": [b"x"], "labels": [[3]]}, "the label 3, but the set has 3 classes"),
        ({"data": [b"x"], "labels": []}, "has 1 images but 0 labels"),
        ({"data": [3], "labels": [[0]]}, "its data is not a list of JPEG files"),
        ({"labels": [[0]]}, "holds neither 'data' and 'labels' nor"),
        ((jpegs(0, 1), [], [b"n01440764"]), "not a pair of a WordNet id and an index"),
    ],
)
def test_damaged_batches_are_named(tmp_path, batch, message):
    write_folders(tmp_path / "d")
    file = tmp_path / "d" / "data_batch_1" / "data_batch_1.0"
    file.write_bytes(python2_pickle(batch, 2))
    with pytest.raises(DataError, match=rf"data_batch_1.0: .*{message}"):
        open_dataset(tmp_path / "d")


def test_other_oddities_are_named(tmp_path):
    write_folders(tmp_path / "p", protocol=0)
    with pytest.raises(DataError, match="data_batch_0.0: is a pickle of protocol 0"):
        open_dataset(tmp_path / "p")
    write_folders(tmp_path / "d")
    (tmp_path / "d" / "data_batch_2").mkdir()
    with pytest.raises(DataError, match="data_batch_2: is a folder without files data_batch_2.0"):
        open_dataset(tmp_path / "d")
    write_folders(tmp_path / "e")
    batch = {"data": [b"no image"], "labels": [[0]]}
    file = tmp_path / "e" / "data_batch_0" / "data_batch_0.0"
    file.write_bytes(python2_pickle(batch, 2))
    dataset = open_dataset(tmp_path / "e")
    with pytest.raises(DataError, match=r"data_batch_0.0: image at byte \d+: cannot be decoded"):
        dataset.images("train", [0])
    file.write_bytes(b"")
    with pytest.raises(DataError, match="data_batch_0.0: is shorter than it was"):
        dataset.encoded("train", [0])
    file.unlink()
    with pytest.raises(DataError, match="data_batch_0.0: cannot be read: No such file"):
        dataset.encoded("train", [0])
