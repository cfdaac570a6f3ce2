"""Response normalization across channels, against NumPy: windows in registers, and longer ones."""

import numpy as np
import pytest

from convnet.backends.cuda.ops import cmrnorm, rnorm
from tests.support.simulator.direct import run

SCALE, K = 0.4, 1.5  # the normalizing term is large


def windows(channels, size, blocked):
    """[i, j]: whether channel j lies in the window of channel i."""
    i, j = np.ogrid[:channels, :channels]
    first = i // size * size if blocked else i - size // 2
    return ((j >= first) & (j < first + size)).astype(float)


def expected(x, dy, size, power, blocked):
    inside = windows(len(x), size, blocked)
    d = K + SCALE * np.einsum("ij,jabn->iabn", inside, x**2)
    y = x * d**-power
    sums = np.einsum("ji,jabn->iabn", inside, dy * y / d)
    return y, d, dy * d**-power - 2 * SCALE * power * x * sums


def close(found, wanted):
    assert np.linalg.norm(found - wanted) < 2e-6 * np.linalg.norm(wanted)


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize(
    ("channels", "size", "power", "blocked"),
    [
        (1, 1, 0.75, False),
        (7, 2, 0.6, False),
        (11, 5, 0.75, False),
        (13, 4, 1.0, False),
        (5, 9, 0.75, False),
        (12, 10, 0.75, False),
        (20, 3, 0.5, True),
    ],
)
@pytest.mark.parametrize("cases", [5, 8])
def test_across_channels(channels, size, power, blocked, cases, adds):
    rng = np.random.default_rng(size)
    shape = channels, 2, 3, cases
    x, dy, dx = (rng.standard_normal(shape).astype(np.float32) for _ in range(3))
    y, d, expected_dx = expected(x.astype(float), dy.astype(float), size, power, blocked)
    if adds:
        expected_dx += dx
    in_registers = size <= 9 and not blocked
    for offset in (0, 4):
        arguments = x, np.full_like(x, np.nan), np.full_like(x, np.nan)
        numbers = size, SCALE, power, K, blocked
        (_, found, denominators), names = run(cmrnorm.forward, (*arguments, *numbers), offset)
        close(found, y)
        width = 4 if cases == 8 and offset == 0 else 1
        assert (names == [f"cmrnorm_forward_{size}_{width}"]) == in_registers
        if in_registers:
            denominators[:] = np.nan  # not needed
        start = dx if adds else np.full_like(dx, np.nan)
        arguments = x, found, dy, denominators, start, *numbers, adds
        (*_, found), names = run(cmrnorm.backward, arguments, offset)
        close(found, expected_dx)
        assert (names == [f"cmrnorm_backward_{size}_{width}"]) == in_registers


def square_sums(q, size, lean):
    """The sum of q over the square around each pixel that begins `lean` before it."""
    total = np.zeros_like(q)
    for i, j in np.ndindex(q.shape[1:3]):
        rows, columns = (slice(max(p - lean, 0), max(p - lean + size, 0)) for p in (i, j))
        total[:, i, j] = q[:, rows, columns].sum((1, 2))
    return total


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("cases", [5, 8])
def test_over_pixels(size, cases, adds):
    rng = np.random.default_rng(size)
    x, dy, dx = (rng.standard_normal((2, 4, 5, cases)).astype(np.float32) for _ in range(3))
    d = K + SCALE * square_sums(x.astype(float) ** 2, size, size // 2)
    y = x * d**-0.75
    sums = square_sums(dy * y / d, size, size - size // 2 - 1)
    expected_dx = dy * d**-0.75 - 1.5 * SCALE * x * sums + (dx if adds else 0)
    for offset in (0, 4):
        width = 4 if cases == 8 and offset == 0 else 1
        empty, numbers = np.full_like(x, np.nan), (size, SCALE, 0.75)
        (_, out, denom), names = run(rnorm.forward, (x, empty, empty, *numbers, K), offset)
        assert names == [f"rnorm_forward_{width}"]
        close(out, y)
        close(denom, d)
        arguments = x, out, dy, denom, dx if adds else empty, *numbers, adds
        (*_, found), names = run(rnorm.backward, arguments, offset)
        assert names == [f"rnorm_backward_{width}"]
        close(found, expected_dx)
