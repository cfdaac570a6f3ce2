"""Softmax and its cost against NumPy: classes held in registers, and more than those."""

import numpy as np
import pytest

from convnet.backends.cuda.ops import cost_logreg, softmax
from tests.support.simulator.direct import run


def close(found, wanted):
    assert np.linalg.norm(found - wanted) <= 2e-6 * np.linalg.norm(wanted)


@pytest.mark.parametrize("classes", [3, softmax._REST, 3 * softmax._REST + 5])
@pytest.mark.parametrize("cases", [5, 12])
def test_softmax(classes, cases):
    rng = np.random.default_rng(classes)
    x, dy, dx = (rng.standard_normal((classes, cases)).astype(np.float32) * 3 for _ in range(3))
    y = np.exp(x.astype(float) - x.max(0))
    y /= y.sum(0)
    (_, found), _ = run(softmax.forward, (x, np.full_like(x, np.nan)))
    close(found, y)
    expected_dx = y * (dy - (dy * y).sum(0))
    for adds in (False, True):
        start = dx if adds else np.full_like(dx, np.nan)
        (_, _, gradient), _ = run(softmax.backward, (found, dy, start, adds))
        close(gradient, expected_dx + (dx if adds else 0))


@pytest.mark.parametrize("cases", [5, 12])
def test_cost(cases, classes=3 * softmax._REST + 5):
    rng = np.random.default_rng(cases)
    probs = rng.integers(1, 30, (classes, cases)).astype(np.float32) / 64  # some tie
    labels = rng.integers(0, classes, (1, cases)).astype(np.float32)
    labels[0, :2] = -1, classes  # no classes
    known = (labels[0] >= 0) & (labels[0] < classes)
    chosen = np.where(known, probs[labels[0].astype(int) % classes, np.arange(cases)], 0.0)
    cost, top = -np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).sum(), np.zeros(2)
    for p, v in zip(probs.T, chosen, strict=True):
        greater, equal = (p > v).sum(), (p == v).sum()
        for i, places in enumerate((1, 4)):
            top[i] += 1 - (min(max(places - greater, 0), equal) / equal if equal else 0)
    (*_, values), _ = run(cost_logreg.forward, (labels, probs, np.full(3, np.nan), 4))
    close(values, [cost, *top])
    once = (labels == np.arange(classes)[:, None]).astype(float)
    start = rng.standard_normal(probs.shape).astype(np.float32)
    for fused, gradient in ((True, probs - once), (False, -once / probs)):
        for offset in (0, 4):
            arguments = labels, probs, start, 0.7, fused, True
            (*_, found), names = run(cost_logreg.backward, arguments, offset)
            assert names == [f"logreg_backward_{4 if (cases, offset) == (12, 0) else 1}"]
            close(found, 0.7 * gradient + start)
