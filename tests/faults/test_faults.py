"""A short part of the faults in every run of the tests; the rest is `make faults`."""

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

SECONDS = 120
PARTS = {
    "run": ["--operation", "checkpoint", "--fault", "no space", "--every", "7"],
    "outputs": [
        *("--operation", "predictions", "--operation", "import", "--operation", "show-cost"),
        *("--fault", "no space once", "--fault", "read-only", "--every", "4"),
    ],
    "console": ["--operation", "console of describe", "--operation", "console of a mistake"],
}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_lost(part):
    # In a process of its own: the children are forked, and this one may have threads.
    found = subprocess.run(
        [sys.executable, "-m", "tests.faults", *PARTS[part]],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert " 0 problems" in found.stdout and not found.stdout.startswith("0 calls")
