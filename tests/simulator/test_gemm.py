"""The products of convolutions and full connections in the simulator, against NumPy in float64."""

import numpy as np
import pytest
from numba import cuda

from convnet.backends.cuda.gemm import gemm, kernel
from convnet.backends.cuda.gemm.epilogue import Epilogue
from convnet.backends.cuda.ops import conv, fc, local, sfc
from convnet.backends.cuda.runtime.launch import Array


@pytest.fixture(autouse=True)
def ring_of_the_device(monkeypatch):
    """Four stages, where the simulator's other tests have two."""
    kernel.product_kernel.cache_clear()
    for module in (kernel, gemm):
        monkeypatch.setattr(module, "STAGES", 4)
    yield
    kernel.product_kernel.cache_clear()


def on_device(values) -> Array:
    memory = cuda.to_device(np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint8))
    return Array(memory, 0, values.shape, np.dtype(np.float32))


def computed(function, a, b, out, *numbers, accumulate=False, precision="fp32", last=()):
    """Return what `function` writes to `out`, which holds NaN before unless it adds."""
    target = on_device(out if accumulate else np.full(out.shape, np.nan))
    arrays = (on_device(a), on_device(b), target)
    arguments, extra = (*arrays, *numbers, accumulate, *last), {"precision": precision}
    if function.scratch_size is not None:
        size = max(int(function.scratch_size(*arguments, **extra)), 1)
        memory = cuda.to_device(np.full(size, 255, np.uint8))
        extra["scratch"] = Array(memory, 0, (size,), np.dtype(np.uint8))
    for item in function(*arguments, **extra):
        run(item)
    return target.on_device().copy_to_host().reshape(out.shape)


def run(item):
    values = [cuda.to_device(v) if isinstance(v, np.ndarray) else v for v in item.arguments]
    values = [v.on_device() if isinstance(v, Array) else v for v in values]
    item.kernel.dispatcher[item.blocks, item.threads](*values)


# tf32's splitting takes the farther neighbor of a few values that lie almost between two.
TOLERANCES = {"fp32": 2e-6, "tf32": 3e-5, "bf16": 2e-6}


def close(found, expected, precision="fp32"):
    tolerance = TOLERANCES[precision]
    assert np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(expected)


def check_directions(module, given, expected, *numbers, accumulate, precision):
    """given: x, w, dy; expected: y, dx, dw."""
    x, w, dy = given
    calls = (
        (module.forward, x, w, dy),
        (module.images_grad, dy, w, x),
        (module.weights_grad, x, dy, w),
    )
    for (function, a, b, out), right in zip(calls, expected, strict=True):
        found = computed(function, a, b, out, *numbers, accumulate=accumulate, precision=precision)
        close(found, right + (out if accumulate else 0), precision)


def draw(*shape):
    return np.random.default_rng(len(shape) + shape[0]).standard_normal(shape).astype(np.float32)


def rounded(values, precision):
    """float64 of the nearest tf32 or bf16, of two the even one."""
    bits = {"fp32": 23, "tf32": 10, "bf16": 7}[precision]
    fraction, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(np.ldexp(fraction, bits + 1)), exponent - bits - 1)


# outputs, inputs, cases, accumulate, precision: ragged, whole words, and several splits of k
FULL = [
    (5, 3, 2, False, "fp32"),
    (36, 20, 68, True, "fp32"),
    (2, 100, 3, True, "fp32"),
    (33, 37, 65, False, "tf32"),
    (36, 20, 68, False, "tf32"),
    (36, 20, 68, True, "bf16"),
    (2, 100, 3, False, "bf16"),
]


@pytest.mark.parametrize(("outputs", "inputs", "cases", "accumulate", "precision"), FULL)
def test_full(outputs, inputs, cases, accumulate, precision):
    x, w, dy = draw(inputs, cases), draw(outputs, inputs), draw(outputs, cases)
    exact = [rounded(array, precision) for array in (x, w, dy)]
    for function, a, b, out, expected in (
        (fc.forward, x, w, dy, exact[1] @ exact[0]),
        (fc.inputs_grad, dy, w, x, exact[1].T @ exact[2]),
        (fc.weights_grad, x, dy, w, exact[2] @ exact[0].T),
    ):
        found = computed(function, a, b, out, accumulate=accumulate, precision=precision)
        close(found, expected + (out if accumulate else 0), precision)


@pytest.mark.parametrize(
    ("outputs", "inputs", "cases", "accumulate"), [(5, 3, 2, False), (8, 12, 36, True)]
)
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
    """(taps, modules * cases) of indices into an image that is followed by one zero."""
    channels, height, width, cases = shape
    own = channels // groups
    c, r, s, y, x, n = np.ogrid[:own, :size, :size, : modules[0], : modules[1], :cases]
    py, px = y * stride - padding + r, x * stride - padding + s
    place = (((group * own + c) * height + py) * width + px) * cases + n
    inside = (py >= 0) & (py < height) & (px >= 0) & (px < width)
    return np.where(inside, place, channels * height * width * cases).reshape(own * size**2, -1)


# channels, filters, side, filter side, modules a side, padding, stride, groups, cases
CONVOLUTIONS = [
    ((1, 1, 1, 1, 1, 0, 1, 1, 1), False, "fp32"),
    ((3, 5, 6, 3, 4, 0, 1, 1, 4), True, "fp32"),
    ((3, 5, 6, 3, 6, 1, 1, 1, 3), False, "tf32"),
    ((4, 6, 7, 3, 4, 1, 2, 2, 5), True, "bf16"),
    ((4, 4, 5, 5, 4, 2, 3, 2, 4), False, "fp32"),
    ((2, 36, 5, 2, 3, 1, 4, 1, 4), True, "tf32"),  # windows that leave pixels out
    ((8, 8, 4, 3, 4, 1, 1, 1, 4), False, "bf16"),  # many stages
]


@pytest.mark.parametrize(("case", "accumulate", "precision"), CONVOLUTIONS)
def test_convolution(case, accumulate, precision):
    channels, filters, side, size, modules, padding, stride, groups, cases = case
    own, each = channels // groups, filters // groups
    x, w = draw(channels, side, side, cases), draw(own, size, size, filters)
    dy = draw(filters, modules, modules, cases)
    fine = [rounded(array, precision) for array in (x, w, dy)]
    padded = np.append(fine[0].reshape(-1), 0)
    y, dx, dw = fine[2] * 0, np.zeros(x.size + 1), fine[1] * 0
    for g in range(groups):
        places = window_matrix(x.shape, size, (modules, modules), padding, stride, g, groups)
        mine = slice(g * each, (g + 1) * each)
        weights, errors = fine[1][..., mine].reshape(-1, each), fine[2][mine].reshape(each, -1)
        y[mine] = (weights.T @ padded[places]).reshape(y[mine].shape)
        np.add.at(dx, places, weights @ errors)
        dw[..., mine] = (padded[places] @ errors.T).reshape(dw[..., mine].shape)
    options = {"accumulate": accumulate, "precision": precision}
    expected = y, dx[:-1].reshape(x.shape), dw
    check_directions(conv, (x, w, dy), expected, padding, stride, groups, **options)


LOCAL = [
    ((3, 5, 3, 3, 2, 1, 2, 1, 3), True, "fp32"),
    ((4, 8, 4, 3, 2, 0, 1, 2, 4), False, "tf32"),
]


@pytest.mark.parametrize(("case", "accumulate", "precision"), LOCAL)
def test_local(case, accumulate, precision):
    channels, filters, side, size, modules, padding, stride, groups, cases = case
    own, each, count = channels // groups, filters // groups, modules**2
    x, w = draw(channels, side, side, cases), draw(count, own, size, size, filters)
    dy = draw(filters, modules, modules, cases)
    fine = [rounded(array, precision) for array in (x, w, dy)]
    padded = np.append(fine[0].reshape(-1), 0)
    y, dx, dw = fine[2] * 0, np.zeros(x.size + 1), fine[1] * 0
    for g in range(groups):
        places = window_matrix(x.shape, size, (modules, modules), padding, stride, g, groups)
        places = places.reshape(-1, count, cases).swapaxes(0, 1)  # (module, tap, case)
        mine = slice(g * each, (g + 1) * each)
        weights = fine[1][..., mine].reshape(count, -1, each)
        errors = fine[2][mine].reshape(each, count, cases).swapaxes(0, 1)
        found = weights.swapaxes(1, 2) @ padded[places]
        y[mine] = found.swapaxes(0, 1).reshape(y[mine].shape)
        np.add.at(dx, places, weights @ errors)
        dw[..., mine] = (padded[places] @ errors.swapaxes(1, 2)).reshape(dw[..., mine].shape)
    options = {"accumulate": accumulate, "precision": precision}
    expected = y, dx[:-1].reshape(x.shape), dw
    check_directions(local, (x, w, dy), expected, padding, stride, groups, **options)


def test_channels_of_local_images_come_in_groups(monkeypatch):
    """Two of three at once: the last group is smaller."""
    monkeypatch.setattr(local, "MOST_PRODUCTS", 2 * 4 * 9 * 3 * 4 + 1)
    test_local((3, 2, 4, 3, 2, 0, 1, 1, 3), True, "fp32")


TILES = [(tile[:2], precision) for tile in gemm.TILES for precision in TOLERANCES]
TILES += [(tile[:2], "bf16") for tile in gemm.BF16_TILES]


@pytest.mark.parametrize(("tile", "precision"), TILES, ids=str)
def test_every_tile(monkeypatch, tile, precision):
    """The tiles of the device, of several warps; `test_tiles` has all kinds of copies."""
    monkeypatch.setattr(gemm, "_SMALLEST", tile)
    x, w = draw(12, tile[1] - 4), draw(tile[0] - 2, 12)
    found = computed(fc.forward, x, w, draw(len(w), x.shape[1]), precision=precision)
    close(found, rounded(w, precision) @ rounded(x, precision), precision)


FUSED = [
    # function, plain, x, w, y, numbers, biases
    (conv.forward_fused, conv.forward, (4, 5, 5, 4), (2, 3, 3, 6), (6, 3, 3, 4), (0, 1, 2), 6),
    (fc.forward_fused, fc.forward, (9, 7), (5, 9), (5, 7), (), 5),
    (sfc.forward_fused, sfc.forward, (12, 4), (5, 12), (15, 4), (3,), 15),
    (local.forward_fused, local.forward, (4, 4, 4, 4), (4, 2, 3, 3, 6), (6, 2, 2, 4), (0, 1, 2), 24)
]  # fmt: skip


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("kind", ["relu", "linear", "tanh"])
@pytest.mark.parametrize("row", FUSED, ids=lambda row: row[0].__module__.rpartition(".")[2])
def test_a_fused_epilogue_gives_the_bits_of_a_separate_one(row, kind, accumulate):
    function, plain, x, w, y, numbers, count = row
    x, w, y, biases = draw(*x), draw(*w), draw(*y), draw(count)
    last = on_device(biases), kind, 1.5, 0.25
    found = computed(function, x, w, y, *numbers, accumulate=accumulate, last=last)
    expected = on_device(computed(plain, x, w, y, *numbers, accumulate=accumulate))
    for item in Epilogue(*last).launches(expected):
        run(item)
    assert np.array_equal(found, expected.on_device().copy_to_host().reshape(y.shape))


def test_which_epilogues_are_fused():
    """Those of cheap neurons, unless k is split or a row has several biases."""
    shallow, deep = (fc, (9, 8), (4, 9), (4, 8), ()), (fc, (100, 3), (2, 100), (2, 3), ())
    own = (conv, (2, 4, 4, 2), (2, 3, 3, 3), (3, 2, 2, 2), (0, 1, 1))
    for (module, x, w, y, numbers), kind, biases, launches in (
        (shallow, "relu", 4, ["relu"]),
        (shallow, "tanh", 4, ["", "epilogue_tanh"]),
        (deep, "relu", 2, ["", "_add_splits", "epilogue_relu"]),
        (own, "relu", 12, ["", "epilogue_relu"]),  # a bias for each module
    ):
        x, w, y, biases = (on_device(draw(*n)) for n in (x, w, y, (biases,)))
        arguments = x, w, y, *numbers, False, biases, kind, 0.0, 0.0
        size = module.forward_fused.scratch_size(*arguments, precision="fp32")
        scratch = Array(cuda.to_device(np.zeros(size + 1, np.uint8)), 0, (size,), np.dtype("u1"))
        work = module.forward_fused(*arguments, precision="fp32", scratch=scratch)
        names = [item.kernel.name for item in work]
        assert len(names) == len(launches)
        assert all(name.find(part) >= 0 for name, part in zip(names, launches, strict=True)), names
        assert names[0].endswith("relu") == (launches[0] == "relu")
