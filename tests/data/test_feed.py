"""Minibatches: order, crops, flips, views and means are as in docs/dialect.md, 9, case by case."""

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, Prefetch
from convnet.data.dataset import ArrayDataset
from convnet.errors import DataError

SIDE, CHANNELS, TRAIN, TEST = 6, 2, 23, 11


class Small(ArrayDataset):
    """Random images whose every pixel differs from its neighbors."""

    def __init__(self, mirrors=True, stored=None):
        random = np.random.default_rng(1)
        count = {"train": TRAIN, "test": TEST}
        images = {
            split: random.integers(0, 256, (n, CHANNELS, SIDE, SIDE), np.uint8)
            for split, n in count.items()
        }
        labels = {split: np.arange(n) % 3 for split, n in count.items()}
        super().__init__("small", ["a", "b", "c"], images, labels)
        self.mirrors = mirrors
        self._stored = stored

    def stored_batches(self, split):
        return self._stored


def feed(split="train", minibatch=5, dataset=None, **options):
    return Feed(dataset or Small(), split, minibatch, FeedOptions(**{"mean": "none", **options}))


def epoch_of(feed, epoch):
    return [feed.minibatch(epoch, i) for i in range(feed.minibatches_per_epoch)]


def images_of(batch, side):
    """(cases, channels, side, side)"""
    return batch.matrices[0].reshape(CHANNELS, side, side, -1).transpose(3, 0, 1, 2)


def crop(image, y, x, side, flipped=False):
    found = image[:, y : y + side, x : x + side]
    return found[:, :, ::-1] if flipped else found


def test_an_epoch_has_every_case_once_and_a_short_last_minibatch():
    batches = epoch_of(feed(), 0)
    assert [batch.cases for batch in batches] == [5, 5, 5, 5, 3]
    assert sorted(np.concatenate([b.indices for b in batches])) == list(range(TRAIN))
    for batch in batches:
        data, labels = batch.matrices[0], batch.matrices[1]
        assert data.shape == (CHANNELS * SIDE**2, batch.cases) and data.dtype == np.float32
        assert labels.shape == (1, batch.cases) and labels.dtype == np.float32
        assert data.flags.c_contiguous and labels.flags.c_contiguous
        np.testing.assert_array_equal(labels[0], batch.indices % 3)
        np.testing.assert_array_equal(batch.labels, batch.indices % 3)
        expected = Small().images("train", batch.indices)
        np.testing.assert_array_equal(images_of(batch, SIDE), expected)


def test_the_order_depends_on_seed_and_epoch_alone():
    first = feed(seed=4)
    order = [b.indices.tolist() for b in epoch_of(first, 2)]
    epoch_of(first, 7)
    assert feed(seed=4).minibatch(2, 3).indices.tolist() == order[3]
    assert [b.indices.tolist() for b in epoch_of(first, 2)] == order
    assert [b.indices.tolist() for b in epoch_of(first, 3)] != order
    assert [b.indices.tolist() for b in epoch_of(feed(seed=5), 2)] != order


def test_the_order_is_the_same_in_every_version():
    assert feed(minibatch=8, seed=0).indices(0, 0).tolist() == [0, 1, 17, 13, 9, 18, 4, 11]


def test_test_cases_come_in_stored_order():
    batches = epoch_of(feed("test"), 3)
    assert np.concatenate([b.indices for b in batches]).tolist() == list(range(TEST))


def test_training_crops_are_crops_and_take_every_place_and_side():
    side, small, seen = 4, Small(), set()
    random = feed(minibatch=TRAIN, dataset=small, side=side, seed=9)
    for epoch in range(30):
        batch = random.minibatch(epoch, 0)
        for index, image in zip(batch.indices, images_of(batch, side), strict=True):
            whole = small.images("train", [index])[0]
            places = [
                (y, x, f) for y in range(3) for x in range(3) for f in (False, True)
                if np.array_equal(crop(whole, y, x, side, f), image)
            ]  # fmt: skip
            assert len(places) == 1
            seen.add(places[0])
    assert len(seen) == 18


def test_a_crop_depends_on_seed_epoch_and_case_not_on_the_minibatch():
    one, other = feed(minibatch=5, side=4), feed(minibatch=23, side=4)
    whole = other.minibatch(6, 0)
    place = {index: i for i, index in enumerate(whole.indices)}
    for batch in epoch_of(one, 6):
        columns = [place[index] for index in batch.indices]
        np.testing.assert_array_equal(batch.matrices[0], whole.matrices[0][:, columns])
    assert not np.array_equal(other.minibatch(7, 0).matrices[0], whole.matrices[0])


@pytest.mark.parametrize(
    ("options", "mirrors", "flips"),
    [
        ({"side": 4}, True, True),
        ({"side": 4}, False, False),
        ({}, True, False),
        ({"flip": True}, True, True),
        ({"side": 4, "flip": False}, True, False),
        ({"side": 4, "augment": False}, True, False),
    ],
)
def test_flips_only_where_they_are_enabled(options, mirrors, flips):
    small = Small(mirrors=mirrors)
    side = options.get("side", SIDE)
    batch = feed(minibatch=TRAIN, dataset=small, **options).minibatch(0, 0)
    flipped = 0
    for index, image in zip(batch.indices, images_of(batch, side), strict=True):
        whole = small.images("train", [index])[0]
        starts = range(SIDE - side + 1)
        flipped += any(
            np.array_equal(crop(whole, y, x, side, True), image) for y in starts for x in starts
        )
    assert (5 < flipped < 18) if flips else flipped == 0


def test_test_images_are_the_center():
    small = Small()
    for source in (feed("test", TEST, small, side=4), feed(minibatch=TRAIN, side=4, augment=False)):
        batch = source.minibatch(5, 0)
        whole = small.images(source.split, batch.indices)
        np.testing.assert_array_equal(images_of(batch, 4), whole[:, :, 1:5, 1:5])


@pytest.mark.parametrize("side", [4, 6])
def test_ten_views_in_the_originals_order(side):
    small, b = Small(), (SIDE - side) // 2
    views = list(feed("test", 4, small, side=side).views(1, 10))
    starts = [(0, 0), (0, 2 * b), (b, b), (2 * b, 0), (2 * b, 2 * b)]
    assert len(views) == 10
    for view, (start, flipped) in zip(
        views, [(s, f) for f in (False, True) for s in starts], strict=True
    ):
        assert view.indices.tolist() == [4, 5, 6, 7]
        for index, image in zip(view.indices, images_of(view, side), strict=True):
            whole = small.images("test", [index])[0]
            np.testing.assert_array_equal(image, crop(whole, *start, side, flipped))


def test_nine_views_are_a_grid_and_one_is_the_center():
    small = Small()
    source = feed("test", 4, small, side=4)
    whole = small.images("test", np.arange(4))
    for view, (y, x) in zip(
        source.views(0, 9), [(y, x) for y in (0, 1, 2) for x in (0, 1, 2)], strict=True
    ):
        np.testing.assert_array_equal(images_of(view, 4), whole[:, :, y : y + 4, x : x + 4])
    (only,) = source.views(0, 1)
    np.testing.assert_array_equal(only.matrices[0], source.minibatch(0, 0).matrices[0])
    with pytest.raises(DataError, match="1, 9 or 10 views, not 5"):
        next(source.views(0, 5))


def test_means():
    small = Small()
    whole = small.images("test", np.arange(TEST)).astype(np.float32)[:, :, 1:5, 1:5]
    image = small.mean_image()
    own = np.arange(CHANNELS * 100.0).reshape(CHANNELS, 10, 10)
    cases = {
        "image": image[:, 1:5, 1:5],
        "scalar": image.mean(),
        "none": 0,
        -1.0: -1,  # what the second system subtracts by default (docs/dialect.md, 9.2)
    }
    for mean, expected in cases.items():
        batch = feed("test", TEST, small, side=4, mean=mean).minibatch(0, 0)
        np.testing.assert_allclose(images_of(batch, 4), whole - expected, rtol=1e-5, atol=1e-4)
    batch = feed("test", TEST, small, side=4, mean=own).minibatch(0, 0)
    np.testing.assert_array_equal(images_of(batch, 4), whole - own[:, 3:7, 3:7])
    with pytest.raises(DataError, match="not 'median'"):
        feed(mean="median")
    with pytest.raises(DataError, match="2x3x3 does not cover the 2x6x6"):
        feed(mean=np.zeros((2, 3, 3)))


def test_a_flipped_crop_has_the_mean_subtracted_unflipped():
    source = feed("test", 2, side=4, mean="image")
    small, mean = Small(), Small().mean_image()[:, 1:5, 1:5]
    view = list(source.views(0, 10))[7]
    expected = crop(small.images("test", [0])[0], 1, 1, 4, True) - mean
    np.testing.assert_allclose(images_of(view, 4)[0], expected, rtol=1e-5, atol=1e-4)


def test_matrices_are_made_on_demand():
    batch = feed(matrices=(0, 1, 2)).minibatch(0, 0)
    assert batch.matrices[2].shape == (3, 5) and batch.matrices[2].dtype == np.float32
    np.testing.assert_array_equal(batch.matrices[2].argmax(axis=0), batch.labels)
    np.testing.assert_array_equal(batch.matrices[2].sum(axis=0), 1)
    assert list(feed(matrices=(1,)).minibatch(0, 0).matrices) == [1]
    with pytest.raises(DataError, match="no matrix 3"):
        feed(matrices=(3,))


def test_minibatches_are_written_to_given_buffers():
    source = feed(side=4, mean="image", matrices=(0, 1, 2))
    out = source.buffers()
    for array in out.values():
        array.fill(np.nan)
    for index in (0, 4):  # the last one is short
        plain, placed = source.minibatch(1, index), source.minibatch(1, index, out)
        for m in (0, 1, 2):
            np.testing.assert_array_equal(placed.matrices[m], plain.matrices[m])
            assert np.shares_memory(placed.matrices[m], out[m])
            assert placed.matrices[m].flags.c_contiguous


def test_each_stored_data_batch_is_divided_on_its_own():
    stored = {1: np.arange(7), 2: np.arange(7, 12), 4: np.arange(12, TRAIN)}
    source = feed(dataset=Small(stored=stored), minibatch=5, shuffle=False)
    assert [source.cases_of(i) for i in range(6)] == [5, 2, 5, 5, 5, 1]
    assert source.minibatches_per_epoch == 6
    assert [source.data_batch_of(i) for i in range(6)] == [0, 0, 1, 2, 2, 2]
    assert source.data_batches_per_epoch == 3
    assert source.minibatch(3, 1).indices.tolist() == [5, 6]
    assert source.minibatch(3, 3).indices.tolist() == list(range(12, 17))
    shuffled = feed(dataset=Small(stored=stored), minibatch=5)
    assert shuffled.minibatches_per_epoch == shuffled.data_batches_per_epoch == 5
    assert shuffled.data_batch_of(3) == 3
    plain = feed(shuffle=False)
    assert plain.indices(8, 4).tolist() == [20, 21, 22]


def test_images_too_small_for_the_network():
    with pytest.raises(DataError, match="small has images of 6x6, the network expects 7x7: choose"):
        feed(side=7)
    with pytest.raises(DataError, match="at least 1 case"):
        feed(minibatch=0)
    with pytest.raises(IndexError):
        feed().minibatch(0, 5)


def test_an_odd_border_still_covers_every_place():
    source = feed(side=5, minibatch=TRAIN, flip=False)
    starts = np.concatenate([source._crops(epoch, np.arange(TRAIN))[0] for epoch in range(5)])
    assert {tuple(start) for start in starts} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def positions(source, epochs):
    return [(e, i) for e in range(epochs) for i in range(source.minibatches_per_epoch)]


@pytest.mark.parametrize(("ahead", "workers"), [(0, 1), (2, 1), (3, 2)])
def test_prefetched_minibatches_are_the_same_ones(ahead, workers):
    source = feed(side=4, mean="image")
    with Prefetch(source, positions(source, 4), ahead, workers) as prefetch:
        seen = []
        for (epoch, index), batch in prefetch:
            seen.append((epoch, index))
            for *_, future in prefetch._pending:  # all that could overwrite this one is done
                future.result()
            expected = source.minibatch(epoch, index)
            np.testing.assert_array_equal(batch.matrices[0], expected.matrices[0])
            np.testing.assert_array_equal(batch.matrices[1], expected.matrices[1])
    assert seen == positions(source, 4)
    assert 0 <= prefetch.waited_share <= 1


class Failing(Small):
    def images(self, split, indices):
        if 3 in indices:
            raise DataError("image 3 is broken")
        return super().images(split, indices)


def test_an_error_in_prefetching_is_raised_at_its_minibatch():
    source = feed(dataset=Failing(), shuffle=False, minibatch=2)
    with Prefetch(source, positions(source, 1)) as prefetch:
        assert next(prefetch)[0] == (0, 0)
        with pytest.raises(DataError, match="image 3 is broken"):
            next(prefetch)


def test_prefetching_stops_on_close():
    source = feed()
    made = []

    def endless():
        while True:
            made.append(0)
            yield 0, 0

    prefetch = Prefetch(source, endless(), ahead=2)
    assert prefetch.waited_share == 0
    next(prefetch)
    next(prefetch)
    prefetch.close()
    prefetch.close()
    assert len(made) == 4
    with pytest.raises(StopIteration):
        next(prefetch)
