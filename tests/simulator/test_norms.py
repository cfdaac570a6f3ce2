"""Response normalisation across channels, against NumPy: windows in registers, and longer ones."""

import numpy as np
import pytest
from direct import run

from convnet.backends.cuda import cmrnorm

SCALE, K = 0.4, 1.5  # the normalising term is large


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
    y, d, slopes = expected(x.astype(float), dy.astype(float), size, power, blocked)
    if adds:
        slopes += dx
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
        close(found, slopes)
        assert (names == [f"cmrnorm_backward_{size}_{width}"]) == in_registers
