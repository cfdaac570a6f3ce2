"""The CPU kernels of softmax, costs, sums, weight updates and copies."""

import math

import numpy as np
import pytest

from convnet.backends.cpu.jit import BLOCK
from convnet.backends.cpu.ops import (
    cost_logreg,
    cost_sum2,
    elementwise,
    eltmax,
    softmax,
    transfer,
    update,
)
from tests.support.kernel_checks import (
    all_cases,
    both_types,
    call,
    check_derivative,
    check_gradient,
    close,
    nan,
    normal,
)


def softmax_reference(x):
    e = np.exp(x - x.max(axis=0))
    return e / e.sum(axis=0)


@both_types
@all_cases
@pytest.mark.parametrize("classes", [1, 10, 101])
def test_softmax(real, cases, classes):
    x, dy = 5 * normal(1, (classes, cases)) + 1000, normal(2, (classes, cases))
    x = x.astype(np.float32).astype(float)
    y, x_, dy_ = softmax_reference(x), x.astype(real), dy.astype(real)
    out = nan(x_)
    call(softmax.forward, x_, out)
    close(out, y)
    expected = y * (dy - (dy * y).sum(axis=0))
    y_ = y.astype(real)
    check_gradient(lambda dx, add: call(softmax.backward, y_, dy_, dx, add), expected, real)


def test_softmax_derivative():
    x, dy = normal(1, (9, 5)), normal(2, (9, 5))
    y, dx = np.empty_like(x), np.empty_like(x)

    def function(x):
        call(softmax.forward, x, y)
        return y.copy()

    function(x)
    call(softmax.backward, y, dy, dx, False)
    check_derivative(function, dx, x, dy)


@both_types
def test_eltmax(real):
    inputs = [np.round(normal(s, (5, 33))).astype(real) for s in (1, 2, 3)]
    y = nan(inputs[0])
    eltmax.forward(inputs[0], inputs[1], y)
    np.testing.assert_array_equal(y, np.max(inputs[:2], axis=0))
    eltmax.forward(y, inputs[2], y)
    np.testing.assert_array_equal(y, np.max(inputs, axis=0))
    dy = normal(4, (5, 33), real)
    for x in inputs:
        check_gradient(lambda dx, add, x=x: eltmax.backward(x, y, dy, dx, add), (x == y) * dy, real)


@both_types
def test_a_nan_stays_in_a_maximum(real):
    a, b = np.ones((2, 40), real), np.ones((2, 40), real)
    a[0, 3], b[1, 5] = np.nan, np.nan
    y = np.zeros_like(a)
    eltmax.forward(a, b, y)
    assert np.isnan(y).sum() == 2 and np.isnan(y[0, 3]) and np.isnan(y[1, 5])
    eltmax.forward(a, b, a)
    np.testing.assert_array_equal(a, y)


@both_types
@pytest.mark.parametrize("shape", [(1, 1), (3, 4, 4, 7), (5, BLOCK - 1)])
def test_weighted_sum(real, shape):
    a, b = normal(1, shape, real), normal(2, shape, real)
    y = nan(a)
    elementwise.weighted_sum(a, b, y, 0.3, -1.5)
    close(y, 0.3 * a.astype(float) - 1.5 * b.astype(float))


@both_types
@pytest.mark.parametrize("shape", [(1, 1), (3, 4, 4, 7), (5, BLOCK - 1)])
def test_scale_and_sum2(real, shape):
    x = normal(1, shape, real)
    check_gradient(lambda y, add: elementwise.scale(x, y, -1.5, add), -1.5 * x, real)
    check_gradient(lambda y, add: cost_sum2.backward(x, y, 0.75, add), 1.5 * x, real)
    values = np.full(1, np.nan)
    call(cost_sum2.forward, x, values)
    assert math.isclose(values[0], (x.astype(float) ** 2).sum(), rel_tol=1e-12)
    y = x.copy()
    elementwise.scale(y, y, 3, False)
    close(y, 3 * x)
    elementwise.scale(y, y, 3, True)
    close(y, 12 * x)


def correct_share(p, label, places):
    """The probability to be among the first `places` when ties are broken at random."""
    left = places - (p > p[label]).sum()
    return min(max(left, 0) / (p == p[label]).sum(), 1)


@both_types
@all_cases
@pytest.mark.parametrize("topk", [1, 2, 5])
def test_logreg(real, cases, topk):
    generator = np.random.default_rng(5)
    probs = (generator.integers(1, 5, (9, cases)) / 16).astype(real)  # many ties
    probs[0, 0] = 0
    labels = generator.integers(0, 9, (1, cases)).astype(real)
    labels[0, 0] = 0
    expected, smallest = np.zeros(3), float(np.finfo(real).tiny)
    onehot = np.arange(9)[:, None] == labels
    for n in range(cases):
        p, label = probs[:, n].astype(float), int(labels[0, n])
        expected -= [math.log(max(p[label], smallest)), -1, -1]
        expected[1:] -= [correct_share(p, label, 1), correct_share(p, label, topk)]
    values = np.full(3, np.nan)
    call(cost_logreg.forward, labels, probs, values, topk)
    close(values, expected)

    fused = 0.5 * (probs - onehot)
    check_gradient(
        lambda d, add: cost_logreg.backward(labels, probs, d, 0.5, True, add), fused, real
    )
    probs[0, 0] = 0.25  # the derivative at the floor would dominate the others
    plain = -0.5 * onehot / probs
    check_gradient(
        lambda d, add: cost_logreg.backward(labels, probs, d, 0.5, False, add), plain, real
    )


def test_logreg_gradient_at_zero_is_finite_and_a_nan_shows():
    labels, probs, d = np.zeros((1, 2)), np.zeros((3, 2)), np.empty((3, 2))
    probs[:, 1] = np.nan
    cost_logreg.backward(labels, probs, d, 1, False, False)
    assert d[0, 0] == -1 / np.finfo(float).tiny and np.isnan(d[0, 1])
    values = np.empty(3)
    call(cost_logreg.forward, labels, probs, values, 1)
    assert np.isnan(values[0])


def test_label_of_no_class_counts_as_wrong():
    labels, probs = np.array([[-1.0, 3.0]]), np.full((3, 2), 1 / 3)
    values, d = np.empty(3), np.empty((3, 2))
    call(cost_logreg.forward, labels, probs, values, 3)
    np.testing.assert_allclose(values, [-2 * math.log(np.finfo(float).tiny), 2, 2])
    cost_logreg.backward(labels, probs, d, 1, True, False)
    close(d, probs)


def test_logreg_derivative_through_softmax():
    x, labels = normal(1, (6, 4)), np.array([[0.0, 5, 2, 2]])
    probs, dx, values = np.empty_like(x), np.empty_like(x), np.empty(3)

    def function(x):
        call(softmax.forward, x, probs)
        call(cost_logreg.forward, labels, probs, values, 1)
        return values[0]

    function(x)
    cost_logreg.backward(labels, probs, dx, 1, True, False)
    fused, unfused = dx.copy(), np.empty_like(x)
    cost_logreg.backward(labels, probs, dx, 1, False, False)
    call(softmax.backward, probs, dx, unfused, False)
    close(unfused, fused)
    check_derivative(function, fused, x, np.float64(1))


@both_types
@pytest.mark.parametrize("shape", [(1,), (3, 5, 7), (5, BLOCK - 1)])
def test_sgd(real, shape):
    w, dw, v = (normal(s, shape, real) for s in (1, 2, 3))
    old = [a.astype(float) for a in (w, dw, v)]
    update.sgd(w, dw, v, np.array([0.9, 0.25, 0.125]))
    step = 0.9 * old[2] - 0.25 * old[1] - 0.125 * old[0]
    close(v, step)
    close(w, old[0] + step)
    close(dw, old[1])
    update.scaled_add(dw, w, np.array([-0.5]))
    close(w, old[0] + step - 0.5 * old[1])


@both_types
@pytest.mark.parametrize("shape", [(1, 27, 96), (4, 10, 7), (5, 12, 1), (2, 3, 65)])
def test_weight_ball(real, shape):
    spread = np.linspace(0.5, 1.5, shape[0] * shape[2]).reshape(shape[0], 1, shape[2])
    w = normal(1, shape, real) * spread.astype(real)
    w[0, :, 0] = 0  # stays
    norms = np.sqrt((w.astype(float) ** 2).sum(axis=1, keepdims=True))
    limit = np.median(norms)
    safe = np.where(norms > 0, norms, 1)
    above, always = w.copy(), w.copy()
    call(update.weight_ball, above, limit, False)
    close(above, np.where(norms > limit, w * limit / safe, w))
    call(update.weight_ball, always, limit, True)
    close(always, w * limit / safe)


@both_types
@pytest.mark.parametrize("shape", [(1, 27, 96), (4, 10, 7), (5, 12, 1)])
@pytest.mark.parametrize("bounds", [(0, 0), (0.3, 0), (0, 0.3), (0.7, 1.3)])
def test_contrast(real, shape, bounds):
    spread = np.linspace(0.5, 1.5, shape[0] * shape[2]).reshape(shape[0], 1, shape[2])
    w = (normal(1, shape) * spread + 0.5).astype(real)
    w[0, :, 0] = 0.5  # no contrast: stays
    centered = w.astype(float) - w.astype(float).mean(axis=1, keepdims=True)
    a = np.sqrt((centered**2).sum(axis=1, keepdims=True)) / shape[1]
    low, high = (b * np.median(a) for b in bounds)
    safe = np.where(a > 0, a, 1)
    factor = np.where((a < low) & (a > 0), low / safe, 1)
    factor = np.where((a > high) & (high > 0), high / safe, factor)
    expected = w * factor
    call(update.contrast, w, low, high)
    close(w, expected)


def test_copy():
    x, y = normal(1, (3, 4), np.float32), np.full((3, 4), np.nan, np.float32)
    transfer.copy(x, y)
    np.testing.assert_array_equal(x, y)
