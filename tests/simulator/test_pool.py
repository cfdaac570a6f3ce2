"""Pooling against plain loops: unrolled windows and others, in both widths."""

import numpy as np
import pytest

from convnet.backends.cuda.ops import pool
from tests.support.simulator.direct import run

# side, outputs, size, stride, start
WINDOWS = [
    (5, 2, 3, 2, 0),
    (6, 3, 3, 2, 0),  # the last window hangs over
    (5, 3, 3, 2, -1),
    (5, 2, 3, 2, 1),
    (4, 4, 3, 1, -2),
    (5, 3, 2, 2, 0),
    (4, 4, 1, 1, 0),
    (7, 3, 4, 3, -1),
    (6, 3, 5, 2, -2),
    (4, 1, 4, 4, 0),
    (5, 5, 2, 2, -1),  # the last windows are empty
]
KINDS = "max", "maxabs", "avg", "sum"


def pixels(o, side, size, stride, start):
    first = start + o * stride
    return range(max(first, 0), min(first + size, side))


def pooled(x, dy, outputs, kind, *window):
    """y and the gradient of x, for one channel and case: (side, side), (outputs, outputs)."""
    y, dx = np.zeros((outputs, outputs)), np.zeros_like(x)
    for oi, oj in np.ndindex(y.shape):
        rows, columns = (pixels(o, len(x), *window) for o in (oi, oj))
        places = [(i, j) for i in rows for j in columns]
        if not places:
            continue
        values = np.array([x[p] for p in places])
        if kind in ("max", "maxabs"):
            sizes = values if kind == "max" else abs(values)
            y[oi, oj] = values[np.flatnonzero(sizes == sizes.max())[-1]]
            shares = values == y[oi, oj]
        else:
            shares = np.full(len(places), 1 / len(places) if kind == "avg" else 1.0)
            y[oi, oj] = values @ shares
        for place, share in zip(places, shares, strict=True):
            dx[place] += share * dy[oi, oj]
    return y, dx


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("geometry", WINDOWS, ids=str)
def test_pooling(geometry, kind):
    side, outputs, *window = geometry
    rng = np.random.default_rng(side)
    for cases, offset in ((3, 0), (8, 4), (8, 0)):
        x = rng.integers(-2, 3, (3, side, side, cases)).astype(np.float32)  # many are equal
        dy = rng.standard_normal((3, outputs, outputs, cases)).astype(np.float32)
        y, dx = np.zeros(dy.shape), np.zeros(x.shape)
        for c, n in np.ndindex(3, cases):
            y[c, ..., n], dx[c, ..., n] = pooled(
                x[c, ..., n].astype(float), dy[c, ..., n], outputs, kind, *window
            )
        width = 4 if (cases, offset) == (8, 0) else 1
        (_, found), names = run(pool.forward, (x, np.full_like(dy, np.nan), kind, *window), offset)
        made_for = f"{window[0]}x{window[1]}" if window[0] <= 3 else "any"
        assert names == [f"pool_forward_{kind}_{made_for}_{width}"]
        np.testing.assert_allclose(found, y, rtol=1e-6, atol=1e-6)
        for adds in (False, True):
            start = rng.standard_normal(x.shape).astype(np.float32)
            arguments = x, found, dy, start if adds else start * np.nan, kind, *window, adds
            (*_, gradient), names = run(pool.backward, arguments, offset)
            assert names == [f"pool_backward_{kind}_{made_for}_{width}"]
            np.testing.assert_allclose(gradient, dx + start * adds, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["max", "maxabs", "sum"])
def test_what_is_not_a_number_stays(kind):
    x = np.zeros((1, 3, 3, 4), np.float32)
    x[0, 1, 1] = np.nan
    (_, found), _ = run(pool.forward, (x, np.zeros((1, 2, 2, 4), np.float32), kind, 2, 1, 0))
    assert np.isnan(found).all()
