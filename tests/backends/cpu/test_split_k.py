"""Into how many sums weight gradients are split: by shapes alone, in tasks that are few."""

from types import SimpleNamespace

import numpy as np
import pytest

from convnet.backends.cpu.gemm.split_k import splits_of
from convnet.backends.cpu.ops import conv

# channels, size of filters, filters, groups, outputs along an axis
SHAPES = {
    "direct": (3, 5, 64, 1, 32),
    "direct, few columns": (8, 3, 16, 1, 2),
    "direct, large sums": (1024, 1, 1024, 1, 6),
    "direct, a group a channel": (256, 3, 256, 256, 16),
    "Winograd": (32, 5, 32, 1, 32),
    "Winograd, groups": (256, 3, 256, 8, 32),
}


@pytest.mark.parametrize(
    ("groups", "most", "expected"),
    [(1, 0, 1), (1, 1, 1), (1, 5, 4), (1, 100, 16), (2, 100, 8), (3, 100, 4), (64, 100, 1)],
)
def test_splits(groups, most, expected):
    assert splits_of(groups, most) == expected


@pytest.mark.parametrize("name", SHAPES)
def test_the_sums_depend_on_shapes_alone(name):
    channels, size, filters, groups, outputs = SHAPES[name]
    dtype = np.dtype(np.float32)
    dy = SimpleNamespace(shape=(filters, outputs, outputs, 128), dtype=dtype, itemsize=4)
    dw = SimpleNamespace(shape=(channels // groups, size, size, filters), dtype=dtype, itemsize=4)
    assert (conv._tiling(dw, 1, groups, dy) is not None) == name.startswith("Winograd")
    parts = [conv._weights_parts(threads, dy, dw, 1, groups) for threads in (1, 2, 3, 16, 100)]
    ((of_groups, splits),) = {sums[:2] for (sums, _), *_ in parts}
    assert of_groups == groups and groups * splits <= max(groups, 16)
