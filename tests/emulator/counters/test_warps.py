"""Sectors and wavefronts of single accesses, as the CUDA programming guide counts them."""

import numpy as np
import pytest

from emulator.counters.warps import sectors, wavefronts

LANE, ALL = np.arange(32), np.ones(32, bool)
FIRST = 1 << 20

# bytes a thread, places of the threads' values in values; sectors, different values
SECTORS = [
    (4, LANE, 4, 32),
    (16, LANE, 16, 32),
    (4, 2 * LANE, 8, 32),  # every second value: half of each sector is used
    (4, 8 * LANE, 32, 32),
    (4, 0 * LANE, 1, 1),
    (4, LANE + 1, 5, 32),  # begins within a sector
    (1, LANE, 1, 32),
    (8, LANE[::-1], 8, 32),
]


@pytest.mark.parametrize(("size", "places", "asked", "different"), SECTORS)
def test_sectors(size, places, asked, different):
    found, needed = sectors(FIRST + size * places, size, ALL)
    assert (len(found), needed) == (asked, different * size)


def test_threads_that_are_not_active_ask_for_nothing():
    found, needed = sectors(np.full(64, FIRST) + 32 * np.arange(64), 4, np.arange(64) < 3)
    assert list(found) == [FIRST // 32 + n for n in range(3)] and needed == 12
    assert len(sectors(np.full(32, FIRST), 4, ~ALL)[0]) == 0


# bytes a thread, addresses; wavefronts, the least
WAVEFRONTS = [
    (4, 4 * LANE, 1, 1),
    (4, 8 * LANE, 2, 1),  # two words of each second bank
    (4, 128 * LANE, 32, 1),
    (4, 0 * LANE, 1, 1),  # one word for all
    (2, 2 * LANE, 1, 1),  # two threads share a word
    (8, 8 * LANE, 2, 2),
    (8, 16 * LANE, 4, 2),
    (16, 16 * LANE, 4, 4),
    (16, 48 * LANE, 4, 4),  # rows of an odd number of 16 bytes, as ldmatrix reads them
    (16, 32 * LANE, 8, 4),
    (16, 128 * LANE, 32, 4),
]


@pytest.mark.parametrize(("size", "addresses", "found", "least"), WAVEFRONTS)
def test_wavefronts(size, addresses, found, least):
    assert wavefronts(addresses, size, ALL) == (found, least)


def test_parts_of_a_warp_that_are_not_active_take_no_wavefront():
    assert wavefronts(16 * LANE, 16, LANE < 8) == (1, 1)
    assert wavefronts(16 * LANE, 16, ~ALL) == (0, 0)
    both = np.concatenate([4 * LANE, 128 * LANE])
    assert wavefronts(both, 4, np.arange(64) != 40) == (1 + 31, 2)
