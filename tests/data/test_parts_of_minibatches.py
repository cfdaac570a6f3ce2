"""Of a minibatch only some cases are made, as where other processes make the others."""

import numpy as np
import pytest

from convnet.data import Feed, FeedOptions, Prefetch, ViewPrefetch, decoding, open_dataset
from convnet.errors import DataError
from tests.support.shard_sets import damage, made_set

RANGES = [(1, 4), (9, 12)]
MADE = np.r_[1:4, 9:12]
OTHERS = np.setdiff1d(np.arange(13), MADE)


def ranges(cases):
    return [(first, min(end, cases)) for first, end in RANGES if first < cases]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_set(tmp_path_factory.mktemp("set"))


def feeds(dataset, **options):
    """A feed of whole minibatches, and one of parts."""
    options = FeedOptions(**{"seed": 3, **options})
    whole, part = (Feed(dataset, "train", 13, options) for _ in range(2))
    part.make_only(ranges)
    return whole, part


def assert_same_parts(batch, right):
    cases = right.cases
    made = MADE[MADE < cases]
    assert np.array_equal(batch.made, made) and np.array_equal(right.made, np.arange(cases))
    assert batch.matrices[0][:, made].tobytes() == right.matrices[0][:, made].tobytes()
    assert np.array_equal(batch.matrices[1], right.matrices[1])
    others = OTHERS[OTHERS < cases]
    assert np.isnan(batch.matrices[0][:, others]).all()


def unmade(feed):
    """Memory for a minibatch in which nothing is made."""
    made = feed.buffers()
    for array in made.values():
        array[:] = np.nan
    return made


@pytest.mark.parametrize("processes", [0, 2])
def test_the_cases_of_ranges_are_those_of_whole_minibatches(folder, processes):
    dataset = open_dataset(folder)
    with decoding(dataset, processes):
        whole, part = feeds(dataset, side=40)
        for index in range(whole.minibatches_per_epoch):
            right = whole.minibatch(1, index, whole.buffers())
            assert_same_parts(part.minibatch(1, index, unmade(part)), right)


def test_images_in_memory():
    whole, part = feeds(open_dataset("digits"), side=6, color_noise=0)
    assert_same_parts(part.minibatch(0, 2, unmade(part)), whole.minibatch(0, 2))


@pytest.mark.parametrize("processes", [0, 2])
def test_views(folder, processes):
    dataset = open_dataset(folder)
    with decoding(dataset, processes):
        whole, part = feeds(dataset, side=40)
        with ViewPrefetch(whole, [0], 10) as rights, ViewPrefetch(part, [0], 10) as found:
            for (_, right), (_, batch) in zip(rights, found, strict=True):
                pair = batch.matrices[0], right.matrices[0]
                assert np.array_equal(*(pixels[:, MADE] for pixels in pair))


@pytest.mark.parametrize("processes", [0, 2])
def test_only_these_images_are_decoded(tmp_path, processes):
    """Damaged images of other cases are not noticed."""
    folder = made_set(tmp_path)
    dataset = open_dataset(folder)
    _, part = feeds(dataset, side=40, shuffle=False)
    indices = part.indices(0, 0)
    damage(folder, "train", int(indices[5]))
    dataset = open_dataset(folder)
    whole, part = feeds(dataset, side=40, shuffle=False)
    with decoding(dataset, processes):
        with Prefetch(part, [(0, 0)]) as made:
            next(made)
        with pytest.raises(DataError, match="damaged"), Prefetch(whole, [(0, 0)]) as made:
            next(made)


@pytest.mark.parametrize("processes", [0, 2])
def test_no_pixels_at_all(folder, processes):
    dataset = open_dataset(folder)
    with decoding(dataset, processes):
        whole, part = feeds(dataset, side=40)
        part.make_only(lambda cases: [])
        batch = part.minibatch(0, 0, part.buffers())
        assert np.array_equal(batch.labels, whole.minibatch(0, 0).labels)
        assert len(batch.made) == 0
