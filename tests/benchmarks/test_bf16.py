"""The measurement of bfloat16 on the CPU: its products, its packing, its errors, its counts."""

import llvmlite.binding as llvm
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; it comes with .[bench]")

from benchmarks.bf16 import __main__ as bf16  # noqa: E402
from benchmarks.bf16.kernels import KINDS, LANES, ROWS, WIDTH, Kernels  # noqa: E402
from benchmarks.graphs import shipped_graph  # noqa: E402
from convnet.backends.cpu.engine import aligned  # noqa: E402

needs_bf16 = pytest.mark.skipif(
    not llvm.get_host_cpu_features().get("avx512bf16"), reason="the processor has no AVX512-BF16"
)


def filled(*shape, seed):
    values = aligned(int(np.prod(shape)), np.dtype(np.float32)).reshape(shape)
    values[...] = bf16.rounded(np.random.default_rng(seed).standard_normal(shape))
    return values


def in_pairs(values):
    """Rows (k, n) of numbers that bfloat16 has: as rows of pairs (k / 2, n), float32 in bits."""
    high = values.view(np.uint32) >> 16
    return (high[0::2] | high[1::2] << 16).astype(np.uint32).view(np.float32)


@needs_bf16
@pytest.mark.parametrize("kind", KINDS)
def test_products(kind):
    depth, tall, columns = 10, 3, 2
    a, b = filled(tall, depth, ROWS, seed=1), filled(columns, depth, WIDTH, seed=2)
    c = filled(tall, columns, ROWS, WIDTH, seed=3)
    packed = []
    for values in (a, b):
        rows = values if kind == "float32" else np.stack([in_pairs(panel) for panel in values])
        packed.append(aligned(rows.size, np.dtype(np.float32)))
        packed[-1][:] = rows.reshape(-1)
    count = depth if kind == "float32" else depth // 2
    pointers = [array.ctypes.data for array in (*packed, c)]
    Kernels(kind).products(*pointers, count, tall, columns)
    expected = np.einsum("mkr,nkw->mnrw", a.astype(float), b.astype(float))
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)


@needs_bf16
def test_packing_rounds_to_pairs():
    rows = aligned(2 * 2 * LANES, np.dtype(np.float32))
    rows[:] = np.random.default_rng(1).standard_normal(rows.size)
    found = aligned(2 * LANES, np.dtype(np.float32))
    Kernels("bf16").pack(rows.ctypes.data, found.ctypes.data, 2)
    first, second = (bf16.rounded(rows.reshape(2, 2, LANES)[:, i]) for i in range(2))
    bits = found.view(np.uint32).reshape(2, LANES)
    np.testing.assert_array_equal((bits << 16).view(np.float32), first)
    np.testing.assert_array_equal((bits & 0xFFFF0000).view(np.float32), second)


def test_rounding_is_to_nearest_even():
    just = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20, -1 - 2**-7])
    assert bf16.rounded(just).tolist() == [1.0, 1.0, 1 + 2**-6, 1 + 2**-7, -1 - 2**-7]


def test_errors_are_those_of_the_rounding(monkeypatch):
    found = bf16.errors(6, 3, channels=16, tiles=4, filters=4)
    assert 5e-4 < found["direct, rms"] < 5e-3 < found["Winograd, rms"] < 0.1
    monkeypatch.setattr(bf16, "rounded", lambda values: values)
    exact = bf16.errors(8, 5, channels=16, tiles=4, filters=4)
    assert exact["direct, rms"] == 0 and exact["Winograd, largest error"] < 1e-10


def test_multiply_adds_of_a_step():
    """Direct ones are those of the layers in three passes; Winograd's are fewer."""
    computed, full, direct = bf16.multiply_adds(cases=128)
    nodes = {node.name: node for node in shipped_graph(bf16.NET).nodes}
    counts = {name: 128 * node.layer.multiply_adds() for name, node in nodes.items()
              if node.layer.type_name in ("conv", "fc")}  # fmt: skip
    assert direct == 3 * sum(counts.values()) - counts["conv1"]
    assert full == 3 * sum(counts[name] for name in ("fc6", "fc7", "fc8"))
    assert full < computed < direct / 2
