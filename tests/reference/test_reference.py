"""The reference of the layers with windows or weights: hand-worked numbers and differences.

The expected values come from the formulas, on paper; none was copied from a run.
"""

import math

import numpy as np
import pytest

import tests.support.reference as ref
from tests.support.reference.checking import check_gradient, column, distinct, image, same

NINE = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
SIXTEEN = image(np.arange(1, 17).reshape(4, 4))
KERNEL = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1)


# ---- conv, local, fc


def test_conv_is_a_cross_correlation():
    same(ref.conv(NINE, KERNEL, padding=0, stride=1, groups=1, side=2), [[37, 47], [67, 77]])


def test_conv_padding_and_overhang_are_zero():
    y = ref.conv(NINE, KERNEL, padding=1, stride=2, groups=1, side=3)
    same(y, [[4, 18, 0], [36, 77, 0], [0, 0, 0]])


def test_conv_may_leave_pixels_unread():
    same(ref.conv(NINE, KERNEL, padding=0, stride=1, groups=1, side=1), 37)
    dx, _ = ref.conv_grads(NINE, KERNEL, np.ones((1, 1, 1, 1)), padding=0, stride=1, groups=1)
    same(dx, [[1, 2, 0], [3, 4, 0], [0, 0, 0]])


def test_conv_groups_see_their_own_channels():
    x = np.array([1.0, 10, 100, 1000]).reshape(4, 1, 1, 1)
    w = np.array([[1.0, 2], [3, 4]]).reshape(2, 1, 1, 2)
    same(ref.conv(x, w, padding=0, stride=1, groups=2, side=1), [31, 4200])
    x = np.array([10.0, 20]).reshape(2, 1, 1, 1)
    w = np.array([1.0, 2, 3, 4]).reshape(1, 1, 1, 4)
    same(ref.conv(x, w, padding=0, stride=1, groups=2, side=1), [10, 20, 60, 80])


def test_conv_gradients_by_hand():
    dx, dw = ref.conv_grads(NINE, KERNEL, np.ones((1, 2, 2, 1)), padding=0, stride=1, groups=1)
    same(dx, [[1, 3, 2], [4, 10, 6], [3, 7, 4]])
    same(dw, [[12, 16], [24, 28]])


def test_local_has_weights_per_module_in_y_x_order():
    x = image([[1, 2], [3, 4]])
    w = np.array([1.0, 10, 100, 1000]).reshape(4, 1, 1, 1, 1)
    same(ref.local(x, w, padding=0, stride=1, groups=1, side=2), [[1, 20], [300, 4000]])


def test_local_with_equal_filters_is_conv():
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(4, 5, 5, 2)), rng.normal(size=(2, 3, 3, 6))
    args = {"padding": 1, "stride": 2, "groups": 2, "side": 3}
    tiled = np.repeat(w[None], 9, axis=0)
    np.testing.assert_allclose(ref.local(x, tiled, **args), ref.conv(x, w, **args))


CONV_SHAPES = [
    # S, K, padding, stride, groups, side
    (4, 3, 1, 1, 1, 4),
    (4, 2, 1, 3, 2, 3),  # the last window overhangs
    (5, 2, 0, 2, 2, 2),  # pixels stay unread
]


@pytest.mark.parametrize("size, filter_size, padding, stride, groups, side", CONV_SHAPES)
@pytest.mark.parametrize("layer", ["conv", "local"])
def test_conv_and_local_gradients(layer, size, filter_size, padding, stride, groups, side):
    rng = np.random.default_rng(2)
    forward, grads = (ref.conv, ref.conv_grads) if layer == "conv" else (ref.local, ref.local_grads)
    modules = () if layer == "conv" else (side * side,)
    x = rng.normal(size=(2, size, size, 2))
    w = rng.normal(size=(*modules, 2 // groups, filter_size, filter_size, 2))
    dy = rng.normal(size=(2, side, side, 2))
    dx, dw = grads(x, w, dy, padding, stride, groups)
    check_gradient(lambda x: forward(x, w, padding, stride, groups, side), x, dy, dx)
    check_gradient(lambda w: forward(x, w, padding, stride, groups, side), w, dy, dw)


def test_fc():
    rng = np.random.default_rng(3)
    same(ref.fc(column([1, 10, 100]), np.array([[1, 2, 3], [4, 5, 6]])), [321, 654])
    x, w, dy = rng.normal(size=(3, 2)), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    dx, dw = ref.fc_grads(x, w, dy)
    check_gradient(lambda x: ref.fc(x, w), x, dy, dx)
    check_gradient(lambda w: ref.fc(x, w), w, dy, dw)


# ---- pool


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("max", [[11, 12], [15, 16]]),
        ("maxabs", [[11, 12], [15, 16]]),
        ("avg", [[6, 7.5], [12, 13.5]]),  # over 9, 6, 6 and 4 pixels
        ("sum", [[54, 45], [72, 54]]),
    ],
)
def test_pool_overhang_is_ignored(kind, expected):
    same(ref.pool(SIXTEEN, kind, size=3, stride=2, start=0, side=2), expected)


def test_pool_negative_start_is_ignored_too():
    args = {"size": 2, "stride": 2, "start": -1, "side": 2}
    same(ref.pool(NINE, "max", **args), [[1, 3], [7, 9]])
    same(ref.pool(NINE, "avg", **args), [[1, 2.5], [5.5, 7]])
    same(ref.pool(-NINE, "max", **args), [[-1, -2], [-4, -5]])


def test_pool_positive_start():
    same(ref.pool(SIXTEEN, "max", size=2, stride=1, start=1, side=2), [[11, 12], [15, 16]])


def test_pool_avg_gradient_is_divided_by_the_pixels_inside():
    dy = image([[9, 6], [6, 4]])
    y = ref.pool(SIXTEEN, "avg", size=3, stride=2, start=0, side=2)
    dx = ref.pool_grad(SIXTEEN, y, dy, "avg", size=3, stride=2, start=0)
    same(dx, [[1, 1, 2, 1], [1, 1, 2, 1], [2, 2, 4, 2], [1, 1, 2, 1]])


def test_pool_max_ties_all_get_the_full_gradient():
    x = image([[5, 1, 5], [5, 0, 2], [1, 5, 5]])
    y = ref.pool(x, "max", size=2, stride=1, start=0, side=2)
    same(y, [[5, 5], [5, 5]])
    dx = ref.pool_grad(x, y, image([[1, 10], [100, 1000]]), "max", size=2, stride=1, start=0)
    same(dx, [[1, 0, 10], [101, 0, 0], [0, 1100, 1000]])


def test_pool_maxabs_keeps_the_sign_and_the_later_of_equal_magnitudes():
    args = {"size": 2, "stride": 2, "start": 0}
    x = image([[3, -3, -3, 1], [-3, 0, 2, 3], [3, 1, 0, 0], [0, -4, 0, -1]])
    y = ref.pool(x, "maxabs", **args, side=2)
    same(y, [[-3, 3], [-4, -1]])
    dx = ref.pool_grad(x, y, image([[1, 2], [3, 4]]), "maxabs", **args)
    same(dx, [[0, 1, 0, 0], [1, 0, 0, 2], [0, 0, 0, 0], [0, 3, 0, 4]])


def test_pool_empty_window_is_an_error():
    with pytest.raises(ValueError, match="no pixel"):
        ref.pool(NINE, "max", size=2, stride=2, start=-2, side=2)


@pytest.mark.parametrize("kind", ["max", "avg", "sum", "maxabs"])
@pytest.mark.parametrize("size, stride, start, side", [(2, 1, 0, 4), (3, 2, -1, 3), (3, 2, 1, 2)])
def test_pool_gradients(kind, size, stride, start, side):
    rng = np.random.default_rng(4)
    x, dy = distinct(rng, 2, 5, 5, 2), rng.normal(size=(2, side, side, 2))
    y = ref.pool(x, kind, size, stride, start, side)
    dx = ref.pool_grad(x, y, dy, kind, size, stride, start)
    check_gradient(lambda x: ref.pool(x, kind, size, stride, start, side), x, dy, dx)


# ---- normalization


def maps(values):
    """One pixel, one case: (C, 1, 1, 1)."""
    return np.array(values, np.float64)[:, None, None, None]


def test_cmrnorm_even_window_leans_left():
    x = maps([1, 2, 3])  # D = 1+1, 1+1+4, 1+4+9
    same(ref.cmrnorm(x, 2, scale=1, power=1, k=1, blocked=False), [1 / 2, 2 / 6, 3 / 14])


def test_cmrnorm_window_of_four_has_two_left_and_one_right():
    x = maps([1, 2, 4, 8, 16])  # sums of 1, 4, 16, 64, 256 over 0-1, 0-2, 0-3, 1-4, 2-4
    d = [5, 21, 85, 340, 336]
    y = ref.cmrnorm(x, 4, scale=1, power=1, k=0, blocked=False)
    same(y, [1 / d[0], 2 / d[1], 4 / d[2], 8 / d[3], 16 / d[4]])


def test_cmrnorm_scale_power_and_k():
    # D = 7 + 0.5 * (1 + 4 + 13) = 16, then 16^-0.75 = 1/8
    y = ref.cmrnorm(maps([1, 2, math.sqrt(13)]), 3, scale=0.5, power=0.75, k=7, blocked=False)
    assert y[1, 0, 0, 0] == pytest.approx(2 / 8)


def test_cmrnorm_blocked_windows_do_not_slide():
    y = ref.cmrnorm(maps([1, 2, 3]), 2, scale=1, power=1, k=1, blocked=True)
    same(y, [1 / 6, 2 / 6, 3 / 10])


def test_cmrnorm_gradient_by_hand():
    dx = ref.cmrnorm_grad(maps([1, 2, 3]), maps([0, 1, 0]), 2, 1, 1, 1, False)
    same(dx, [-1 / 9, -1 / 18, 0])


def test_cmrnorm_transposed_window_starts_where_the_dialect_says():
    channels = 9
    for size in range(2, 7):
        for i in range(channels):
            x, dy = np.ones((channels, 1, 1, channels)), np.eye(channels)[:, None, None, :]
            touched = np.nonzero(ref.cmrnorm_grad(x, dy, size, 1, 1, 3, False)[i, 0, 0])[0]
            start = i - size + size // 2 + 1
            expected = [j for j in range(start, start + size) if 0 <= j < channels]
            assert list(touched) == expected


def test_rnorm_even_window_leans_up_and_left():
    x = image([[1, 2], [3, 4]])  # D = 1+1, 1+1+4, 1+1+9, 1+30
    y = ref.rnorm(x, 2, scale=1, power=1, k=1)
    same(y, [[1 / 2, 2 / 6], [3 / 11, 4 / 31]])


CORNER = image([[1, 2], [3, 4]])  # means 1, 1.5, 2, 2.5; D = 1, 1.25, 2, 4.5


def test_cnorm_divides_x_itself():
    same(ref.cnorm(CORNER, 2, scale=1, power=1, k=1), [[1, 1.6], [1.5, 8 / 9]])


def test_cnorm_gradient_by_hand():
    dx = ref.cnorm_grad(CORNER, image([[0, 1], [0, 0]]), 2, scale=1, power=1, k=1)
    same(dx, [[0, -0.48], [0, 0]])
    dx = ref.cnorm_grad(CORNER, image([[0, 0], [0, 1]]), 2, scale=1, power=1, k=1)
    same(dx, [[0, -16 / 81], [-32 / 81, -30 / 81]])


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("blocked", [False, True])
def test_cmrnorm_gradient(size, blocked):
    rng = np.random.default_rng(5)
    x, dy = rng.normal(size=(2, 5, 2, 2, 2))
    args = (size, 0.5, 0.75, 1.5, blocked)
    check_gradient(lambda x: ref.cmrnorm(x, *args), x, dy, ref.cmrnorm_grad(x, dy, *args))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_rnorm_gradient(size):
    rng = np.random.default_rng(6)
    x, dy = rng.normal(size=(2, 2, 4, 4, 2))
    args = (size, 0.5, 0.75, 1.5)
    check_gradient(lambda x: ref.rnorm(x, *args), x, dy, ref.rnorm_grad(x, dy, *args))


@pytest.mark.parametrize("size", [2, 3, 4])
def test_cnorm_gradient_with_the_mean_held(monkeypatch, size):
    rng = np.random.default_rng(7)
    x, dy = rng.normal(size=(2, 2, 4, 4, 2))
    args = (size, 0.5, 0.75, 1.5)
    dx = ref.cnorm_grad(x, dy, *args)
    mean = ref.pool(x, "avg", size, 1, -(size // 2), 4)
    monkeypatch.setattr(ref.normalization, "_centered", lambda x, size: x - mean)
    check_gradient(lambda x: ref.cnorm(x, *args), x, dy, dx)
