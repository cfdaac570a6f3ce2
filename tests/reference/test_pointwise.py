"""The reference of neurons, costs and learning: hand-worked numbers and differences.

The expected values come from the formulas, on paper; none was copied from a run.
"""

import math

import numpy as np
import pytest

import tests.support.reference as ref
from tests.support.reference.checking import check_gradient, column, distinct, same

# ---- neurons, softmax, elementwise layers

LN3 = math.log(3)
NEURONS = [
    # kind, a, b, xs, ys, derivatives
    ("ident", 0, 0, [-2, 3], [-2, 3], [1, 1]),
    ("relu", 0, 0, [-2, 0, 3], [0, 0, 3], [0, 0, 1]),
    ("brelu", 2, 0, [-1, 0, 1, 2, 3], [0, 0, 1, 2, 2], [0, 0, 1, 0, 0]),
    ("drelu", 2, 0, [LN3, -LN3], [LN3 - 1, 1 - LN3], [0.25, 0.25]),  # tanh(ln(3)/2) = 1/2
    ("softrelu", 0, 0, [0, LN3, 5], [math.log(2), math.log(4), 5], [0.5, 0.75, 1]),
    ("logistic", 0, 0, [0, LN3, -LN3], [0.5, 0.75, 0.25], [0.25, 0.1875, 0.1875]),
    ("tanh", 3, 0.5, [0, LN3], [0, 1.5], [1.5, 1.125]),  # b (a - y^2/a) = 0.5 (3 - 0.75)
    ("tanh", 3, -0.5, [LN3], [-1.5], [-1.125]),
    ("abs", 0, 0, [-2, 0, 3], [2, 0, 3], [-1, -1, 1]),
    ("square", 0, 0, [-2, 3], [4, 9], [-4, 6]),
    ("sqrt", 0, 0, [4, 0.25], [2, 0.5], [0.25, 1]),
    ("linear", 3, 2.2, [0, -1], [2.2, -0.8], [3, 3]),
    ("log", 2, 0, [-1, 0], [0, math.log(2)], [1, 0.5]),
]


@pytest.mark.parametrize("kind, a, b, xs, ys, slopes", NEURONS)
def test_neuron(kind, a, b, xs, ys, slopes):
    x = column(xs)
    y = ref.neuron(x, kind, a, b)
    np.testing.assert_allclose(y, column(ys), rtol=1e-14, atol=1e-15)
    dx = ref.neuron_grad(x, y, 2 * np.ones_like(y), kind, a, b)
    np.testing.assert_allclose(dx, 2 * column(slopes), rtol=1e-14)


def test_neurons_do_not_overflow():
    x = column([-1000, 1000])
    same(ref.neuron(x, "softrelu"), [0, 1000])
    same(ref.neuron(x, "logistic"), [0, 1])


@pytest.mark.parametrize("kind, a, b", sorted({row[:3] for row in NEURONS}))
def test_neuron_gradients(kind, a, b):
    rng = np.random.default_rng(8)
    x = 3 * distinct(rng, 20, 2)  # has values below 0 and above the bound 2 of brelu
    if kind in ("sqrt", "log"):
        x = np.abs(x)
    dy = rng.normal(size=x.shape)
    dx = ref.neuron_grad(x, ref.neuron(x, kind, a, b), dy, kind, a, b)
    check_gradient(lambda x: ref.neuron(x, kind, a, b), x, dy, dx)


def test_softmax():
    rng = np.random.default_rng(9)
    same(ref.softmax(column([0, LN3])), [0.25, 0.75])
    same(ref.softmax(column([1000, 1000 + LN3])), [0.25, 0.75])
    same(ref.softmax_grad(column([0.25, 0.75]), column([1, 0])), [0.1875, -0.1875])
    x, dy = rng.normal(size=(2, 4, 3))
    check_gradient(ref.softmax, x, dy, ref.softmax_grad(ref.softmax(x), dy))


def test_eltsum():
    xs = [column([1, 2]), column([10, 20])]
    same(ref.eltsum(xs, [2, -1]), [-8, -16])
    first, second = ref.eltsum_grads(column([1, 3]), [2, -1])
    same(first, [2, 6])
    same(second, [-1, -3])


def test_eltmax_ties_all_get_the_full_gradient():
    xs = [column([1, 5, 7]), column([1, 6, 3]), column([0, 6, 7])]
    same(ref.eltmax(xs), [1, 6, 7])
    first, second, third = ref.eltmax_grads(xs, column([10, 20, 30]))
    same(first, [10, 0, 30])
    same(second, [10, 20, 0])
    same(third, [0, 20, 30])


def test_concat_stacks_rows_in_input_order():
    same(ref.concat([column([3, 4]), column([1])]), [3, 4, 1])


# ---- costs


def test_logreg_counts_ties_in_parts():
    probs = np.array([[0.5, 0.5, 0.4], [0.25, 0.25, 0.2], [0.25, 0.25, 0.4]])
    labels = np.array([[0.0, 1.0, 2.0]])
    # case 1: right; case 2: shares the second place; case 3: shares the first place
    cost, top1, top2 = ref.logreg(labels, probs, topk=2)
    assert cost == pytest.approx(math.log(2 * 4 * 2.5))
    assert (top1, top2) == (0 + 1 + 0.5, 0 + 0.5 + 0)


def test_logreg_three_tied_for_two_places():
    _, top1, top2 = ref.logreg(np.array([[1.0]]), column([0.3, 0.3, 0.3, 0.1]), topk=2)
    assert top1 == pytest.approx(2 / 3)
    assert top2 == pytest.approx(1 / 3)


def test_logreg_top1_equals_topk_of_one_and_floor():
    cost, top1, topk = ref.logreg(np.array([[1.0]]), column([1.0, 0.0]), topk=1, floor=0.125)
    assert (top1, topk) == (1, 1)
    assert cost == pytest.approx(math.log(8))
    same(ref.logreg_grad(np.array([[1.0]]), column([1, 0]), 1, fused=False, floor=0.125), [0, -8])


def test_logreg_gradients():
    rng = np.random.default_rng(10)
    label = np.array([[1.0]])
    probs = column([0.5, 0.25, 0.25])
    same(ref.logreg_grad(label, probs, coeff=2, fused=True), [1, -1.5, 0.5])
    same(ref.logreg_grad(label, probs, coeff=2, fused=False), [0, -8, 0])
    x, labels, coeff = rng.normal(size=(4, 3)), np.array([[2.0, 0.0, 3.0]]), 1.5
    probs = ref.softmax(x)
    unfused = ref.logreg_grad(labels, probs, coeff, fused=False)
    fused = ref.logreg_grad(labels, probs, coeff, fused=True)
    np.testing.assert_allclose(ref.softmax_grad(probs, unfused), fused, atol=1e-14)
    check_gradient(lambda p: ref.logreg(labels, p, 1)[0], probs, coeff, unfused)
    check_gradient(lambda x: ref.logreg(labels, ref.softmax(x), 1)[0], x, coeff, fused)


def test_sum2():
    assert ref.sum2(np.array([[1, 2], [3, -4]])) == 30
    same(ref.sum2_grad(column([1, -2]), coeff=0.5), [1, -2])


# ---- learning


def test_update_by_hand():
    w, v = ref.update(2.0, 0.5, gradient_sum=6.0, cases=3, rate=0.1, momentum=0.9, decay=0.01)
    # mean of -dE/dw = -2: v = 0.45 - 0.2 - 0.1 * 0.01 * 2
    assert v == pytest.approx(0.248)
    assert w == pytest.approx(2.248)


def test_wball_conv():
    w = np.array([[3.0, 0.3, 0], [4, 0.4, 0]]).reshape(1, 1, 2, 3)
    same(ref.wball(w, 1, "conv", "chm"), [[1.2, 0.3, 0], [1.6, 0.4, 0]])  # limit 1 * 2
    same(ref.wball(w, 1, "conv", "cc2"), [[0.6, 0.6, 0], [0.8, 0.8, 0]])


def test_wball_local_only_shrinks():
    w = np.array([[3.0, 0.3], [4, 0.4], [0.3, 3], [0.4, 4]]).reshape(2, 1, 1, 2, 2)
    expected = [[[0.6, 0.3], [0.8, 0.4]], [[0.3, 0.6], [0.4, 0.8]]]
    same(ref.wball(w, 1, "local", "cc2"), expected)
    same(ref.wball(w, 0.5, "local", "chm"), expected)  # limit 0.5 * 2


def test_wball_fc_has_a_filter_per_output():
    w = np.array([[3.0, 4], [0.3, 0.4]])
    same(ref.wball(w, 1, "fc", "chm"), [[1.2, 1.6], [0.3, 0.4]])
    same(ref.wball(w, 1, "fc", "cc2"), [[0.6, 0.8], [0.6, 0.8]])


def test_wcnorm_divides_by_n():
    w = np.array([[1.0, 5, 0.5], [3, 5, 1.5]]).reshape(1, 1, 2, 3)
    quarter = math.sqrt(2) / 4  # contrasts: 2 quarters, 0, 1 quarter
    same(ref.wcnorm(w, 0, quarter), [[0.5, 5, 0.5], [1.5, 5, 1.5]])
    same(ref.wcnorm(w, 3 * quarter, 4 * quarter), [[1.5, 5, 1.5], [4.5, 5, 4.5]])
    same(ref.wcnorm(w, 0, 0), [[1, 5, 0.5], [3, 5, 1.5]])


RATES = [
    ("default", 0.3, None, None, 0.5, 0.3),
    ("const", 0.3, None, None, 1.0, 0.3),
    ("linear", 1.0, 10, None, 0.5, 0.55),
    ("linear", 1.0, 10, None, 1.0, 0.1),
    ("exp", 0.01, 100, None, 0.5, 0.001),
    ("exp", 0.0, 100, None, 0.5, 0.0),
    ("dexp", 1.0, 1000, 4, 0.0, 1.0),
    ("dexp", 1.0, 1000, 4, 0.25, 1.0),
    ("dexp", 1.0, 1000, 4, 0.26, 0.1),
    ("dexp", 1.0, 1000, 4, 0.75, 0.01),
    ("dexp", 1.0, 1000, 4, 1.0, 0.001),
    ("dexp", 1.0, 1000, 1, 0.0, 0.001),
    ("jdexp", 1.0, 1000, 4, 0.2, 1.0),  # still the first step: nothing before it
    ("jdexp", 1.0, 1000, 4, 0.3, 0.1),
    ("jdexp", 1.0, 1000, 4, 0.4, 0.1**0.5),
    ("jdexp", 1.0, 1000, 4, 0.7, 0.1**1.5),
    ("jdexp", 1.0, 1000, 4, 0.89, 0.1**2.5),
    ("jdexp", 1.0, 1000, 4, 0.92, 0.001),  # past the middle of a step, and past 0.9
    ("jdexp", 1.0, 100, 2, 0.3, 1.0),  # past the middle of the first step
    ("jdexp", 1.0, 10**7, 8, 0.19, 0.1),  # past the middle of a step, but not past 0.2
    ("jdexp", 1.0, 1000, 1, 0.7, 0.001),
]


@pytest.mark.parametrize("kind, base, factor, steps, progress, expected", RATES)
def test_rate(kind, base, factor, steps, progress, expected):
    assert ref.rate(kind, base, factor, steps, progress) == pytest.approx(expected, rel=1e-12)


def test_rate_exp_is_the_same_in_its_older_form():
    base, factor, p = 0.02, 250, 0.3
    older = base ** (1 + p * (math.log(base / factor) / math.log(base) - 1))
    assert ref.rate("exp", base, factor, None, p) == pytest.approx(older, rel=1e-12)
