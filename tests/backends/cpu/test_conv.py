"""conv, local, bias and fc on the CPU against plain loops in float64."""

import os
import subprocess
import sys

import numpy as np
import pytest

from convnet.backends.cpu.engine import aligned
from convnet.backends.cpu.gemm import few_columns
from convnet.backends.cpu.ops import bias, conv, fc, local
from convnet.backends.cpu.winograd import tiling
from convnet.backends.cpu.winograd import weight_gradient as winograd_weights
from convnet.backends.cpu.winograd.points import SIDES
from convnet.compiling.nontemporal import STREAM_BYTES

TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}

# C, H, W, N, K, padding, stride, groups, F, M
CASES = {
    "first layer": (3, 39, 39, 8, 11, 2, 4, 1, 48, 9),
    "first layer, ragged": (3, 30, 30, 7, 11, 0, 4, 1, 10, 6),
    "padding 2": (4, 7, 7, 33, 5, 2, 1, 1, 16, 7),
    "two groups": (8, 6, 6, 16, 3, 1, 1, 2, 20, 6),
    "many groups": (12, 5, 5, 3, 3, 1, 2, 4, 48, 3),
    "one by one": (5, 4, 4, 64, 1, 0, 1, 1, 10, 4),
    "stride above size": (2, 11, 11, 5, 2, 0, 3, 1, 4, 4),
    "stride 3 one by one": (3, 8, 8, 4, 1, 1, 3, 1, 7, 4),
    "overhang": (3, 10, 10, 9, 3, 0, 2, 1, 6, 6),
    "pixels unread": (3, 10, 10, 9, 3, 1, 1, 1, 6, 4),
    "padding above size": (2, 5, 5, 6, 3, 4, 1, 1, 5, 11),
    "padding above size, stride": (2, 5, 5, 6, 2, 5, 2, 2, 4, 8),
    "one channel one filter one case": (1, 6, 6, 1, 3, 1, 1, 1, 1, 6),
    "one case": (6, 13, 13, 1, 3, 1, 1, 1, 16, 13),
    "wide image": (2, 5, 9, 17, 3, 1, 2, 1, 3, (3, 5)),
    "130 cases": (3, 4, 4, 130, 3, 1, 1, 1, 10, 4),
    "130 cases, stride": (3, 5, 5, 130, 3, 1, 2, 1, 10, 3),
    "many taps": (200, 3, 3, 4, 3, 1, 1, 1, 70, 3),
    "very many taps": (96, 6, 6, 2, 5, 2, 1, 1, 8, 6),
    "one output": (7, 5, 5, 16, 5, 0, 1, 1, 10, 1),
}
WINOGRAD = {  # 3x3 or 5x5 at stride 1, or of each phase
    "3x3": (16, 8, 8, 16, 3, 1, 1, 1, 16, 8),
    "3x3, odd and ragged": (17, 7, 7, 5, 3, 1, 1, 1, 19, 7),
    "3x3, groups": (32, 6, 6, 7, 3, 0, 1, 2, 36, 4),
    "3x3, wide padding": (17, 6, 6, 130, 3, 3, 1, 1, 19, 10),
    "3x3, many channels": (300, 4, 4, 3, 3, 1, 1, 1, 16, 4),
    "3x3, wide image": (16, 4, 9, 17, 3, 1, 1, 1, 16, (4, 9)),
    "3x3, pixels unread": (16, 10, 10, 9, 3, 1, 1, 1, 40, 4),
    "3x3, tiles inside": (16, 20, 18, 32, 3, 1, 1, 1, 17, (20, 18)),
    "3x3, whole blocks": (6, 9, 8, 64, 3, 1, 1, 1, 20, (9, 8)),
    "5x5": (16, 8, 8, 16, 5, 2, 1, 1, 16, 8),
    "5x5, odd and ragged": (17, 7, 7, 5, 5, 2, 1, 1, 19, 7),
    "5x5, groups": (32, 10, 10, 7, 5, 0, 1, 2, 36, 6),
    "5x5, wide padding": (17, 4, 4, 130, 5, 4, 1, 1, 19, 8),
    "5x5, pixels unread": (16, 12, 12, 9, 5, 1, 1, 1, 40, 4),
    "11x11 at 4": (3, 43, 43, 16, 11, 0, 4, 1, 16, 9),
    "5x5 at 2, padding": (8, 15, 15, 32, 5, 2, 2, 2, 38, 8),
    "7x7 at 3, pixels unread": (9, 21, 20, 5, 7, 1, 3, 1, 17, (6, 5)),
    "5x5 at 2, whole blocks": (4, 14, 11, 128, 5, 3, 2, 1, 32, (8, 7)),
    "9x9 at 2": (5, 24, 24, 20, 9, 3, 2, 1, 16, 11),
}
FEW_CASES = [1, 2, 3, 7, 8, 9]
SMALL = [name for name, case in CASES.items() if case[0] < 90 and case[8] < 48]
DTYPES = [np.float32, np.float64]


class Problem:
    """One convolution: random arrays, and all expected results in float64."""

    def __init__(self, case, dtype, shared):
        channels, height, width, cases, self.size, self.padding, self.stride, groups, f, m = case
        my, mx = m if isinstance(m, tuple) else (m, m)
        rng = np.random.default_rng(5)
        self.dtype, self.shared, self.groups = dtype, shared, groups
        filters = (channels // groups, self.size, self.size, f)
        self.w = rng.standard_normal(filters if shared else (my * mx, *filters)).astype(dtype)
        self.x = rng.standard_normal((channels, height, width, cases)).astype(dtype)
        self.dy = rng.standard_normal((f, my, mx, cases)).astype(dtype)
        self.expect()

    @property
    def scalars(self):
        return self.padding, self.stride, self.groups

    def expect(self):
        """Loop over modules and filter pixels, on an image with a wide border of zeros."""
        x, w, dy = (a.astype(np.float64) for a in (self.x, self.w, self.dy))
        edge = self.size + self.padding + self.stride * max(dy.shape[1:3])
        around = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
        y, dx, dw = np.zeros_like(dy), np.zeros_like(around), np.zeros_like(w)
        channels, filters = x.shape[0] // self.groups, dy.shape[0] // self.groups
        for module in np.ndindex(dy.shape[1:3]):
            my, mx = module
            wm = w if self.shared else w[my * dy.shape[2] + mx]
            dwm = dw if self.shared else dw[my * dy.shape[2] + mx]
            for r, s in np.ndindex(self.size, self.size):
                iy = my * self.stride - self.padding + r + edge
                ix = mx * self.stride - self.padding + s + edge
                for g in range(self.groups):
                    cs = slice(g * channels, (g + 1) * channels)
                    fs = slice(g * filters, (g + 1) * filters)
                    y[fs, my, mx] += wm[:, r, s, fs].T @ around[cs, iy, ix]
                    dx[cs, iy, ix] += wm[:, r, s, fs] @ dy[fs, my, mx]
                    dwm[:, r, s, fs] += around[cs, iy, ix] @ dy[fs, my, mx].T
        self.y, self.dw = y, dw
        self.dx = dx[:, edge : edge + x.shape[1], edge : edge + x.shape[2]]


def run(function, *args):
    """Call with scratch of exactly the announced size, full of NaN and aligned to 64 bytes."""
    if function.scratch_size is None:
        return function(*args)
    size = function.scratch_size(*args)
    memory = np.full(size + 128, 0xFF, np.uint8)
    start = -memory.ctypes.data % 64
    function(*args, scratch=memory[start : start + size])
    assert (memory[:start] == 0xFF).all() and (memory[start + size :] == 0xFF).all()


def check(function, inputs, expected, dtype, *scalars):
    """It overwrites NaN, repeats bit for bit, adds if asked to, and leaves its inputs unchanged."""
    before = [a.copy() for a in inputs]
    out, again = np.full(expected.shape, np.nan, dtype), np.full(expected.shape, np.nan, dtype)
    run(function, *inputs, out, *scalars, False)
    close(out, expected, dtype)
    run(function, *inputs, again, *scalars, False)
    assert np.array_equal(out, again)
    start = np.random.default_rng(6).standard_normal(expected.shape).astype(dtype)
    out[...] = start
    run(function, *inputs, out, *scalars, True)
    close(out, expected + start, dtype)
    assert all(np.array_equal(a, b) for a, b in zip(inputs, before, strict=True))


def close(out, expected, dtype):
    assert out.dtype == dtype
    scale = np.abs(expected).max() if dtype == np.float64 else np.sqrt(np.mean(expected**2)) * 10
    assert np.isfinite(out).all()
    assert np.abs(out - expected).max() <= TOLERANCE[dtype] * max(scale, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("module", [conv, local], ids=["conv", "local"])
def test_against_loops(module, name, dtype, monkeypatch):
    monkeypatch.setattr(tiling, "tiling", lambda *_: None)
    p = Problem(CASES[name], dtype, shared=module is conv)
    check(module.forward, (p.x, p.w), p.y, dtype, *p.scalars)
    check(module.images_grad, (p.dy, p.w), p.dx, dtype, *p.scalars)
    check(module.weights_grad, (p.x, p.dy), p.dw, dtype, *p.scalars)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WINOGRAD)
@pytest.mark.parametrize("side", SIDES)
def test_winograd_against_loops(name, side, dtype, monkeypatch):
    monkeypatch.setattr(tiling, "SIDES", (side,))
    monkeypatch.setattr(tiling, "_WORTH", np.inf)
    monkeypatch.setattr(tiling, "tiling", tiling.tiling.__wrapped__)
    p = Problem(WINOGRAD[name], dtype, shared=True)
    assert tiling.tiling(p.w.shape, p.groups, p.stride, p.y.shape).side == side
    check(conv.forward, (p.x, p.w), p.y, dtype, *p.scalars)
    check(conv.images_grad, (p.dy, p.w), p.dx, dtype, *p.scalars)
    check(conv.weights_grad, (p.x, p.dy), p.dw, dtype, *p.scalars)
    monkeypatch.setattr(winograd_weights, "_SUMS_BYTES", 0)  # split by channels, not by columns
    check(conv.weights_grad, (p.x, p.dy), p.dw, dtype, *p.scalars)


@pytest.mark.parametrize("cases", [64, 66])
@pytest.mark.parametrize("way", ["Winograd", "direct"])
def test_results_that_are_larger_than_the_caches(way, cases, monkeypatch):
    """They are stored by streaming stores, but not in ragged rows; some tiles cross the border."""
    p = Problem((32, 47, 47, cases, 3, 1, 1, 1, 32, 47), np.float32, shared=True)
    if way == "direct":
        monkeypatch.setattr(tiling, "tiling", lambda *_: None)
    assert min(p.x.nbytes, p.dy.nbytes) >= STREAM_BYTES
    assert (conv._tiling(p.w, 1, 1, p.dy) is None) == (way == "direct")
    for function, inputs, expected in (
        (conv.forward, (p.x, p.w), p.y),
        (conv.images_grad, (p.dy, p.w), p.dx),
    ):
        out = aligned(expected.size, np.dtype(np.float32)).reshape(expected.shape)
        out[...] = np.nan
        run(function, *inputs, out, *p.scalars, False)
        close(out, expected, np.float32)


def test_tiles_of_known_layers():
    """AlexNet's first three layers, a small one, and some where direct convolution is cheaper."""

    def chosen(channels, size, filters, stride, outputs, groups=1):
        shape = (channels, size, size, filters)
        return tiling.tiling(shape, groups, stride, (filters, outputs, outputs, 128))

    assert chosen(3, 11, 96, 4, 55) == (7, 3, 4)
    assert chosen(48, 5, 256, 1, 27, groups=2) == (8, 5, 1)
    assert chosen(256, 3, 384, 1, 13) == (7, 3, 1)
    assert chosen(32, 3, 64, 1, 8) == (6, 3, 1)
    assert chosen(3, 5, 64, 1, 24) is None  # few channels
    assert chosen(64, 3, 64, 2, 12) is None  # phases of 2x2
    assert chosen(64, 7, 64, 1, 12) is None
    assert chosen(64, 3, 64, 1, 1) is None  # one output of a tile


def test_the_transforms_of_filters_pay_only_for_enough_cases():
    def chosen(channels, size, filters, outputs, cases, groups=1):
        shape = (channels, size, size, filters)
        return tiling.tiling(shape, groups, 1, (filters, outputs, outputs, cases))

    assert [chosen(256, 3, 384, 13, n) is None for n in (1, 4, 8)] == [True, False, False]
    assert chosen(48, 5, 256, 27, 1, groups=2) == (8, 5, 1)  # enough tiles in one case
    assert chosen(512, 3, 512, 13, 1) is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cases", FEW_CASES)
@pytest.mark.parametrize("transforms", [False, True])
def test_conv_of_few_cases(cases, dtype, transforms, monkeypatch):
    """Tasks are whole vectors, and no whole tiles; filters are packed in several parts."""
    monkeypatch.setattr(tiling, "_WORTH", np.inf if transforms else 0)
    monkeypatch.setattr(tiling, "tiling", tiling.tiling.__wrapped__)
    p = Problem((20, 13, 13, cases, 3, 1, 1, 1, 130, 13), dtype, shared=True)
    assert (tiling.tiling(p.w.shape, p.groups, p.stride, p.y.shape) is not None) == transforms
    check(conv.forward, (p.x, p.w), p.y, dtype, *p.scalars)
    check(conv.images_grad, (p.dy, p.w), p.dx, dtype, *p.scalars)
    check(conv.weights_grad, (p.x, p.dy), p.dw, dtype, *p.scalars)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cases", [1, 2, 3, 8])
@pytest.mark.parametrize("padding, side, outputs", [(2, 31, 7), (0, 47, 10)])
def test_few_cases_at_a_stride(padding, side, outputs, cases, dtype, monkeypatch):
    """Each phase of a tile reads every fourth pixel, some of them outside of the image."""
    monkeypatch.setattr(tiling, "_WORTH", np.inf)
    monkeypatch.setattr(tiling, "tiling", tiling.tiling.__wrapped__)
    p = Problem((3, side, side, cases, 11, padding, 4, 1, 20, outputs), dtype, shared=True)
    assert tiling.tiling(p.w.shape, p.groups, p.stride, p.y.shape) is not None
    check(conv.forward, (p.x, p.w), p.y, dtype, *p.scalars)
    check(conv.weights_grad, (p.x, p.dy), p.dw, dtype, *p.scalars)


@pytest.mark.parametrize("cases", [1, 7, 16, 33, 64, 130])
@pytest.mark.parametrize("filters", [1, 10, 16, 48])
def test_cases_and_filters(cases, filters):
    p = Problem((3, 6, 6, cases, 3, 1, 1, 1, filters, 6), np.float32, shared=True)
    check(conv.forward, (p.x, p.w), p.y, np.float32, *p.scalars)
    check(conv.images_grad, (p.dy, p.w), p.dx, np.float32, *p.scalars)
    check(conv.weights_grad, (p.x, p.dy), p.dw, np.float32, *p.scalars)


@pytest.mark.parametrize("function", [conv.forward, conv.images_grad, conv.weights_grad])
def test_more_threads_than_planned(function, monkeypatch):
    """Scratch that was sized for one thread suffices when more threads are allowed later."""
    p = Problem(CASES["two groups"], np.float32, shared=True)
    arrays = {
        "forward": (p.x, p.w, p.y.astype(np.float32)),
        "images_grad": (p.dy, p.w, p.dx.astype(np.float32)),
        "weights_grad": (p.x, p.dy, p.dw.astype(np.float32)),
    }[function.__name__]
    expected = arrays[2].copy()
    with monkeypatch.context() as patch:
        patch.setattr("convnet.backends.cpu.scratch.numba.get_num_threads", lambda: 1)
        size = function.scratch_size(*arrays, *p.scalars, False)
    function(*arrays, *p.scalars, False, scratch=np.full(size, 0xFF, np.uint8))
    close(arrays[2], expected.astype(np.float64), np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (10, 1), (96, 130), (3, 5000)])
def test_bias(shape, dtype):
    rng = np.random.default_rng(7)
    y, b = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape[0]).astype(dtype)
    expected = y.astype(np.float64) + b[:, None]
    total = y.astype(np.float64).sum(axis=1)
    check(bias.grad, (y,), total, dtype)
    bias.forward(b, y)
    close(y, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "inputs, outputs, cases",
    [
        (1, 1, 1),
        (7, 5, 3),
        (40, 300, 17),
        (3, 9, 1),
        (96, 192, 64),
        (1100, 203, 33),
        (1100, 203, 270),
        *((1101, 203, cases) for cases in FEW_CASES),
        *((9001, 11, cases) for cases in FEW_CASES),
    ],
)
def test_fc(inputs, outputs, cases, dtype):
    x, w, dy = full_connection(inputs, outputs, cases, dtype)
    x64, w64, dy64 = (a.astype(np.float64) for a in (x, w, dy))
    check(fc.forward, (x, w), w64 @ x64, dtype)
    check(fc.inputs_grad, (dy, w), w64.T @ dy64, dtype)
    check(fc.weights_grad, (x, dy), dy64 @ x64.T, dtype)


def full_connection(inputs, outputs, cases, dtype):
    """Random x, w and dy."""
    rng = np.random.default_rng(8)
    shapes = (inputs, cases), (outputs, inputs), (outputs, cases)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def test_few_columns_are_not_packed():
    assert [few_columns.fits(cases) for cases in FEW_CASES] == [True] * 5 + [False]


@pytest.mark.parametrize("cases", FEW_CASES)
def test_fc_of_few_cases_with_biases_and_a_neuron(cases):
    x, w, _ = full_connection(70, 33, cases, np.float32)
    biases = np.linspace(-1, 1, 33, dtype=np.float32)
    y = np.full((33, cases), np.nan, np.float32)
    run(fc.forward_fused, x, w, y, False, biases, "relu", 0.0, 0.0)
    close(y, np.maximum(w.astype(np.float64) @ x + biases[:, None], 0), np.float32)


@pytest.mark.parametrize("inputs", [2048, 2050])
def test_weight_gradients_that_are_larger_than_the_caches(inputs):
    """They are stored by streaming stores, but not in ragged rows; the next one adds to them."""
    x, w, dy = full_connection(inputs, 2051, 3, np.float32)
    out = aligned(w.size, np.dtype(np.float32)).reshape(w.shape)
    assert out.nbytes >= STREAM_BYTES
    out[...] = np.nan
    expected = dy.astype(np.float64) @ x.T
    run(fc.weights_grad, x, dy, out, False)
    close(out, expected, np.float32)
    run(fc.weights_grad, x, dy, out, True)
    close(out, 2 * expected, np.float32)


@pytest.mark.parametrize(
    ("features", "expected"), [("+sse4.2", 16), ("+avx2,+fma", 32), ("+avx2,+fma,+avx512f", 64)]
)
def test_the_vector_width_is_that_of_the_processor_compiled_for(features, expected):
    """`make widths` runs the tests with each vector width that a machine has."""
    code = "from convnet.backends.cpu.microkernel import VECTOR_BYTES as v; print(v)"
    env = {**os.environ, "NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert run.stdout.strip() == str(expected), run.stderr
