"""Random numbers of the CPU kernels: known answers, dropout masks, noise."""

import numba
import numpy as np
import pytest

from convnet.backends.cpu.jit import BLOCK
from convnet.backends.cpu.kernels.philox import philox
from convnet.backends.cpu.ops import dropout, neuron
from tests.support.kernel_checks import (
    RANDOM,
    as_type,
    both_types,
    check_gradient,
    close,
    nan,
    normal,
)


@numba.njit
def words_of(counter, key):
    return philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1])


def philox_reference(counter, key):
    """Ten rounds, in Python's integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 % 2**32, (p0 >> 32) ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def element_words(count):
    seed_lo, seed_hi, stream, step_lo, step_hi, _ = (int(r) for r in RANDOM)
    words = []
    for group in range(-(-count // 4)):
        words += philox_reference((group, stream, step_lo, step_hi), (seed_lo, seed_hi))
    return np.array(words[:count])


@pytest.mark.parametrize(
    "counter, key, expected",
    [
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    words = words_of(np.array(counter, np.uint64), np.array(key, np.uint64))
    assert " ".join(f"{w:08x}" for w in words) == expected
    assert philox_reference(counter, key) == tuple(words)


@both_types
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (5, 32), (3, BLOCK - 2)])
def test_dropout(real, shape):
    keep, scale = 0.3, 1.75
    x, dy = as_type(real, normal(1, shape), normal(2, shape))
    y, mask = nan(x), np.full(shape, 255, np.uint8)
    dropout.forward(x, y, mask, keep, scale, RANDOM)
    u = (element_words(x.size) >> 8) * 2.0**-24
    np.testing.assert_array_equal(mask.ravel(), u < keep)
    close(y, x * mask * real(scale))
    in_place = x.copy()
    dropout.forward(in_place, in_place, mask, keep, scale, RANDOM)
    np.testing.assert_array_equal(in_place, y)
    check_gradient(
        lambda dx, add: dropout.backward(dy, mask, dx, scale, add), dy * mask * real(scale), real
    )


def test_dropout_depends_on_every_word_of_random():
    x, masks = np.ones((8, 32)), []
    for changed in range(6):
        random = RANDOM.copy()
        random[changed] += 1
        masks.append(np.empty(x.shape, np.uint8))
        dropout.forward(x, x, masks[-1], 0.5, 1, random)
    plain = np.empty(x.shape, np.uint8)
    dropout.forward(x, x, plain, 0.5, 1, RANDOM)
    assert [bool((m == plain).all()) for m in masks] == [False] * 5 + [True]


def test_dropout_that_keeps_all_or_nothing():
    x, mask = np.ones((3, 50)), np.empty((3, 50), np.uint8)
    dropout.forward(x, np.empty_like(x), mask, 1.0, 1, RANDOM)
    assert mask.all()
    dropout.forward(x, np.empty_like(x), mask, 0.0, 1, RANDOM)
    assert not mask.any()


@both_types
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (5, 33)])
def test_noisy_neuron(real, shape):
    x = 3 * normal(3, shape, real)
    words = np.concatenate([element_words(-(-x.size // 4) * 4)])
    u = ((words >> 8) + 1) * 2.0**-24
    radius, angle = np.sqrt(-2 * np.log(u[::2])), 2 * np.pi * u[1::2]
    noise = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()
    r = np.maximum(0, x).astype(float)
    expected = np.maximum(0, r + np.sqrt(r) * noise[: x.size].reshape(shape))
    y = nan(x)
    neuron.noisy(x, y, RANDOM)
    close(y, expected)
    neuron.noisy(x, x, RANDOM)
    np.testing.assert_array_equal(x, y)
    dx = nan(x)
    neuron.backward(x, y, np.ones_like(x), dx, "nrelu", 0, 0, False)
    np.testing.assert_array_equal(dx, y > 0)


def test_noise_has_the_variance_of_its_mean():
    x, y = np.full((100, 1000), 25.0), np.empty((100, 1000))
    neuron.noisy(x, y, RANDOM)
    assert abs(y.mean() - 25) < 0.1 and abs(y.std() - 5) < 0.05
