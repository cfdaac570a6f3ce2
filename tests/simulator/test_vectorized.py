"""Vectorized kernels and their scalar forms: each runs where it should, with the same bits.

Most rows of the table of cases run the scalar forms; by this test their results hold for the
vectorized ones.
"""

import numpy as np
import pytest

from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.kernels import row_sums
from convnet.backends.cuda.kernels.neuron_functions import FUNCTIONS
from convnet.backends.cuda.ops import bias, dropout, elementwise, eltmax, neuron, update
from convnet.backends.cuda.runtime import launch
from convnet.errors import DeviceError
from tests.support.simulator.direct import run

RANDOM = np.array([3, 5, 7, 11, 13, 0], np.uint32)
RATES = np.array([0.9, 0.1, 0.01, 0.25])
VALUES, MASK = "values", "mask"  # arrays that are drawn
TWO, THREE, FOUR = ((VALUES,) * count for count in (2, 3, 4))

STREAMS = {
    "scale": (elementwise.scale, *TWO, 0.7, False),
    "scale, add": (elementwise.scale, *TWO, 0.7, True),
    "weighted sum": (elementwise.weighted_sum, *THREE, 0.7, -1.3),
    "eltmax": (eltmax.forward, *THREE),
    "eltmax: back": (eltmax.backward, *FOUR, False),
    "eltmax: back, add": (eltmax.backward, *FOUR, True),
    "dropout": (dropout.forward, *TWO, MASK, 0.3, 2.0, RANDOM),
    "dropout: back": (dropout.backward, VALUES, MASK, VALUES, 2.0, False),
    "dropout: back, add": (dropout.backward, VALUES, MASK, VALUES, 2.0, True),
    "sgd": (update.sgd, VALUES, VALUES, VALUES, RATES),
    "by deviation": (update.by_deviation, *FOUR, VALUES, RATES, 2.0),
    "scaled add": (update.scaled_add, *TWO, RATES),
    "noisy": (neuron.noisy, *TWO, RANDOM),
}
for kind in FUNCTIONS:
    STREAMS[kind] = (neuron.forward, *TWO, kind, 0.7, 0.4)
    STREAMS[f"{kind}: back"] = (neuron.backward, *FOUR, kind, 0.7, 0.4, False)
    STREAMS[f"{kind}: back, add"] = (neuron.backward, *FOUR, kind, 0.7, 0.4, True)


def drawn(arguments, shape):
    rng = np.random.default_rng(1)
    found = {
        VALUES: lambda: rng.uniform(0.2, 0.9, shape).astype(np.float32).round(1),
        MASK: lambda: rng.integers(0, 2, shape).astype(np.uint8),
    }
    return [found[a]() if isinstance(a, str) and a in found else a for a in arguments]


@pytest.mark.parametrize("shape", [(7, 12), (5, 7), (9, 60)], ids=str)
@pytest.mark.parametrize("name", STREAMS)
def test_widths_agree(monkeypatch, name, shape):
    monkeypatch.setattr(launch, "MOST_BLOCKS", 2)  # so that threads take several steps
    function, *arguments = STREAMS[name]
    arguments = drawn(arguments, shape)
    aligned, vector = run(function, arguments)
    moved, scalar = run(function, arguments, offset=4)
    expected = "4" if np.prod(shape) % 4 == 0 else "1"
    assert [n[-1] for n in vector] == [expected] and [n[-1] for n in scalar] == ["1"]
    assert all(np.array_equal(a, b) for a, b in zip(aligned, moved, strict=True))
    before = [a for a in arguments if isinstance(a, np.ndarray)]
    assert any(not np.array_equal(a, b) for a, b in zip(aligned, before, strict=True))


def squared(y, b):
    return Epilogue(b, "square", 0.0, 0.0).launches(y)


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("short", [4, 64], ids=["whole blocks", "teams"])
@pytest.mark.parametrize("shape", [(3, 40), (37, 12), (5, 7), (2, 301), (2, 604)], ids=str)
def test_biases(monkeypatch, shape, short, adds):
    """Rows of one team, of one block, and of several blocks."""
    monkeypatch.setattr(row_sums, "_SHORT", short)
    monkeypatch.setattr(row_sums, "_LONG", 128)
    monkeypatch.setattr(launch, "MOST_BLOCKS", 2)
    rng = np.random.default_rng(2)
    b, y, dy, dx = (rng.standard_normal(s).astype(np.float32) for s in (shape[:1], *[shape] * 3))
    for offset in (0, 4):
        width = 4 if shape[1] % 4 == 0 and offset == 0 else 1
        (found, _), names = run(squared, (y, b), offset)
        assert names == [f"epilogue_square_{width}"]
        close(found, (y.astype(float) + b[:, None]) ** 2)
        (_, found), names = run(bias.grad, (y, b, adds), offset)
        assert names[0][-1] == f"{width}" and len(names) == (2 if shape[1] > 128 else 1)
        close(found, y.astype(float).sum(1) + (b if adds else 0))
        arguments = y, y, dy, dx, "square", 0.0, 0.0, b, adds
        (*_, gradient, found), names = run(neuron.backward_fused, arguments, offset)
        assert names[0][-1] == f"{width}" and len(names) == (2 if shape[1] > 128 else 1)
        close(gradient, 2.0 * y * dy)
        close(found, gradient.astype(float).sum(1) + (b if adds else 0))


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_an_array_beyond_int32_is_refused():
    whole = launch.Array(None, 0, (2**20, 2**11), np.dtype(np.float32))
    with pytest.raises(DeviceError, match="2,147,483,648 values.*scale_4.*Lower --minibatch"):
        elementwise.scale(whole, whole, 1.0, False)
