"""The reference of the layers of images and of groups: hand-worked numbers and differences.

The expected values come from the formulas, on paper; none was copied from a run.
"""

import math

import numpy as np
import pytest

import tests.support.reference as ref
from tests.support.reference.checking import check_gradient, column, distinct, image, same

NINE = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
SIXTEEN = image(np.arange(1, 17).reshape(4, 4))
RANDOM = (11, 22, 3, 44, 5)


def test_href_turns_columns_around():
    same(ref.href(NINE), [[3, 2, 1], [6, 5, 4], [9, 8, 7]])


def test_nailbed_is_centered():
    same(ref.nailbed(NINE, 2), [[1, 3], [7, 9]])
    same(ref.nailbed(SIXTEEN, 2), [[6, 8], [14, 16]])  # 2 outputs, start (4 - 2) // 2 = 1
    same(ref.nailbed(SIXTEEN, 3), [[1, 4], [13, 16]])
    same(ref.nailbed(NINE, 5), 5)


def test_nailbed_gradient_is_zero_between_the_nails():
    same(ref.nailbed_grad(image([[1, 2], [3, 4]]), 3, 2), [[1, 0, 2], [0, 0, 0], [3, 0, 4]])


def test_blur_of_one_pixel_is_the_filter():
    x = image([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    e = math.exp(-0.5)
    w = np.array([e, 1, e]) / (1 + 2 * e)
    same(ref.blur(x, 3, 1.0), np.outer(w, w))
    corner = ref.blur(image([[1, 0, 0], [0, 0, 0], [0, 0, 0]]), 3, 1.0)
    same(corner, np.outer([w[1], w[2], 0], [w[1], w[2], 0]))  # what leaves the image is lost


def test_crop():
    same(ref.crop(SIXTEEN, 1, 2, 2), [[7, 8], [11, 12]])


def test_resize_takes_the_middle_of_its_points():
    same(ref.resize(SIXTEEN, 2.0), [[1, 3], [9, 11]])  # points 0 and 2: 4/2 - 2·2/2 = 0
    y = ref.resize(image([[0, 1, 2]] * 3), 1.5)  # points 0 and 1.5
    same(y, [[0, 1.5]] * 2)
    y = ref.resize(image([[0, 1], [0, 1]]), 0.5)  # points 0, 0.5, 1 and 1.5, the last two at 0.99
    same(y, [[0, 0.5, 0.99, 0.99]] * 4)


def test_colors():
    white = np.ones((3, 1))
    same(ref.rgb2yuv(white), [1.0, 0, 0])
    same(ref.rgb2yuv(np.eye(3))[1], [-0.09991, -0.33609, 0.436])
    same(ref.rgb2lab(white, center=False), [100, 0, 0])
    same(ref.rgb2lab(white, center=True), [50, 0, 0])
    dark = ref.rgb2lab(np.full((3, 1), 0.001), center=False)
    same(dark, [116 * (7.787037 * 0.001 + 0.13793103) - 16, 0, 0])
    blue = ref.rgb2lab(np.array([[0.0], [0], [1]]), center=False)
    x, y, z = 0.2**0.3333, 0.01063**0.3333, 0.99**0.3333
    same(blue, [116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_sums():
    same(ref.sums(column([1, 2, 3, 4, 5, 6]), 3), [6, 15])
    same(ref.sums_grad(column([1, 2]), 3), [1, 1, 1, 2, 2, 2])


def test_cmpool_clips_and_gives_ties_all():
    x = np.array([3.0, 1, 1, 2]).reshape(4, 1, 1, 1)
    same(ref.cmpool(x, 2, 2, -1, 3), [3, 1, 2])
    y = ref.cmpool(x, 3, 2, 0, 2)
    same(y, [3, 2])
    same(ref.cmpool_grad(x, y, np.array([10.0, 1]).reshape(y.shape), 3, 2, 0), [10, 0, 0, 1])
    tied = np.ones((3, 1, 1, 1))
    same(ref.cmpool_grad(tied, np.ones((2, 1, 1, 1)), np.ones((2, 1, 1, 1)), 2, 1, 0), [1, 2, 1])


def test_sfc_parts_see_their_own_slices():
    x, w = column([1, 10, 100, 1000]), np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
    same(ref.sfc(x, w, 2), [21, 65, 4300, 8700])
    dx, dw = ref.sfc_grads(x, w, column([1, 0, 0, 1]), 2)
    same(dx, [1, 2, 7, 8])
    same(dw, [[1, 10, 0, 0], [0, 0, 100, 1000]])


@pytest.mark.parametrize("kind", ["blur", "href", "nailbed"])
def test_gradients(kind):
    rng = np.random.default_rng(1)
    x = distinct(rng, 2, 5, 5, 3)
    forward, backward = {
        "blur": (lambda x: ref.blur(x, 5, 1.3), lambda dy: ref.blur(dy, 5, 1.3)),
        "href": (ref.href, ref.href),
        "nailbed": (lambda x: ref.nailbed(x, 2), lambda dy: ref.nailbed_grad(dy, 5, 2)),
    }[kind]
    dy = rng.standard_normal(forward(x).shape)
    check_gradient(forward, x, dy, backward(dy))


def test_uniforms_are_the_known_words():
    """Of the known answers of Philox4x32-10 (Salmon et al., 2011): counter and key of zeros."""
    expected = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert ref.uniforms(0, (0, 0, 0, 0, 0)) == [(word >> 8) / 2**24 for word in expected]


def test_random_pool_draws_in_proportion():
    x = np.repeat(image([[1, 2], [5, 0]]), 4000, axis=3)
    y = ref.random_pool(x, 2, 2, 0, 1, RANDOM).ravel()
    shares = [np.mean(y == value) for value in (0, 1, 2, 5)]
    np.testing.assert_allclose(shares, [0, 1 / 8, 2 / 8, 5 / 8], atol=4 * 0.5 / 4000**0.5)


def test_random_pool_of_zeros_is_the_first_pixel():
    same(ref.random_pool(image([[-3, -1], [0, -2]]), 2, 2, 0, 1, RANDOM), -3)


def test_scales_of_rscale():
    """S = 6, maxScale 1.5: sizes 4, 5, 6 with probabilities 1, 4, 9 of 14."""
    drawn = [ref.scale_of_case(n, 6, 1.5, 4, RANDOM) for n in range(4000)]
    sizes = [size for size, *_ in drawn]
    shares = [sizes.count(size) / len(sizes) for size in (4, 5, 6)]
    np.testing.assert_allclose(shares, np.array([1, 4, 9]) / 14, atol=4 * 0.5 / 4000**0.5)
    for size, factor, row, column_ in drawn:
        assert max(1, 6 / (1 + size)) <= factor <= 6 / size
        assert 0 <= row <= size - 4 and 0 <= column_ <= size - 4
    assert {row for _, _, row, _ in drawn} == {0, 1, 2}


def test_rscale_at_the_full_size_crops():
    x = np.repeat(SIXTEEN, 5, axis=3)
    same(ref.rscale(x, 1.0, 4, RANDOM), x[0])
