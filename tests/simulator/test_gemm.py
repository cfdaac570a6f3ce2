"""The products of convolutions and full connections in the simulator, against NumPy in float64."""

import numpy as np
import pytest
from numba import cuda

from convnet.backends.base import PRECISIONS
from convnet.backends.cuda import conv, fc, gemm, sfc
from convnet.backends.cuda.launch import Array


def on_device(values) -> Array:
    memory = cuda.to_device(np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint8))
    return Array(memory, 0, values.shape, np.dtype(np.float32))


def computed(function, a, b, out, *numbers, accumulate=False, precision="fp32"):
    """What `function` makes of `out`; it must not need what `out` held unless it adds."""
    target = on_device(out if accumulate else np.full(out.shape, np.nan))
    arrays = (on_device(a), on_device(b), target)
    arguments, extra = (*arrays, *numbers, accumulate), {"precision": precision}
    if function.scratch_size is not None:
        size = max(int(function.scratch_size(*arguments, **extra)), 1)
        memory = cuda.to_device(np.full(size, 255, np.uint8))
        extra["scratch"] = Array(memory, 0, (size,), np.dtype(np.uint8))
    for item in function(*arguments, **extra):
        values = [cuda.to_device(v) if isinstance(v, np.ndarray) else v for v in item.arguments]
        values = [v.on_device() if isinstance(v, Array) else v for v in values]
        item.kernel.dispatcher[item.blocks, item.threads](*values)
    return target.on_device().copy_to_host().reshape(out.shape)


def close(found, expected, tolerance=2e-6):
    assert np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(expected)


def draw(*shape):
    return np.random.default_rng(len(shape) + shape[0]).standard_normal(shape).astype(np.float32)


def rounded(values, precision):
    """float64 of the nearest tf32 (ties away from zero) or bf16 (ties to even)."""
    bits = {"fp32": 23, "tf32": 10, "bf16": 7}[precision]
    fraction, exponent = np.frexp(values.astype(np.float64))
    scaled = fraction * 2.0 ** (bits + 1)
    whole = np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)
    return np.ldexp(np.rint(scaled) if precision == "bf16" else whole, exponent - bits - 1)


FULL = [(5, 3, 2), (70, 37, 33), (36, 64, 100), (1, 1, 1), (8, 40, 68), (2, 700, 3)]


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize(("outputs", "inputs", "cases"), FULL)
def test_full(outputs, inputs, cases, accumulate):
    check_full(outputs, inputs, cases, accumulate)


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize(("outputs", "inputs", "cases"), [(5, 3, 2), (8, 40, 36)])
def test_split_full(outputs, inputs, cases, accumulate, parts=3):
    x, w = draw(parts * inputs, cases), draw(outputs, parts * inputs)
    dy = draw(parts * outputs, cases)
    xs, dys = (a.astype(np.float64).reshape(parts, -1, cases) for a in (x, dy))
    ws = w.astype(np.float64).reshape(outputs, parts, inputs).swapaxes(0, 1)
    dw = np.matmul(dys, xs.swapaxes(1, 2)).swapaxes(0, 1)
    for function, a, b, out, expected in (
        (sfc.forward, x, w, dy, np.matmul(ws, xs)),
        (sfc.inputs_grad, dy, w, x, np.matmul(ws.swapaxes(1, 2), dys)),
        (sfc.weights_grad, x, dy, w, dw),
    ):
        found = computed(function, a, b, out, parts, accumulate=accumulate)
        close(found, expected.reshape(out.shape) + (out if accumulate else 0))


def window_matrix(shape, size, modules, padding, stride, group, groups):
    """(taps, modules * cases) of indices into an image with one zero behind its end."""
    channels, height, width, cases = shape
    own = channels // groups
    c, r, s, y, x, n = np.ogrid[:own, :size, :size, : modules[0], : modules[1], :cases]
    py, px = y * stride - padding + r, x * stride - padding + s
    place = (((group * own + c) * height + py) * width + px) * cases + n
    inside = (py >= 0) & (py < height) & (px >= 0) & (px < width)
    return np.where(inside, place, channels * height * width * cases).reshape(own * size**2, -1)


# channels, filters, side, filter side, modules a side, padding, stride, groups, cases
CONVOLUTIONS = [
    (1, 1, 1, 1, 1, 0, 1, 1, 1),
    (3, 5, 6, 3, 4, 0, 1, 1, 4),
    (3, 5, 6, 3, 6, 1, 1, 1, 3),
    (4, 6, 7, 3, 4, 1, 2, 2, 5),
    (4, 8, 5, 5, 4, 2, 3, 2, 8),
    (2, 36, 5, 2, 3, 1, 4, 1, 4),  # windows that leave pixels out
    (16, 8, 4, 3, 4, 1, 1, 1, 4),  # many stages
]


def check_convolution(case, accumulate, precision="fp32"):
    channels, filters, side, size, modules, padding, stride, groups, cases = case
    own, each = channels // groups, filters // groups
    x, w = draw(channels, side, side, cases), draw(own, size, size, filters)
    dy = draw(filters, modules, modules, cases)
    fine = [rounded(array, precision) for array in (x, w, dy)]
    # The gradient of the images is not a product of tiles where the stride is above 1.
    coarse = "fp32" if stride > 1 else precision
    padded, errors_of_images = np.append(fine[0].reshape(-1), 0), rounded(dy, coarse)
    y, dx, dw = fine[2] * 0, np.zeros(x.size + 1), fine[1] * 0
    for g in range(groups):
        places = window_matrix(x.shape, size, (modules, modules), padding, stride, g, groups)
        mine = slice(g * each, (g + 1) * each)
        weights, errors = (a.reshape(-1, each) for a in (fine[1][..., mine], w[..., mine]))
        y[mine] = (weights.T @ padded[places]).reshape(y[mine].shape)
        np.add.at(dx, places, rounded(errors, coarse) @ errors_of_images[mine].reshape(each, -1))
        dw[..., mine] = (padded[places] @ fine[2][mine].reshape(each, -1).T).reshape(
            dw[..., mine].shape
        )
    geometry = padding, stride, groups
    for function, a, b, out, expected in (
        (conv.forward, x, w, dy, y),
        (conv.images_grad, dy, w, x, dx[:-1].reshape(x.shape)),
        (conv.weights_grad, x, dy, w, dw),
    ):
        found = computed(function, a, b, out, *geometry, accumulate=accumulate, precision=precision)
        close(found, expected + (out if accumulate else 0))


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(case, accumulate):
    check_convolution(case, accumulate)


def check_full(outputs, inputs, cases, accumulate, precision="fp32"):
    x, w, dy = draw(inputs, cases), draw(outputs, inputs), draw(outputs, cases)
    wide = [rounded(array, precision) for array in (x, w, dy)]
    for function, a, b, out, expected in (
        (fc.forward, x, w, dy, wide[1] @ wide[0]),
        (fc.inputs_grad, dy, w, x, wide[1].T @ wide[2]),
        (fc.weights_grad, x, dy, w, wide[2] @ wide[0].T),
    ):
        found = computed(function, a, b, out, accumulate=accumulate, precision=precision)
        close(found, expected + (out if accumulate else 0))


TILES = [(tile[:2], "fp32") for tile in gemm.TILES]
TILES += [(tile, precision) for tile in ((128, 128), (96, 128)) for precision in PRECISIONS[1:]]


@pytest.mark.parametrize(("tile", "precision"), TILES, ids=str)
def test_every_tile(monkeypatch, tile, precision):
    """The tiles of the device, whose warps share the work: with 4-byte and 16-byte copies."""
    monkeypatch.setattr(gemm, "_SMALLEST", tile)
    for cases, accumulate in ((7, True), (12, False)):
        check_full(
            tile[0] - 4, 20, tile[1] + 4 if cases == 12 else tile[1] - 1, accumulate, precision
        )
        filters, channels = tile[0] - 4 * (cases == 12), 2
        check_convolution((channels, filters, 4, 3, 4, 1, 1, 1, cases), accumulate, precision)
