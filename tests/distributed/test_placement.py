"""Which rank has which device."""

import pytest

from convnet.distributed.placement import Placement
from convnet.errors import DeviceError


@pytest.mark.parametrize(
    ("devices", "size", "given", "expected"),
    [
        (4, 2, None, (0, 1, 0, 1)),
        (4, 4, None, (0, 1, 2, 3)),
        (3, 2, None, (0, 1, 0)),
        (4, 2, (0, 0, 1, 1), (0, 0, 1, 1)),
        (2, 2, (1, 0, 0, 1), (1, 0)),  # further devices, which this network does not have
    ],
)
def test_placements(devices, size, given, expected):
    assert Placement.of(devices, size, given).ranks == expected


@pytest.mark.parametrize(
    ("devices", "size", "given", "message"),
    [
        (1, 2, None, "has 1 device, and there are 2 ranks: start at most 1"),
        (4, 2, (0, 1), r"has 4 devices; --ranks names the ranks of 2 \(0,1\). Give 4"),
        (2, 2, (0, 2), "names rank 2; there are 2, from 0: start more .mpiexec -n 3."),
        (2, 2, (1, 1), "leaves rank 0 of 2 without a device"),
    ],
)
def test_refused(devices, size, given, message):
    with pytest.raises(DeviceError, match=message):
        Placement.of(devices, size, given)
