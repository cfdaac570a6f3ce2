"""Where the tests' arrays lie: no array is placed where a GPU could not read its values."""

import numpy as np
import pytest

from tests.support.simulator.direct import on_device


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.int64, np.float64])
@pytest.mark.parametrize("offset", [0, 4, 8, 12])
def test_values_are_aligned_to_their_size(dtype, offset):
    values = np.arange(5, dtype=dtype)
    array = on_device(values, offset)
    assert array.start % values.itemsize == 0
    assert offset % 16 == 0 or not array.aligned(16)
    assert np.array_equal(array.on_device().copy_to_host(), values)
