"""Tests of the compiled kernels on emulated GPUs: `make emulate`, or pytest on this folder with the
plugin of the emulator.

    EMULATOR_GPUS=2 python -m pytest -p emulator.pytest_plugin tests/emulated

Without the plugin nothing here is collected.  EMULATED_PART=2/8 runs every eighth test, beginning
with the second; EMULATED_WHOLE=1 takes all combinations where otherwise some are drawn.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

IS_EMULATED = "emulator.pytest_plugin" in sys.modules

if not IS_EMULATED:
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep this part's tests."""
    if not IS_EMULATED:
        return
    number, _, count = os.environ.get("EMULATED_PART", "1/1").partition("/")
    items[:] = items[int(number) - 1 :: int(count)]


@pytest.fixture
def scheduler() -> Iterator[Any]:
    """Of the emulated GPUs: its order can be changed for a test."""
    from emulator.driver import installed

    table = installed()
    assert table is not None
    found, options = table.driver.scheduler, table.driver.options
    yield found
    found.wait(list(found.pending.values()))
    found.reorder(options.seed, options.late)
