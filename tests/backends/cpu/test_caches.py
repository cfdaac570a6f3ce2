"""The size of the second-level cache, as the system tells it."""

import pytest

from convnet.backends.cpu.caches import USUAL_BYTES, second_level_bytes


def write(folder, number, level, size):
    place = folder / f"index{number}"
    place.mkdir()
    (place / "level").write_text(f"{level}\n")
    (place / "size").write_text(f"{size}\n")


@pytest.mark.parametrize("size, wanted", [("512K", 2**19), ("1280K", 1280 * 2**10), ("2M", 2**21)])
def test_the_second_level_is_found_among_others(tmp_path, size, wanted):
    for number, (level, other) in enumerate([(1, "32K"), (1, "48K"), (2, size), (3, "32M")]):
        write(tmp_path, number, level, other)
    assert second_level_bytes(tmp_path) == wanted


@pytest.mark.parametrize("size", ["", "K", "much", "12"])
def test_unknown_sizes_are_the_usual_one(tmp_path, size):
    assert second_level_bytes(tmp_path) == USUAL_BYTES  # no caches are listed
    write(tmp_path, 2, 2, size)
    assert second_level_bytes(tmp_path) == USUAL_BYTES
