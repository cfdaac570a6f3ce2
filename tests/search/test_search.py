"""Search in vectors and codes against sorting everything, and what recall means."""

import numpy as np
import pytest

from convnet.search import exact, nearest, nearest_codes, packed, recall_at, same_class
from convnet.search.codes import hamming, random_codes


def sorted_distances(queries, vectors, count):
    """All distances in float64, sorted; equal ones by index."""
    differences = queries[:, None].astype(np.float64) - vectors[None]
    distances = np.sqrt(np.square(differences).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(distances, order, 1)


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks, the last one short."""
    monkeypatch.setattr(exact, "BLOCK_BYTES", 4 * 24 * 100)


def draw(count, size=24, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size), np.float32)


@pytest.mark.parametrize("asked", [5, exact.FEW, exact.FEW + 1])
@pytest.mark.parametrize("count", [1, 6, 40])
def test_the_nearest_are_those_of_a_full_sort(small_blocks, count, asked):
    queries, vectors = draw(asked, seed=1), draw(1030)
    found = nearest(queries, vectors, count)
    indices, distances = sorted_distances(queries, vectors, count)
    assert np.array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-12)


def test_far_from_the_origin_products_alone_would_mislead(small_blocks):
    """|q|² - 2 q·x + |x|² loses all digits of the distances in float32 there."""
    queries, vectors = 3000 + draw(5, seed=1), 3000 + draw(1030)
    alone = np.argsort((vectors * vectors).sum(axis=1) - 2 * queries @ vectors.T, axis=1)[:, :6]
    indices, _ = sorted_distances(queries, vectors, 6)
    assert not np.array_equal(np.sort(alone), np.sort(indices))
    assert np.array_equal(nearest(queries, vectors, 6).indices, indices)


def test_equal_vectors_come_in_their_order():
    vectors = np.repeat(draw(4), 3, axis=0)
    assert nearest(vectors[3:4], vectors, 3).indices.tolist() == [[3, 4, 5]]
    assert nearest(vectors[3:4], vectors, 3).distances.tolist() == [[0, 0, 0]]


def test_fewer_vectors_than_wanted():
    assert nearest(draw(2), draw(4, seed=1), 6).indices.shape == (2, 4)


def test_a_mapped_file_is_searched(tmp_path):
    vectors = draw(300)
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert np.array_equal(nearest(vectors[:3], mapped, 2).indices[:, 0], [0, 1, 2])


@pytest.mark.parametrize("bits", [5, 64, 100])
def test_codes_keep_every_bit(bits):
    values = np.random.default_rng(2).random((30, bits))
    codes = packed(values)
    assert codes.dtype == np.uint64 and codes.shape == (30, (bits + 63) // 64)
    expected = ((values > 0.5)[:, None] != (values > 0.5)[None]).sum(axis=2)
    assert np.array_equal([hamming(code, codes) for code in codes], expected)


@pytest.mark.parametrize("count", [1, 7, 50])
def test_nearest_codes_are_those_of_a_stable_sort(count):
    codes = packed(np.random.default_rng(3).random((50, 12)))
    for query in codes[:5]:
        order = np.argsort(hamming(query, codes), kind="stable")
        assert np.array_equal(nearest_codes(query, codes, count), order[:count])


def test_random_planes_keep_angles():
    """Two vectors differ in a share of the bits that is their angle over 180 degrees."""
    mean = np.array([1.0, 2.0], np.float32)
    codes = random_codes(mean + np.array([[1, 0], [0, 3], [-2, 0]], np.float32), mean, 4096)
    assert hamming(codes[0], codes)[1:] / 4096 == pytest.approx([0.5, 1], abs=0.03)


def test_recall_counts_the_exact_results_among_the_first():
    wanted = np.array([[1, 2], [3, 4]])
    found = np.array([[9, 2, 1, 8], [3, 7, 7, 7]])
    assert recall_at(wanted, found, [1, 2, 4]) == {1: 0.25, 2: 0.5, 4: 0.75}


def test_same_class_is_a_share_of_all_results():
    labels = np.array([0, 1, 1, 0])
    assert same_class(labels, np.array([1, 0]), np.array([[1, 0], [0, 3]])) == 0.75
